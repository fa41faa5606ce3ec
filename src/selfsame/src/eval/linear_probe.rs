//! A linear classifier on frozen features: multinomial logistic regression, regularised by a held-out choice.

use rayon::prelude::*;

use super::Embeddings;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::ops::{matmul, Matrix, Threads};

/// Strengths of L2 regularisation that are tried, strongest first so that each fit starts from the one before.
const STRENGTHS: [f64; 6] = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
/// Iterations of L-BFGS a fit may take.
const ITERATIONS: usize = 100;
/// Pairs of steps and gradients L-BFGS remembers.
const MEMORY: usize = 8;
/// A fit ends when the largest entry of its gradient is below this.
const TOLERANCE: f64 = 1e-4;
/// Rows whose contributions to a gradient are added up before the groups' are: fixed, for the same sums on any number
/// of threads.
const GROUP: usize = 2048;

/// A fitted classifier: centring, scale, weights and biases.
///
/// The loss is the mean cross-entropy plus `strength / 2` times the squared weights (biases free). Features are centred,
/// and scaled by one number for all of them, measured on a set that needs no labels. A deviation for each feature would
/// blow up directions that hold nothing: on the digits it costs principal components half their accuracy at 1 % labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearProbe {
    mean: Vec<f32>,
    scale: f32,
    /// (classes, width + 1), the bias last.
    weights: Vec<f64>,
    classes: usize,
}

/// A probe and how it was chosen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProbeFit {
    /// The classifier.
    pub probe: LinearProbe,
    /// The regularisation that did best on validation.
    pub strength: f64,
    /// Its accuracy there.
    pub validation_accuracy: f64,
}

impl LinearProbe {
    /// Fits a probe on `train` for each strength and keeps the one that is right most often on `validation`; of equals the
    /// stronger. `unlabelled` gives the features' mean and scale (labels are not looked at).
    ///
    /// # Errors
    /// [`Error::Shape`] for no samples or differing widths; [`Error::Interrupted`] when a stop was asked for.
    pub fn fit(train: &Embeddings, validation: &Embeddings, unlabelled: &Embeddings) -> Result<ProbeFit> {
        let widths = (train.width(), validation.width(), unlabelled.width());
        if train.is_empty() || widths.0 != widths.1 || widths.0 != widths.2 {
            let found = format!("{} samples, widths {widths:?}", train.len());
            return Err(Error::shape("linear probe", "samples of one width", found));
        }
        let (mean, scale) = moments(unlabelled);
        let classes = train.classes();
        let mut probe = LinearProbe { mean, scale, weights: vec![0.0; classes * (widths.0 + 1)], classes };
        let x = probe.standardise(train);
        let mut best: Option<ProbeFit> = None;
        for strength in STRENGTHS {
            let problem = Problem { x: &x, labels: train.labels(), width: widths.0 + 1, classes, strength };
            probe.weights = minimise(&problem, std::mem::take(&mut probe.weights), interrupted)?;
            let accuracy = validation.accuracy(&probe.predict(validation));
            // Without anything to validate on, a middle strength is the answer, not the first.
            let better = match &best {
                None => true,
                Some(b) => accuracy > b.validation_accuracy || (validation.is_empty() && strength >= 1e-2),
            };
            if better {
                best = Some(ProbeFit { probe: probe.clone(), strength, validation_accuracy: accuracy });
            }
        }
        best.ok_or_else(|| Error::shape("linear probe", "a strength to try", "none"))
    }

    /// Fits a probe on `train` at one strength, nothing chosen.
    ///
    /// # Errors
    /// [`Error::Shape`] for no samples; [`Error::Interrupted`] when a stop was asked for.
    pub fn fit_at(train: &Embeddings, strength: f64) -> Result<LinearProbe> {
        if train.is_empty() {
            return Err(Error::shape("linear probe", "at least one sample", 0));
        }
        LinearProbe::fit_unless(train, strength, interrupted)
    }

    /// [`LinearProbe::fit_at`] that does not stop on request: for the short probes of a training run, which stops itself.
    pub(crate) fn fit_to_the_end(train: &Embeddings, strength: f64) -> Result<LinearProbe> {
        LinearProbe::fit_unless(train, strength, || false)
    }

    fn fit_unless(train: &Embeddings, strength: f64, stop: impl Fn() -> bool) -> Result<LinearProbe> {
        let (mean, scale) = moments(train);
        let (width, classes) = (train.width() + 1, train.classes());
        let mut probe = LinearProbe { mean, scale, weights: vec![0.0; classes * width], classes };
        // Where features say nothing, the classes' shares are the answer, and the descent need not find them.
        for (class, weights) in probe.weights.chunks_exact_mut(width).enumerate() {
            let count = train.labels().iter().filter(|l| **l as usize == class).count();
            weights[width - 1] = (count.max(1) as f64).ln();
        }
        let x = probe.standardise(train);
        let problem = Problem { x: &x, labels: train.labels(), width, classes, strength };
        probe.weights = minimise(&problem, std::mem::take(&mut probe.weights), stop)?;
        Ok(probe)
    }

    /// The most likely class of each row; of equals the lower.
    pub fn predict(&self, e: &Embeddings) -> Vec<u32> {
        let width = self.mean.len() + 1;
        let weights: Vec<f32> = self.weights.iter().map(|w| *w as f32).collect();
        let x = self.standardise(e);
        let mut scores = vec![0f32; e.len() * self.classes];
        let (lx, lw) = (Matrix::new(e.len(), width), Matrix::new(self.classes, width));
        matmul(
            &x,
            lx,
            &weights,
            lw.t(),
            &mut scores,
            Matrix::new(e.len(), self.classes),
            false,
            Threads::All,
        );
        let best = |row: &[f32]| (0..row.len()).fold(0, |b, i| if row[i] > row[b] { i } else { b }) as u32;
        scores.chunks_exact(self.classes.max(1)).map(best).collect()
    }

    /// Rows of standardised features with a 1 at the end for the bias.
    fn standardise(&self, e: &Embeddings) -> Vec<f32> {
        let width = self.mean.len();
        let mut x = vec![1f32; e.len() * (width + 1)];
        x.par_chunks_mut(width + 1).zip(e.values().par_chunks(width.max(1))).for_each(|(out, row)| {
            for ((o, v), m) in out.iter_mut().zip(row).zip(&self.mean) {
                *o = (v - m) * self.scale;
            }
        });
        x
    }
}

/// Mean of each column, and one number that brings the mean variance of all columns to 1.
fn moments(e: &Embeddings) -> (Vec<f32>, f32) {
    let (n, width) = (e.len().max(1) as f64, e.width());
    let mut mean = vec![0f64; width];
    e.values()
        .chunks_exact(width.max(1))
        .for_each(|r| mean.iter_mut().zip(r).for_each(|(m, v)| *m += f64::from(*v)));
    mean.iter_mut().for_each(|m| *m /= n);
    let squares = |r: &[f32]| r.iter().zip(&mean).map(|(v, m)| (f64::from(*v) - m).powi(2)).sum::<f64>();
    let variance =
        e.values().chunks_exact(width.max(1)).map(squares).sum::<f64>() / (n * width.max(1) as f64);
    let scale = if variance > 1e-24 { 1.0 / variance.sqrt() } else { 0.0 };
    (mean.iter().map(|m| *m as f32).collect(), scale as f32)
}

/// One regularised logistic regression.
struct Problem<'a> {
    x: &'a [f32],
    labels: &'a [u32],
    width: usize,
    classes: usize,
    strength: f64,
}

impl Problem<'_> {
    /// Loss and gradient at `w` (classes, width).
    fn evaluate(&self, w: &[f64]) -> (f64, Vec<f64>) {
        let (d, c) = (self.width, self.classes);
        let w32: Vec<f32> = w.iter().map(|w| *w as f32).collect();
        let parts: Vec<(f64, Vec<f32>)> = self
            .x
            .par_chunks(GROUP * d)
            .zip(self.labels.par_chunks(GROUP))
            .map(|(x, labels)| {
                let n = labels.len();
                let mut p = vec![0f32; n * c];
                let (lx, lp) = (Matrix::new(n, d), Matrix::new(n, c));
                matmul(x, lx, &w32, Matrix::new(c, d).t(), &mut p, lp, false, Threads::One);
                let mut loss = 0.0;
                for (row, label) in p.chunks_exact_mut(c).zip(labels) {
                    let max = row.iter().copied().fold(f32::MIN, f32::max);
                    let right = row[*label as usize] - max;
                    row.iter_mut().for_each(|v| *v = (*v - max).exp());
                    let sum: f32 = row.iter().sum();
                    loss += f64::from(sum.ln() - right);
                    row.iter_mut().for_each(|v| *v /= sum);
                    row[*label as usize] -= 1.0;
                }
                let mut g = vec![0f32; c * d];
                matmul(&p, lp.t(), x, lx, &mut g, Matrix::new(c, d), false, Threads::One);
                (loss, g)
            })
            .collect();
        let n = self.labels.len() as f64;
        let (mut loss, mut gradient) = (0.0, vec![0f64; c * d]);
        for (l, g) in parts {
            loss += l / n;
            gradient.iter_mut().zip(g).for_each(|(a, b)| *a += f64::from(b) / n);
        }
        for (i, (g, w)) in gradient.iter_mut().zip(w).enumerate() {
            if i % d != d - 1 {
                *g += self.strength * w;
                loss += 0.5 * self.strength * w * w;
            }
        }
        (loss, gradient)
    }
}

/// Limited-memory BFGS with backtracking (Nocedal and Wright, algorithm 7.5).
fn minimise(problem: &Problem<'_>, mut w: Vec<f64>, stop: impl Fn() -> bool) -> Result<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut loss, mut g) = problem.evaluate(&w);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..ITERATIONS {
        if stop() {
            return Err(Error::Interrupted);
        }
        if g.iter().all(|g| g.abs() < TOLERANCE) {
            break;
        }
        let direction = two_loops(&g, &memory);
        let slope = dot(&direction, &g);
        let mut size = if memory.is_empty() { 1.0 / dot(&g, &g).sqrt().max(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..20 {
            let at: Vec<f64> = w.iter().zip(&direction).map(|(w, d)| w + size * d).collect();
            let (l, gradient) = problem.evaluate(&at);
            if l <= loss + 1e-4 * size * slope {
                found = Some((at, l, gradient));
                break;
            }
            size *= 0.5;
        }
        // float32 products end the descent before the tolerance does on some problems: that is as good as it gets.
        let Some((at, l, gradient)) = found else { break };
        let s: Vec<f64> = at.iter().zip(&w).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = gradient.iter().zip(&g).map(|(a, b)| a - b).collect();
        let sy = dot(&s, &y);
        if sy > 1e-12 {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((s, y, sy));
        }
        (w, loss, g) = (at, l, gradient);
    }
    Ok(w)
}

/// The quasi-Newton direction from remembered steps, changes of gradient and their products.
fn two_loops(g: &[f64], memory: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut q: Vec<f64> = g.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for (s, y, sy) in memory.iter().rev() {
        let alpha = dot(s, &q) / sy;
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= alpha * y);
        alphas.push(alpha);
    }
    if let Some((_, y, sy)) = memory.last() {
        let scale = sy / dot(y, y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y, sy), alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = dot(y, &q) / sy;
        q.iter_mut().zip(s).for_each(|(q, s)| *q += (alpha - beta) * s);
    }
    q
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::Rng;

    fn blobs(n: usize, seed: u64) -> Embeddings {
        let mut rng = crate::random::stream(&[seed]);
        let labels: Vec<u32> = (0..n).map(|i| (i % 3) as u32).collect();
        let values = labels
            .iter()
            .flat_map(|l| {
                (0..3).map(|j| f32::from(j == *l) * 4.0 + rng.gen_range(-1.0..1.0)).collect::<Vec<f32>>()
            })
            .collect();
        Embeddings::new(values, 3, labels, 3).unwrap()
    }

    #[test]
    fn separable_classes_are_separated() {
        let (train, validation, test) = (blobs(60, 1), blobs(30, 2), blobs(300, 3));
        let fit = LinearProbe::fit(&train, &validation, &train).unwrap();
        assert_eq!(test.accuracy(&fit.probe.predict(&test)), 1.0);
    }

    #[test]
    fn the_gradient_of_the_loss_matches_finite_differences() {
        let train = blobs(9, 4);
        let probe = LinearProbe { mean: vec![0.0; 3], scale: 1.0, weights: vec![], classes: 3 };
        let x = probe.standardise(&train);
        let problem = Problem { x: &x, labels: train.labels(), width: 4, classes: 3, strength: 0.1 };
        let w: Vec<f64> = (0..12).map(|i| (f64::from(i) * 0.7).sin() * 0.25).collect();
        let (_, g) = problem.evaluate(&w);
        for i in 0..12 {
            let at = |by: f64| {
                let mut w = w.clone();
                w[i] += by;
                problem.evaluate(&w).0
            };
            // float32 products: a wide step keeps rounding out of the difference
            let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((numeric - g[i]).abs() < 1e-3, "{i}: {numeric} {}", g[i]);
        }
    }
}
