//! What happens between two cells.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::interrupt;

/// The environment variable in which the program that loads cells into this process leaves an address, in hexadecimal: of
/// an `AtomicUsize` that takes the address of an `extern "C" fn()` to call whenever a cell has ended.
///
/// That program and the cells have a standard library each, so it cannot do it itself.
pub const END_OF_CELL: &str = "SELFSAME_END_OF_CELL";

/// Shows what was printed without a final newline, and forgets a stop that was asked for too late to be heard.
extern "C" fn end_of_cell() {
    // Nobody reads it any more when that fails.
    let _ = std::io::stdout().flush();
    interrupt::clear_interrupt();
}

/// Has the loading program call [`end_of_cell`], when there is one that asks for it.
pub(super) fn register() {
    let Ok(address) = std::env::var(END_OF_CELL) else { return };
    // A process that a cell starts has the variable too, but not the program at that address.
    std::env::remove_var(END_OF_CELL);
    let Some((process, address)) = address.split_once(':') else { return };
    if process.parse() != Ok(std::process::id()) {
        return;
    }
    if let Ok(address) = usize::from_str_radix(address, 16) {
        if address == 0 || !address.is_multiple_of(align_of::<AtomicUsize>()) {
            return;
        }
        // SAFETY: the variable names this very process, so it was set in it, by the program that loads cells, to the address of a
        // static of this type, which lives as long as the process and is only changed atomically. It is aligned and not null.
        let place = unsafe { &*(address as *const AtomicUsize) };
        place.store(end_of_cell as *const () as usize, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_given_to_the_process_that_asks_and_to_no_other() {
        static PLACE: AtomicUsize = AtomicUsize::new(0);
        let address = &raw const PLACE as usize;
        std::env::set_var(END_OF_CELL, format!("{}:{address:x}", std::process::id() + 1));
        register();
        assert_eq!(PLACE.load(Ordering::SeqCst), 0);
        // Nor is anything written where no such place can be.
        for nowhere in [0, address + 1, usize::MAX] {
            std::env::set_var(END_OF_CELL, format!("{}:{nowhere:x}", std::process::id()));
            register();
        }
        assert_eq!(PLACE.load(Ordering::SeqCst), 0);
        std::env::set_var(END_OF_CELL, format!("{}:{address:x}", std::process::id()));
        register();
        assert_eq!(PLACE.load(Ordering::SeqCst), end_of_cell as *const () as usize);
        assert!(std::env::var_os(END_OF_CELL).is_none());
    }
}
