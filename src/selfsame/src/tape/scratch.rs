//! Memory that outlives the step it was used in.
//!
//! A fused operation keeps what its backward needs: hundreds of megabytes a step for a transformer. Asked of the operating
//! system each time, they would cost a page fault for every four kilobytes, which is more than the arithmetic that fills
//! them. So they go back to a pool when the tape that held them is gone, and the next step finds them there.

use std::any::{Any, TypeId};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers nobody uses now, oldest first.
static POOL: Mutex<Vec<Idle>> = Mutex::new(Vec::new());
/// Buffers shorter than this are the allocator's business.
const SMALL: usize = 4096;
/// Buffers taken since an idle one was last used, after which it is given back to the system: several steps' worth.
const PATIENCE: u64 = 400;

struct Idle {
    kind: TypeId,
    capacity: usize,
    since: u64,
    buffer: Box<dyn Any + Send>,
}

/// Counts takes, to know which idle buffers nobody wants any more.
static CLOCK: Mutex<u64> = Mutex::new(0);

fn lock<T>(mutex: &'static Mutex<T>) -> std::sync::MutexGuard<'static, T> {
    // A panic elsewhere leaves the pool whole: nothing in here runs between two halves of a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A slice of numbers from the pool; dereferences to `[E]`, goes back when dropped.
#[derive(Debug)]
pub struct Scratch<E: Send + 'static> {
    /// As long as it ever was, so that a longer use after a shorter one finds numbers there and need not write them.
    buffer: Vec<E>,
    len: usize,
}

impl<E: Copy + Default + Send + 'static> Scratch<E> {
    /// `len` numbers of no particular value: for a kernel that writes each before it reads it.
    pub(crate) fn any(len: usize) -> Scratch<E> {
        if len < SMALL {
            return Scratch { buffer: vec![E::default(); len], len };
        }
        let now = {
            let mut clock = lock(&CLOCK);
            *clock += 1;
            *clock
        };
        let found = {
            let mut pool = lock(&POOL);
            pool.retain(|idle| idle.since + PATIENCE > now);
            // The smallest that holds it, and not so large that another would miss it.
            let fits = |idle: &Idle| {
                idle.kind == TypeId::of::<E>() && idle.capacity >= len && idle.capacity / 2 <= len
            };
            let best = (0..pool.len()).filter(|i| fits(&pool[*i])).min_by_key(|i| pool[*i].capacity);
            best.map(|i| pool.swap_remove(i))
        };
        let mut v = match found.map(|idle| idle.buffer.downcast::<Vec<E>>()) {
            Some(Ok(v)) => *v,
            _ => Vec::with_capacity(len),
        };
        if v.len() < len {
            v.resize(len, E::default());
        }
        Scratch { buffer: v, len }
    }

    /// The same numbers as `values`.
    pub(crate) fn copy_of(values: &[E]) -> Scratch<E> {
        let mut scratch = Scratch::any(values.len());
        scratch.copy_from_slice(values);
        scratch
    }

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Scratch<E> {
        let mut scratch = Scratch::any(len);
        scratch.fill(E::default());
        scratch
    }
}

impl<E: Send + 'static> Deref for Scratch<E> {
    type Target = [E];
    fn deref(&self) -> &[E] {
        &self.buffer[..self.len]
    }
}

impl<E: Send + 'static> DerefMut for Scratch<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        &mut self.buffer[..self.len]
    }
}

impl<E: Send + 'static> Drop for Scratch<E> {
    fn drop(&mut self) {
        if self.buffer.capacity() < SMALL {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let since = *lock(&CLOCK);
        let idle =
            Idle { kind: TypeId::of::<E>(), capacity: buffer.capacity(), since, buffer: Box::new(buffer) };
        lock(&POOL).push(idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pool is one for the process and other tests use it too, so sizes here are ones nobody else asks for.
    #[test]
    fn a_dropped_buffer_is_found_again_and_zeros_are_zeros() {
        let len = 7_654_321;
        let mut first = Scratch::<f32>::any(len);
        first.fill(3.0);
        let at = first.as_ptr();
        drop(first);
        let second = Scratch::<f32>::zeros(len - 1000);
        assert_eq!((second.as_ptr(), second.len()), (at, len - 1000));
        assert!(second.iter().all(|v| *v == 0.0));
        let third = Scratch::<f32>::any(len);
        assert_ne!(third.as_ptr(), second.as_ptr());
        drop(second);
        assert_ne!(Scratch::<f64>::any(len).as_ptr().cast::<f32>(), at, "another type");
        assert_ne!(Scratch::<f32>::any(len / 3).as_ptr(), at, "far too large for it");
    }
}
