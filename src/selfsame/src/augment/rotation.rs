use super::{checks, draw, Border, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Turns the picture about its centre by a random angle; bilinear, the size kept.
///
/// PyTorch equivalent: `torchvision.transforms.RandomRotation(degrees, InterpolationMode.BILINEAR)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotation {
    /// Largest angle either way, in degrees. Default 15.
    pub degrees: f64,
    /// Probability of turning. Default 1.
    pub p: f64,
    /// What comes in at the corners. Default black.
    pub border: Border,
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation { degrees: 15.0, p: 1.0, border: Border::Black }
    }
}

impl Transform for Rotation {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let acts = draw::chance(rng, self.p);
        let degrees = draw::uniform(rng, (-self.degrees, self.degrees));
        if acts {
            rotate(canvas, degrees, self.border);
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::within("Rotation.degrees", self.degrees, 0.0, 180.0, "15 is usual.")?;
        checks::probability("Rotation.p", self.p)
    }
}

/// Turns the picture by `degrees`, counter-clockwise if positive.
fn rotate(canvas: &mut Canvas, degrees: f64, border: Border) {
    let (height, width) = (canvas.size().height, canvas.size().width);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    canvas.redraw_planes(|old, new| {
        for (row, new) in new.chunks_exact_mut(width).enumerate() {
            let down = row as f64 - middle.0;
            for (column, value) in new.iter_mut().enumerate() {
                // The point that comes to lie here is the one this point goes to when turned back.
                let right = column as f64 - middle.1;
                let y = sin * right + cos * down + middle.0;
                let x = cos * right - sin * down + middle.1;
                *value = between(old, (height, width), y, x, border);
            }
        }
    });
}

/// The value between the four pixels about (`y`, `x`).
fn between(plane: &[f32], (height, width): (usize, usize), y: f64, x: f64, border: Border) -> f32 {
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = ((y - top) as f32, (x - left) as f32);
    let (top, left) = (top as isize, left as isize);
    let at = |dy, dx| border.at(plane, height, width, top + dy, left + dx);
    (1.0 - down) * ((1.0 - right) * at(0, 0) + right * at(0, 1))
        + down * ((1.0 - right) * at(1, 0) + right * at(1, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    fn turned(before: &Canvas, degrees: f64, border: Border) -> Vec<f32> {
        let mut canvas = before.clone();
        rotate(&mut canvas, degrees, border);
        canvas.pixels().to_vec()
    }

    #[test]
    fn quarter_turns() {
        let before = grey([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]);
        let left = [0.3, 0.6, 0.9, 0.2, 0.5, 0.8, 0.1, 0.4, 0.7];
        assert_close(&turned(&before, 90.0, Border::Black), &left, 1e-6);
        let half = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
        assert_close(&turned(&before, 180.0, Border::Black), &half, 1e-6);
    }

    #[test]
    fn a_full_circle_or_none_changes_nothing() {
        for size in odd_sizes() {
            let before = speckled(size);
            for border in [Border::Black, Border::Edge, Border::Reflect] {
                assert_eq!(turned(&before, 0.0, border), before.pixels());
                assert_close(&turned(&before, 360.0, border), before.pixels(), 1e-6);
            }
        }
    }

    #[test]
    fn an_eighth_of_a_turn_by_hand() {
        // The left neighbour of the centre reads from (1 - r, 1 - r), r = 1/sqrt 2, where only the white centre counts:
        // (1 - r)^2 of it. A corner reads from sqrt 2 pixels beside the centre, past its neighbour.
        let before = grey([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
        let r = 0.5f32.sqrt();
        let beside = (1.0 - r) * (1.0 - r);
        let expected = [0.0, beside, 0.0, beside, 1.0, beside, 0.0, beside, 0.0];
        assert_close(&turned(&before, 45.0, Border::Black), &expected, 1e-6);
    }

    #[test]
    fn what_comes_in_at_the_corners() {
        let flat = picture(Size { channels: 1, height: 8, width: 8 }, vec![0.6; 64]);
        assert!(turned(&flat, 45.0, Border::Black)[0].abs() < 1e-6);
        assert_close(&turned(&flat, 45.0, Border::Edge), flat.pixels(), 1e-6);
        assert_close(&turned(&flat, 45.0, Border::Reflect), flat.pixels(), 1e-6);
    }

    #[test]
    fn is_well_behaved() {
        for border in [Border::Black, Border::Edge, Border::Reflect] {
            let any = Rotation { degrees: 180.0, p: 1.0, border };
            assert_well_behaved(&any, &Rotation { p: 0.0, ..any });
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let bad = Rotation { degrees: 200.0, ..Default::default() };
        assert!(bad.validate().is_err_and(|e| e
            .to_string()
            .contains("Rotation.degrees is 200. Expected a number from 0 to 180")));
        assert!(Rotation { p: -1.0, ..Default::default() }.validate().is_err());
        assert!(Rotation::default().validate().is_ok());
    }
}
