//! Pictures to test transforms on.

use rand::Rng;

use super::{Canvas, Transform};
use crate::random::stream;
use crate::shape::Size;

/// Sizes that find off-by-one errors: one pixel, one row, one column, odd, and an ordinary one; grey and colour.
pub(super) fn odd_sizes() -> Vec<Size> {
    let sides = [(1, 1), (1, 6), (6, 1), (7, 5), (16, 16)];
    let of = |channels| sides.map(|(height, width)| Size { channels, height, width });
    [of(1), of(3)].concat()
}

/// A picture of random values, never 0 or 1.
pub(super) fn speckled(size: Size) -> Canvas {
    let mut rng = stream(&[11, size.len() as u64]);
    let pixels = (0..size.len()).map(|_| rng.gen_range(0.05..0.95)).collect();
    picture(size, pixels)
}

/// A picture of the given values.
#[allow(clippy::unwrap_used)]
pub(super) fn picture(size: Size, pixels: Vec<f32>) -> Canvas {
    Canvas::new(size, pixels).unwrap()
}

/// One channel of `rows`.
pub(super) fn grey<const H: usize, const W: usize>(rows: [[f32; W]; H]) -> Canvas {
    picture(Size { channels: 1, height: H, width: W }, rows.concat())
}

/// One pixel of three channels.
pub(super) fn pixel(rgb: [f32; 3]) -> Canvas {
    picture(Size { channels: 3, height: 1, width: 1 }, rgb.to_vec())
}

/// What `transform` makes of `canvas` with the stream of `seed`.
pub(super) fn applied(transform: &impl Transform, canvas: &Canvas, seed: u64) -> Canvas {
    let mut canvas = canvas.clone();
    transform.apply(&mut canvas, &mut stream(&[seed]));
    canvas
}

/// Asserts that two lists of values differ by at most `tolerance` anywhere.
pub(super) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "value {i}: {f}, expected {e}\n{found:?}\n{expected:?}");
    }
}

/// Asserts what holds for every transform on every size: the size it announces, values in 0..1, the same result for the
/// same stream, and a stream left at the same place whether it acted or not.
pub(super) fn assert_well_behaved(active: &impl Transform, idle: &impl Transform) {
    for size in odd_sizes() {
        let before = speckled(size);
        for seed in 0..20 {
            let after = applied(active, &before, seed);
            assert_eq!(after.size(), active.output_size(size));
            assert_eq!(after.pixels().len(), after.size().len());
            for v in after.pixels() {
                assert!((-1e-6..=1.0 + 1e-6).contains(v), "{active:?} made {v} of a {size} picture");
            }
            assert_eq!(after.pixels(), applied(active, &before, seed).pixels());

            let (mut one, mut other) = (stream(&[seed]), stream(&[seed]));
            active.apply(&mut before.clone(), &mut one);
            let mut untouched = before.clone();
            idle.apply(&mut untouched, &mut other);
            assert_eq!(one, other, "{active:?} and {idle:?} leave the stream at different places");
            assert_eq!(untouched.pixels(), before.pixels(), "{idle:?} acted");
        }
    }
}
