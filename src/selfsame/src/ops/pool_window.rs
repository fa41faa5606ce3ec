//! How a pooling window moves over an image.

use crate::error::{Error, Result};

/// Window of a pooling along (rows, columns).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolWindow {
    /// Size of the window.
    pub kernel: (usize, usize),
    /// Distance between neighbouring windows.
    pub stride: (usize, usize),
    /// Places added on every side; a maximum does not see them.
    pub padding: (usize, usize),
}

impl PoolWindow {
    /// A square window, windows side by side, without padding.
    pub const fn square(kernel: usize) -> PoolWindow {
        PoolWindow { kernel: (kernel, kernel), stride: (kernel, kernel), padding: (0, 0) }
    }

    /// A window along a sequence, windows side by side, without padding.
    pub const fn along(kernel: usize) -> PoolWindow {
        PoolWindow { kernel: (1, kernel), stride: (1, kernel), padding: (0, 0) }
    }

    /// Windows this far apart, along both axes longer than 1.
    pub const fn stride(self, stride: usize) -> PoolWindow {
        let rows = if self.kernel.0 == 1 { 1 } else { stride };
        PoolWindow { stride: (rows, stride), ..self }
    }

    /// This much padding, along both axes longer than 1.
    pub const fn padding(self, padding: usize) -> PoolWindow {
        let rows = if self.kernel.0 == 1 { 0 } else { padding };
        PoolWindow { padding: (rows, padding), ..self }
    }

    /// Size of the result for an image of this size: `(size + 2 padding - kernel) / stride + 1` along each axis, rounded
    /// down; 0 where the window does not fit.
    pub const fn output(self, size: (usize, usize)) -> (usize, usize) {
        (
            along(size.0, self.kernel.0, self.stride.0, self.padding.0),
            along(size.1, self.kernel.1, self.stride.1, self.padding.1),
        )
    }

    /// Checks the window, an image and a result against each other.
    pub(crate) fn check(self, size: (usize, usize), out: (usize, usize)) -> Result<()> {
        let want = self.output(size);
        // More padding than half the kernel, and some windows would see nothing but padding.
        if 2 * self.padding.0 > self.kernel.0 || 2 * self.padding.1 > self.kernel.1 {
            let expected = "padding of at most half the kernel";
            return Err(Error::shape("pooling window", expected, format!("{self:?}")));
        }
        if want.0 == 0 || want.1 == 0 || size.0 == 0 || size.1 == 0 {
            let found = format!("{}x{}", size.0, size.1);
            return Err(Error::shape("pooling", format!("an image that holds one of {self:?}"), found));
        }
        if want != out {
            let found = format!("{}x{}", out.0, out.1);
            return Err(Error::shape("output of a pooling", format!("{}x{}", want.0, want.1), found));
        }
        Ok(())
    }
}

const fn along(size: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    if kernel == 0 || stride == 0 || size + 2 * padding < kernel {
        return 0;
    }
    (size + 2 * padding - kernel) / stride + 1
}
