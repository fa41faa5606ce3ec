//! How much may be decoded at once, over all threads together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of memory that threads share: who wants some waits until there are enough.
pub(super) struct Room {
    most: u64,
    taken: Mutex<u64>,
    freed: Condvar,
}

/// Bytes taken from a [`Room`], until it is dropped.
pub(super) struct Share<'r> {
    room: &'r Room,
    bytes: u64,
}

impl Room {
    pub(super) const fn new(most: u64) -> Room {
        Room { most, taken: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits for `bytes`. More than there are in all is had by who has all of them: one at a time.
    pub(super) fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.most);
        let enough = |taken: &mut u64| *taken + bytes > self.most;
        let waited = self.freed.wait_while(self.taken(), enough);
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
        Share { room: self, bytes }
    }

    /// A thread that panicked has given back what it had: there is nothing wrong with the number.
    fn taken(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.room.taken() -= self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_sum_stays_within_the_room_and_everybody_gets_a_turn() {
        let room = Room::new(10);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (room, now, most) = (&room, &now, &most);
                scope.spawn(move || {
                    for round in 0..50 {
                        // Some want more than there is at all.
                        let wanted = [3, 4, 6, 25][(thread + round) % 4];
                        let _share = room.take(wanted);
                        let sum = now.fetch_add(wanted.min(10), Ordering::SeqCst) + wanted.min(10);
                        most.fetch_max(sum, Ordering::SeqCst);
                        now.fetch_sub(wanted.min(10), Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10 && *room.taken.lock().unwrap() == 0);
    }
}
