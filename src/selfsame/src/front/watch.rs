//! The listener that suits where the code runs.

use super::frontend::in_a_cell;
use super::{Frontend, Lines, Reporter};
use crate::train::Watch;

/// A [`Reporter`] where a face reads messages, [`Lines`] under the stock evcxr kernel, silence anywhere else.
/// [`Trainer::fit`](crate::train::Trainer::fit) uses it when it was given no other listener.
pub fn watch() -> Box<dyn Watch> {
    match Frontend::detect() {
        Some(_) => Box::new(Reporter::new()),
        None if in_a_cell() => Box::new(Lines::new()),
        None => Box::new(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::child::{child, is_child};
    use super::super::Message;
    use crate::augment::Normalise;
    use crate::prelude::*;
    use crate::train::TrainConfig;

    #[test]
    fn a_training_shows_itself_without_being_told_to() {
        let told = child("front::watch::tests::a_training_shows_itself_without_being_told_to", || {
            assert!(is_child());
            let (dev, digits) = (Cpu::default(), Digits::load().unwrap());
            let normalise = Normalise::of(&digits.train(), 100).unwrap();
            let views = views::glyphs(Size::of::<Image<1, 8, 8>>()).normalise(&normalise);
            let mut simclr =
                SimClr::<Mlp<Image<1, 8, 8>, 16, 8, Cpu>, 8, Cpu>::new(&dev, SimClrConfig::default())
                    .unwrap();
            let config = TrainConfig { epochs: 2, batch_size: 600, probe_every: 2, ..TrainConfig::default() };
            Trainer::new(&dev).config(config).fit(&mut simclr, &digits, &views).unwrap();
        });
        let Some(told) = told else { return };
        let messages = told.messages();
        let Some(Message::Plan(plan)) = messages.first() else { panic!("{told:?}") };
        assert_eq!((plan.method.as_str(), plan.data.as_str(), plan.epochs), ("simclr", "digits", 2));
        assert_eq!(plan.steps_per_epoch, 2);
        let last = Message::Done { folder: None, epochs_done: 2, steps_done: 4, verdict: None };
        assert_eq!(messages.last(), Some(&last));
        let epochs = messages.iter().filter(|m| matches!(m, Message::Epoch(_))).count();
        assert_eq!(epochs, 2);
        // The last step of each epoch stands right before the epoch.
        for pair in messages.windows(2) {
            if let [before, Message::Epoch(epoch)] = pair {
                let last = 2 * epoch.epoch as u64;
                let alarm_or_step = matches!(before, Message::Alarm { .. })
                    || matches!(before, Message::Step(s) if s.step == last);
                assert!(alarm_or_step, "{before:?} before {epoch:?}");
            }
        }
    }
}
