//! Panics told to the face: evcxr counts a cell that panicked as one that succeeded.

use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread::{self, ThreadId};

use super::{send, Message};

/// From now on a panic also sends [`Message::Panic`], after its usual text on stderr. To be called once, on the thread
/// that runs cells; later calls do nothing.
pub fn guard() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let (usual, cells) = (panic::take_hook(), thread::current().id());
        panic::set_hook(Box::new(move |info| {
            usual(info);
            send(message(info, cells));
        }));
    });
}

fn message(info: &PanicHookInfo<'_>, cells: ThreadId) -> Message {
    let ends_cell = thread::current().id() == cells || rayon::current_thread_index().is_some();
    let payload = info.payload();
    let text =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    Message::Panic {
        message: text.unwrap_or("a value that is no text").into(),
        location: info.location().map_or_else(String::new, ToString::to_string),
        ends_cell,
    }
}

#[cfg(test)]
mod tests {
    use super::super::child::child;
    use super::*;

    #[test]
    fn a_panic_is_told_and_ends_the_cell_only_where_the_cell_runs() {
        let told =
            child("front::guard::tests::a_panic_is_told_and_ends_the_cell_only_where_the_cell_runs", || {
                guard();
                guard();
                assert!(panic::catch_unwind(|| panic!("in the {}", "cell")).is_err());
                assert!(thread::spawn(|| panic!("elsewhere")).join().is_err());
                let in_pool = || rayon::join(|| panic!("in the pool"), || ());
                assert!(panic::catch_unwind(|| rayon::ThreadPoolBuilder::new()
                    .build()
                    .map(|p| p.install(in_pool)))
                .is_err());
            });
        let Some(told) = told else { return };
        let panics: Vec<(String, bool)> = told
            .messages()
            .into_iter()
            .filter_map(|m| match m {
                Message::Panic { message, location, ends_cell } => {
                    assert!(location.contains("guard.rs:"), "{location}");
                    Some((message, ends_cell))
                }
                _ => None,
            })
            .collect();
        let expected = [("in the cell", true), ("elsewhere", false), ("in the pool", true)];
        assert_eq!(panics, expected.map(|(m, e)| (m.to_string(), e)), "{told:?}");
    }
}
