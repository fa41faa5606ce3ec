//! What the doctor said.

use super::{html, Content, Show};
use crate::diagnose::Alarm;
use crate::plot::escaped;

impl Show for Alarm {
    fn content(&self) -> Content {
        std::slice::from_ref(self).content()
    }
}

impl Show for [Alarm] {
    fn content(&self) -> Content {
        if self.is_empty() {
            return Content::new("no alarms").with_html(html::paragraph("No alarms."));
        }
        let text: Vec<String> = self.iter().map(text).collect();
        Content::new(text.join("\n")).with_html(self.iter().map(page).collect::<String>())
    }
}

impl Show for Vec<Alarm> {
    fn content(&self) -> Content {
        self.as_slice().content()
    }
}

fn text(alarm: &Alarm) -> String {
    let Alarm { kind, epoch, seen, means, try_this } = alarm;
    format!("alarm in epoch {epoch}, {kind}: {seen}\n  {means}\n  Try: {try_this}")
}

fn page(alarm: &Alarm) -> String {
    format!(
        "<div style=\"border-left:5px solid #E69F00;padding:2px 12px;margin:8px 0\"><p><b>Alarm in epoch {}: \
         {}</b></p><p>Seen: {}. {}</p><p><b>Try:</b> {}</p></div>\n",
        alarm.epoch,
        escaped(&alarm.kind),
        escaped(&alarm.seen),
        escaped(&alarm.means),
        escaped(&alarm.try_this)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_words_and_escaped() {
        let alarm = Alarm {
            kind: "total-collapse".into(),
            epoch: 2,
            seen: "std < 0.001".into(),
            means: "All images have the same embedding.".into(),
            try_this: "--lr 1e-3".into(),
        };
        let content = vec![alarm].content();
        assert_eq!(
            content.text(),
            "alarm in epoch 2, total-collapse: std < 0.001\n  All images have the same embedding.\n  Try: --lr 1e-3"
        );
        assert!(content.html().is_some_and(|h| h.contains("std &lt; 0.001")));
        assert_eq!(Vec::<Alarm>::new().content().text(), "no alarms");
    }
}
