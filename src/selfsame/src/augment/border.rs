//! What lies beyond the edge of a picture.

/// What a transform sees where it reads beyond the edge of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Border {
    /// Black, value 0. PyTorch equivalent: `fill=0`, `padding_mode="constant"`.
    #[default]
    Black,
    /// The pixel at the edge, repeated. PyTorch equivalent: `padding_mode="edge"`.
    Edge,
    /// The picture mirrored about its edge pixel, which is not repeated. PyTorch equivalent: `padding_mode="reflect"`;
    /// unlike there, the reach may be longer than the picture, which is then mirrored again and again.
    Reflect,
}

impl Border {
    /// The row or column among `n` that position `i` shows; `None` is black.
    pub(super) fn resolve(self, i: isize, n: usize) -> Option<usize> {
        let last = n.checked_sub(1)? as isize;
        if (0..=last).contains(&i) {
            return Some(i as usize);
        }
        match self {
            Border::Black => None,
            Border::Edge => Some(i.clamp(0, last) as usize),
            Border::Reflect if last == 0 => Some(0),
            Border::Reflect => {
                let i = i.rem_euclid(2 * last);
                Some(i.min(2 * last - i) as usize)
            }
        }
    }

    /// The value at row `y` and column `x` of a plane of `height` rows and `width` columns.
    pub(super) fn at(self, plane: &[f32], height: usize, width: usize, y: isize, x: isize) -> f32 {
        match (self.resolve(y, height), self.resolve(x, width)) {
            (Some(y), Some(x)) => plane[y * width + x],
            _ => 0.0,
        }
    }

    /// Fills `new`, a black plane of `new_width` columns, with the window of `plane` whose first pixel is at row `top`
    /// and column `left`, which may lie outside.
    pub(super) fn window(
        self,
        plane: &[f32],
        (height, width): (usize, usize),
        (top, left): (isize, isize),
        new: &mut [f32],
        new_width: usize,
    ) {
        for (y, row) in new.chunks_exact_mut(new_width).enumerate() {
            let Some(from) = self.resolve(top + y as isize, height) else { continue };
            let from = &plane[from * width..(from + 1) * width];
            for (x, value) in row.iter_mut().enumerate() {
                if let Some(column) = self.resolve(left + x as isize, width) {
                    *value = from[column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_beyond_the_edge() {
        let seen = |border: Border, n| (-5..6).map(|i| border.resolve(i, n)).collect::<Vec<_>>();
        let some = |list: [usize; 11]| list.map(Some).to_vec();
        assert_eq!(seen(Border::Edge, 3), some([0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2]));
        assert_eq!(seen(Border::Reflect, 3), some([1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1]));
        assert_eq!(seen(Border::Reflect, 1), some([0; 11]));
        assert_eq!(seen(Border::Black, 2)[4..8], [None, Some(0), Some(1), None]);
        assert_eq!(Border::Edge.resolve(0, 0), None);
    }
}
