//! Values of the language itself as the last expression of a cell.

use std::fmt::Debug;

use super::Content;

/// Numbers, text, lists and tuples of them, which show themselves as their `Debug` form; `()` shows nothing.
///
/// Without it evcxr shows them too, but compiles the cell a second time, after the first has failed for want of an
/// `evcxr_display`.
///
/// ```
/// use selfsame::prelude::*;
/// // What evcxr makes of the cells `1 + 1`, `[0.5, 2.0]` and `("loss", Some(0.25))`.
/// (1 + 1).evcxr_display();
/// ([0.5, 2.0]).evcxr_display();
/// (("loss", Some(0.25))).evcxr_display();
/// ```
pub trait ShowPlain {
    /// Shows it where the code runs; evcxr calls this for the last expression of a cell.
    fn evcxr_display(&self);
}

fn show(value: &impl Debug) {
    Content::new(format!("{value:?}")).print();
}

macro_rules! plain {
    ($($value:ty),*) => {$(
        impl ShowPlain for $value {
            fn evcxr_display(&self) {
                show(self);
            }
        }

        impl ShowPlain for Vec<$value> {
            fn evcxr_display(&self) {
                show(self);
            }
        }

        impl ShowPlain for [$value] {
            fn evcxr_display(&self) {
                show(&self);
            }
        }

        impl<const N: usize> ShowPlain for [$value; N] {
            fn evcxr_display(&self) {
                show(self);
            }
        }

        impl ShowPlain for Option<$value> {
            fn evcxr_display(&self) {
                show(self);
            }
        }
    )*};
}

plain!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, bool, char, String, &str);

impl ShowPlain for str {
    fn evcxr_display(&self) {
        show(&self);
    }
}

impl ShowPlain for () {
    fn evcxr_display(&self) {}
}

impl<A: Debug, B: Debug> ShowPlain for (A, B) {
    fn evcxr_display(&self) {
        show(self);
    }
}

impl<A: Debug, B: Debug, C: Debug> ShowPlain for (A, B, C) {
    fn evcxr_display(&self) {
        show(self);
    }
}

impl<A: Debug, B: Debug, C: Debug, D: Debug> ShowPlain for (A, B, C, D) {
    fn evcxr_display(&self) {
        show(self);
    }
}
