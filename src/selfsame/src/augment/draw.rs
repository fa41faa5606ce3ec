//! The random parameters of a transform.
//!
//! Each function takes exactly one number from the stream, whatever comes out. A transform that draws all its parameters
//! before it decides whether to act therefore leaves the stream at the same place either way, and the transforms after it
//! get the same numbers.

use rand::{Rng, SeedableRng};

use crate::random::Stream;

/// True with probability `p`; never for 0, always for 1.
pub fn chance(rng: &mut Stream, p: f64) -> bool {
    rng.gen::<f64>() < p
}

/// A number between the two bounds, every one as likely as another.
pub fn uniform(rng: &mut Stream, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * rng.gen::<f64>()
}

/// A number between the two bounds (both above 0) whose logarithm is uniform, so that 1/x is as likely as x.
pub fn log_uniform(rng: &mut Stream, (low, high): (f64, f64)) -> f64 {
    uniform(rng, (low.ln(), high.ln())).exp()
}

/// An integer from 0 up to and without `n`; 0 when `n` is 0.
pub fn below(rng: &mut Stream, n: usize) -> usize {
    ((rng.gen::<f64>() * n as f64) as usize).min(n.saturating_sub(1))
}

/// A stream of its own, for a transform that needs an unknown count of numbers.
pub fn branch(rng: &mut Stream) -> Stream {
    Stream::seed_from_u64(rng.gen())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn every_draw_takes_one_number() {
        let draws: [fn(&mut Stream) -> f64; 5] = [
            |rng| f64::from(u8::from(chance(rng, 0.5))),
            |rng| uniform(rng, (1.0, 1.0)),
            |rng| log_uniform(rng, (0.5, 2.0)),
            |rng| below(rng, 24) as f64,
            |rng| branch(rng).gen(),
        ];
        let mut expected = stream(&[3]);
        expected.gen::<u64>();
        for draw in draws {
            let mut rng = stream(&[3]);
            let value = draw(&mut rng);
            assert_eq!(rng, expected, "the draw that gave {value}");
        }
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut rng = stream(&[4]);
        let mut counts = [0; 5];
        for _ in 0..5000 {
            assert!(!chance(&mut rng, 0.0));
            assert!(chance(&mut rng, 1.0));
            assert_eq!(uniform(&mut rng, (0.3, 0.3)), 0.3);
            assert!((2.0..=3.0).contains(&uniform(&mut rng, (2.0, 3.0))));
            assert!((0.4999..=2.0001).contains(&log_uniform(&mut rng, (0.5, 2.0))));
            assert_eq!(below(&mut rng, 0), 0);
            counts[below(&mut rng, 5)] += 1;
        }
        // 1000 expected in each, standard deviation 28.
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }
}
