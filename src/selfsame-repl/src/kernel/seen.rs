//! Signatures of messages that have come already: one that comes again was recorded and is sent by somebody else.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;

/// So many are remembered, as many as Jupyter's own kernels do; a message older than these is not known again.
const MOST: usize = 1 << 16;

/// The last signatures.
#[derive(Debug, Default)]
pub struct Seen {
    known: HashSet<Bytes>,
    order: VecDeque<Bytes>,
}

impl Seen {
    /// Whether `signature` comes for the first time; it is remembered.
    pub fn is_new(&mut self, signature: &Bytes) -> bool {
        if !self.known.insert(signature.clone()) {
            return false;
        }
        self.order.push_back(signature.clone());
        if self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_new_once_and_memory_is_bounded() {
        let mut seen = Seen::default();
        let of = |i: usize| Bytes::from(format!("{i:064x}"));
        assert!(seen.is_new(&of(0)) && !seen.is_new(&of(0)) && seen.is_new(&of(1)));
        for i in 2..MOST + 2 {
            assert!(seen.is_new(&of(i)));
        }
        assert_eq!((seen.known.len(), seen.order.len()), (MOST, MOST));
        assert!(!seen.is_new(&of(MOST + 1)) && !seen.is_new(&of(2)));
    }
}
