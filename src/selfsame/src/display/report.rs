//! What a run found out.

use super::baselines::{named, rows, side_by_side};
use super::{html, Content, Show};
use crate::plot::{accuracy_figure, escaped, geometry_table, scores_table, verdict, Table};
use crate::train::{Outcome, Report, Scores};

impl Show for Report {
    fn content(&self) -> Content {
        let (verdict, scores, geometry) =
            (verdict(self), scores_table(self), geometry_table(&self.diagnostics));
        let alarms = self.alarms.content();
        let title =
            format!("{} on {}, {} encoder, {} epochs", self.method, self.data, self.encoder, self.epochs);
        let mut columns = vec![(self.method.as_str(), &self.scores)];
        columns.extend(named(&self.baselines));
        let narrow = side_by_side(&columns);
        let mut text =
            format!("{title}, run {}\n{verdict}\n\n{}\n\n{}", self.run, narrow.text(), geometry.text());
        let mut page = html::heading(&title);
        page += &html::paragraph(&verdict);
        page += &html::table(&scores);
        let figure = accuracy_figure(self);
        if let Ok(figure) = &figure {
            page += &html::figures([figure]);
        }
        page += &format!(
            "<details><summary>Geometry of the test embeddings</summary>\n{}</details>\n",
            html::table(&geometry)
        );
        if !self.alarms.is_empty() {
            text = format!("{text}\n\n{}", alarms.text());
            page += alarms.html().unwrap_or_default();
        }
        page += &format!("<p>Run <code>{}</code></p>\n", escaped(&self.run));
        let content = Content::new(text).with_html(page);
        match figure {
            Ok(figure) => content.with_figure(figure),
            Err(_) => content,
        }
    }
}

impl Show for Outcome {
    fn content(&self) -> Content {
        match self {
            Outcome::Done { report, .. } => report.content(),
            Outcome::Interrupted { folder, epochs_done, steps_done } => {
                let text = format!(
                    "stopped after {epochs_done} epochs, {steps_done} steps; the run can be resumed: {}",
                    folder.display()
                );
                Content::new(text.clone()).with_html(html::paragraph(&text))
            }
        }
    }
}

impl Show for Scores {
    fn content(&self) -> Content {
        let mut table = Table::new(["probe", "test accuracy"]);
        for (name, value) in rows(self) {
            table.row([name, value]);
        }
        table.content()
    }
}
