//! Where the time of a training step goes, operation by operation.
//!
//! Off by default, when it costs a look at one thread-local flag for each operation. [`start`] turns it on for the calling
//! thread, [`finish`] off and hands over the sheet. An operation names itself with [`op`] while its forward pass runs;
//! what it [`record`](super::record)s meanwhile is timed under that name when the tape runs backwards. An operation inside
//! another counts for itself alone. Backward passes recorded outside of any operation go by the file that recorded them.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one operation took since [`start`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpTime {
    /// The operation.
    pub name: &'static str,
    /// How often its forward pass ran.
    pub calls: u64,
    /// All its forward passes together, without the operations inside it.
    pub forward: Duration,
    /// All its backward passes together.
    pub backward: Duration,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static SHEET: RefCell<Sheet> = const { RefCell::new(Sheet { rows: Vec::new(), open: Vec::new() }) };
}

struct Sheet {
    rows: Vec<OpTime>,
    /// Operations under way, the outermost first.
    open: Vec<Open>,
}

struct Open {
    name: &'static str,
    begun: Instant,
    /// Time of operations inside it that are done.
    inner: Duration,
}

impl Sheet {
    fn row(&mut self, name: &'static str) -> &mut OpTime {
        let at = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            self.rows.push(OpTime { name, calls: 0, forward: Duration::ZERO, backward: Duration::ZERO });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }
}

/// Begins a new sheet on this thread.
pub fn start() {
    SHEET.with_borrow_mut(|sheet| sheet.rows.clear());
    ON.set(true);
}

/// Stops measuring on this thread and returns what was measured since [`start`], the longest first.
pub fn finish() -> Vec<OpTime> {
    ON.set(false);
    let mut rows = SHEET.with_borrow_mut(|sheet| std::mem::take(&mut sheet.rows));
    rows.sort_by_key(|row| std::cmp::Reverse(row.forward + row.backward));
    rows
}

/// Measures the forward pass of the operation `name` until the result is dropped.
///
/// ```
/// use selfsame::tape::profile;
/// profile::start();
/// {
///     let _timed = profile::op("my operation");
/// }
/// assert_eq!((profile::finish()[0].name, profile::finish().len()), ("my operation", 0));
/// ```
pub fn op(name: &'static str) -> Timed {
    let on = ON.get();
    if on {
        let begun = Instant::now();
        SHEET.with_borrow_mut(|sheet| sheet.open.push(Open { name, begun, inner: Duration::ZERO }));
    }
    Timed { on }
}

/// An operation under way; see [`op`].
#[derive(Debug)]
#[must_use = "the operation ends when this is dropped"]
pub struct Timed {
    /// Whether it stands among the open ones: profiling may be turned off before this is dropped.
    on: bool,
}

impl Drop for Timed {
    fn drop(&mut self) {
        if !self.on {
            return;
        }
        SHEET.with_borrow_mut(|sheet| {
            let Some(Open { name, begun, inner }) = sheet.open.pop() else { return };
            let whole = begun.elapsed();
            let row = sheet.row(name);
            row.calls += 1;
            row.forward += whole.saturating_sub(inner);
            if let Some(outer) = sheet.open.last_mut() {
                outer.inner += whole;
            }
        });
    }
}

/// The innermost operation under way on this thread, or else the file in which `place` is; `None` when nothing is measured.
pub(super) fn current(place: &Location<'static>) -> Option<&'static str> {
    if !ON.get() {
        return None;
    }
    let file = || Path::new(place.file()).file_stem().and_then(|stem| stem.to_str()).unwrap_or(place.file());
    Some(SHEET.with_borrow(|sheet| sheet.open.last().map_or_else(file, |open| open.name)))
}

/// Runs `f`, the backward pass of the operation [`current`] gave when it was recorded.
pub(super) fn backward<R>(name: Option<&'static str>, f: impl FnOnce() -> R) -> R {
    let Some(name) = name.filter(|_| ON.get()) else { return f() };
    let begun = Instant::now();
    let result = f();
    let took = begun.elapsed();
    SHEET.with_borrow_mut(|sheet| sheet.row(name).backward += took);
    result
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use dfdx::prelude::*;
    use std::thread::sleep;

    const NAP: Duration = Duration::from_millis(15);

    #[test]
    fn an_operation_inside_another_counts_for_itself_alone() {
        start();
        {
            let _outer = op("outer");
            {
                let _inner = op("inner");
                sleep(NAP);
            }
        }
        let rows = finish();
        assert_eq!((rows[0].name, rows[0].calls), ("inner", 1));
        assert!(rows[0].forward >= NAP && rows[1].forward < rows[0].forward, "{rows:?}");
    }

    #[test]
    fn backward_passes_count_for_the_operation_that_recorded_them() {
        let dev = Cpu::default();
        let x: Tensor<(usize, usize), f32, _> = dev.ones_like(&(4, 3));
        let labels = [0, 1, 2, 0];
        let pass = || crate::ops::cross_entropy(x.leaky_trace(), &labels).unwrap().backward();
        pass();
        assert!(finish().is_empty(), "nothing is measured before it is asked for");
        start();
        pass();
        let rows = finish();
        let row = rows.iter().find(|row| row.name == "cross entropy").unwrap();
        assert_eq!(row.calls, 1);
        assert!(row.backward > Duration::ZERO && row.forward > Duration::ZERO);
        pass();
        start();
        assert!(finish().is_empty());
    }

    #[test]
    fn what_has_no_name_goes_by_its_file() {
        let x: Tensor<(usize,), f32, _> = Cpu::default().ones_like(&(4,));
        start();
        let (x, mut tape) = x.leaky_trace().split_tape();
        let y: Tensor<Rank0, f32, _> = x.device().tensor(4.0);
        let add = |gy: &[f32], g: &mut [Vec<f32>]| g[0].iter_mut().for_each(|g| *g += gy[0]);
        crate::tape::record(&mut tape, vec![crate::tape::slot(&x)], crate::tape::slot(&y), add);
        y.put_tape(tape).backward();
        let rows = finish();
        assert_eq!((rows.len(), rows[0].name, rows[0].calls), (1, "profile", 0));
    }
}
