//! Batch norm and ReLU over channels-last pixels, for stages of convolutions.
//!
//! The channels' constants are repeated to runs of a few hundred values, so that a loop over a run is long enough for
//! vectors however few the channels are.

use super::{vectorized, BatchStats, Real};

/// Whole pixels of `channels` channels in a run.
fn run_length(channels: usize) -> usize {
    const RUN: usize = 256;
    channels.max(1) * (RUN / channels.max(1)).max(1)
}

/// One value a channel, repeated to a run.
fn repeated<E: Real>(values: impl Iterator<Item = E> + Clone, channels: usize) -> Vec<E> {
    values.cycle().take(if channels == 0 { 0 } else { run_length(channels) }).collect()
}

/// Adds a run's sums to those of the channels.
fn fold<E: Real>(run: &[E], channels: &mut [f64]) {
    for pixel in run.chunks_exact(channels.len().max(1)) {
        channels.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += v.wide());
    }
}

/// A batch norm with its statistics, followed by ReLU.
pub(super) struct Affine<E> {
    mean: Vec<E>,
    /// Inverse deviation times scale.
    factor: Vec<E>,
    shift: Vec<E>,
    /// The inverse deviation, once a channel.
    inverse: Vec<E>,
}

/// What the gradient through a norm subtracts, repeated to a run: see [`Affine::correction`].
pub(super) struct Correction<E> {
    constant: Vec<E>,
    slope: Vec<E>,
}

impl<E: Real> Affine<E> {
    pub(super) fn new(stats: &BatchStats<E>, scale: &[E], shift: &[E], eps: f64) -> Affine<E> {
        let inverse: Vec<E> = stats.variance.iter().map(|v| (*v + E::of(eps)).sqrt().recip()).collect();
        let channels = scale.len();
        Affine {
            mean: repeated(stats.mean.iter().copied(), channels),
            factor: repeated(inverse.iter().zip(scale).map(|(i, s)| *i * *s), channels),
            shift: repeated(shift.iter().copied(), channels),
            inverse,
        }
    }

    fn run(&self) -> usize {
        self.mean.len().max(1)
    }

    /// `y = relu(norm(conv))`.
    pub(super) fn relu(&self, conv: &[E], y: &mut [E]) {
        vectorized(|| {
            for (conv, y) in conv.chunks(self.run()).zip(y.chunks_mut(self.run())) {
                relu_run(conv, y, &self.mean, &self.factor, &self.shift);
            }
        });
    }

    /// The gradient through ReLU, in place, and its sums.
    pub(super) fn through_relu(&self, conv: &[E], g: &mut [E], sums: &mut Sums) {
        let (mut total, mut dot) = (vec![E::zero(); self.run()], vec![E::zero(); self.run()]);
        vectorized(|| {
            for (conv, g) in conv.chunks(self.run()).zip(g.chunks_mut(self.run())) {
                through_relu_run(conv, g, &self.mean, &self.factor, &self.shift, &mut total, &mut dot);
            }
        });
        sums.add(&total, &dot, &self.inverse);
    }

    /// The gradient through the norm, in place.
    pub(super) fn through_norm(&self, conv: &[E], g: &mut [E], correction: &Correction<E>) {
        let Correction { constant, slope } = correction;
        vectorized(|| {
            for (conv, g) in conv.chunks(self.run()).zip(g.chunks_mut(self.run())) {
                through_norm_run(conv, g, &self.mean, &self.factor, constant, slope);
            }
        });
    }

    /// What [`Affine::through_norm`] subtracts from the gradient of a value: the mean gradient, and the normalised value
    /// times the mean of gradient times normalised value, of `count` values a channel. Nothing for fixed statistics, which
    /// are constants.
    pub(super) fn correction(&self, sums: &Sums, count: usize, fixed: bool) -> Correction<E> {
        let share = if fixed || count == 0 { 0.0 } else { 1.0 / count as f64 };
        let channels = self.inverse.len();
        let slope = sums.dot.iter().zip(&self.inverse).map(|(d, i)| E::of(d * share * i.wide()));
        Correction {
            constant: repeated(sums.total.iter().map(|s| E::of(s * share)), channels),
            slope: repeated(slope, channels),
        }
    }
}

// The loops over one run are functions of their own because a compiler knows that a function's slices do not overlap;
// with this many of them it would otherwise not use vectors.

#[inline(always)]
fn relu_run<E: Real>(conv: &[E], y: &mut [E], mean: &[E], factor: &[E], shift: &[E]) {
    let n = conv.len();
    let (y, mean, factor, shift) = (&mut y[..n], &mean[..n], &factor[..n], &shift[..n]);
    for i in 0..n {
        let v = (conv[i] - mean[i]) * factor[i] + shift[i];
        // A NaN fails the comparison and so comes through.
        y[i] = if v < E::zero() { E::zero() } else { v };
    }
}

/// The same norm by the same steps as [`relu_run`], so that they agree on its sign.
#[inline(always)]
fn through_relu_run<E: Real>(
    conv: &[E],
    g: &mut [E],
    mean: &[E],
    factor: &[E],
    shift: &[E],
    total: &mut [E],
    dot: &mut [E],
) {
    let n = conv.len();
    let (g, mean, factor, shift) = (&mut g[..n], &mean[..n], &factor[..n], &shift[..n]);
    let (total, dot) = (&mut total[..n], &mut dot[..n]);
    for i in 0..n {
        let centred = conv[i] - mean[i];
        let (v, upstream) = (centred * factor[i] + shift[i], g[i]);
        let passed = if v <= E::zero() { E::zero() } else { upstream };
        g[i] = passed;
        total[i] += passed;
        dot[i] += passed * centred;
    }
}

#[inline(always)]
fn through_norm_run<E: Real>(conv: &[E], g: &mut [E], mean: &[E], factor: &[E], constant: &[E], slope: &[E]) {
    let n = conv.len();
    let (g, mean, factor) = (&mut g[..n], &mean[..n], &factor[..n]);
    let (constant, slope) = (&constant[..n], &slope[..n]);
    for i in 0..n {
        g[i] = factor[i] * (g[i] - constant[i] - (conv[i] - mean[i]) * slope[i]);
    }
}

/// For each channel the sum of a gradient, and of the gradient times the normalised value.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) total: Vec<f64>,
    pub(super) dot: Vec<f64>,
}

impl Sums {
    pub(super) fn zeros(channels: usize) -> Sums {
        Sums { total: vec![0.0; channels], dot: vec![0.0; channels] }
    }
    /// Adds a run of sums of the gradient, and of the gradient times the distance from the mean.
    fn add<E: Real>(&mut self, total: &[E], dot: &[E], inverse: &[E]) {
        fold(total, &mut self.total);
        let mut distance = vec![0.0; self.dot.len()];
        fold(dot, &mut distance);
        self.dot.iter_mut().zip(distance).zip(inverse).for_each(|((dot, d), i)| *dot += d * i.wide());
    }
    /// Adds those of other samples.
    pub(super) fn merge(&mut self, other: &Sums) {
        self.total.iter_mut().zip(&other.total).for_each(|(a, b)| *a += b);
        self.dot.iter_mut().zip(&other.dot).for_each(|(a, b)| *a += b);
    }
}

/// Mean and squared deviations of each channel, over any number of pixels.
#[derive(Debug, Clone, Default)]
pub(super) struct Moments {
    count: usize,
    mean: Vec<f64>,
    spread: Vec<f64>,
}

impl Moments {
    /// Those of some pixels, in two passes.
    pub(super) fn of<E: Real>(x: &[E], channels: usize) -> Moments {
        let run = run_length(channels);
        let count = x.len() / channels.max(1);
        let mut lanes = vec![E::zero(); run];
        vectorized(|| {
            for x in x.chunks(run) {
                lanes.iter_mut().zip(x).for_each(|(lane, x)| *lane += *x);
            }
        });
        let mut mean = vec![0.0; channels];
        fold(&lanes, &mut mean);
        mean.iter_mut().for_each(|m| *m /= count.max(1) as f64);
        let middle: Vec<E> = repeated(mean.iter().map(|m| E::of(*m)), channels);
        lanes.fill(E::zero());
        vectorized(|| {
            for x in x.chunks(run) {
                for ((lane, x), m) in lanes.iter_mut().zip(x).zip(&middle) {
                    let off = *x - *m;
                    *lane += off * off;
                }
            }
        });
        let mut spread = vec![0.0; channels];
        fold(&lanes, &mut spread);
        Moments { count, mean, spread }
    }

    /// Takes in those of further pixels (Chan, Golub and LeVeque 1979).
    pub(super) fn merge(&mut self, other: &Moments) {
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        for (((mean, spread), m), s) in
            self.mean.iter_mut().zip(&mut self.spread).zip(&other.mean).zip(&other.spread)
        {
            let step = m - *mean;
            *mean += step * b / (a + b);
            *spread += s + step * step * a * b / (a + b);
        }
        self.count += other.count;
    }

    /// As statistics of a batch of `channels` channels.
    pub(super) fn stats<E: Real>(self, channels: usize) -> BatchStats<E> {
        let n = self.count as f64;
        let (mut mean, mut spread) = (self.mean, self.spread);
        // No pixels have no mean.
        mean.resize(channels, f64::NAN);
        spread.resize(channels, f64::NAN);
        BatchStats {
            mean: mean.into_iter().map(E::of).collect(),
            variance: spread.into_iter().map(|s| E::of(s / n)).collect(),
            count: self.count,
        }
    }
}
