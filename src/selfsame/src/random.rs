//! Random numbers as a function of what they are for, never of thread or arrival order.
//!
//! A view of an image depends on `(seed, epoch, index, view)` and on nothing else, so any number of threads gives the
//! same views and a resumed run the same order.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator used everywhere: small, fast, the same on every platform.
pub type Stream = Xoshiro256PlusPlus;

/// The stream that belongs to `key`. Two keys that differ in any place give unrelated streams.
///
/// ```
/// use rand::Rng;
/// let draw = |key: &[u64]| selfsame::random::stream(key).gen::<u64>();
/// assert_eq!(draw(&[7, 1, 42, 0]), draw(&[7, 1, 42, 0]));
/// assert_ne!(draw(&[7, 1, 42, 0]), draw(&[7, 1, 42, 1]));
/// ```
pub fn stream(key: &[u64]) -> Stream {
    // Each word is folded in through SplitMix64's finaliser, so neighbouring keys end up far apart.
    let state =
        key.iter().fold(key.len() as u64, |h, &k| mix(h ^ mix(k.wrapping_add(0x9E37_79B9_7F4A_7C15))));
    Stream::seed_from_u64(state)
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

static DEFAULT_SEED: AtomicU64 = AtomicU64::new(0);

/// The seed of settings that are made without one: 0, or what [`set_default_seed`] was given last.
pub fn default_seed() -> u64 {
    DEFAULT_SEED.load(Ordering::Relaxed)
}

/// From now on settings that are made without a seed take this one.
///
/// [`TrainConfig`](crate::train::TrainConfig), the objectives' settings and
/// [`TrainSpec`](crate::presets::TrainSpec) ask for it when they are made; what exists already keeps its own.
pub fn set_default_seed(seed: u64) {
    DEFAULT_SEED.store(seed, Ordering::Relaxed);
}

/// What a stream is for; used as the last word of a key so that purposes never share numbers.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub enum Purpose {
    /// The order of samples in an epoch.
    Order = 1,
    /// The random parameters of a view.
    View = 2,
    /// Initial weights.
    Init = 3,
    /// Train/validation/test splits.
    Split = 4,
    /// Which labels a label-fraction probe may see.
    Labels = 5,
    /// Generated data.
    World = 6,
    /// Anything sampled while judging (pairs, subsets).
    Judge = 7,
    /// What an objective draws while it trains (random projections, sub-batches).
    Objective = 8,
}
