//! What every operation is held to, said once; the operations are listed in `cases.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;
use rand_distr::{Distribution, StandardNormal};

use super::{Engine, Real};
use crate::random::stream;
use crate::tape::{gradcheck, values};

/// Values in a row, as leaves of the graph.
pub(crate) type Flat<E, T = NoneTape> = Tensor<(usize,), E, Cpu, T>;
/// The same on its tape.
pub(crate) type Taped<E> = Flat<E, OwnedTape<E, Cpu>>;

/// How a tensor lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Layout {
    /// Row-major.
    Plain,
    /// Axes in another order.
    Permuted,
    /// The same values for every index of the first axis.
    Broadcast,
}

/// An operation at given sizes.
pub(crate) trait Case: std::fmt::Debug + Sync {
    /// The sizes of each differentiable input.
    fn shapes(&self) -> Vec<Vec<usize>>;
    /// The operation (`fused`) or its composition from dfdx's, flattened.
    fn run<E: Real>(&self, inputs: Inputs<'_, E>, fused: bool) -> Taped<E>
    where
        Cpu: Engine<E>;
}

/// Hands a case its inputs in order, shaped, all on one tape.
pub(crate) struct Inputs<'a, E: Real> {
    flat: std::slice::Iter<'a, Flat<E>>,
    shapes: std::vec::IntoIter<Vec<usize>>,
    tape: OwnedTape<E, Cpu>,
    layout: Layout,
    copied: bool,
}

macro_rules! shaped {
    ($name:ident, $shape:ty, $rest:ty, $axes:ty, |$s:ident| $sizes:expr, $permuted:expr, $inner:expr) => {
        pub(crate) fn $name(&mut self) -> Tensor<$shape, E, Cpu> {
            let (t, $s) = (self.flat.next().unwrap().clone(), self.shapes.next().unwrap());
            let t = t.put_tape(std::mem::take(&mut self.tape));
            let t = match self.layout {
                Layout::Plain => t.reshape_like(&$sizes),
                Layout::Permuted => t.reshape_like(&$permuted).permute::<$shape, $axes>(),
                Layout::Broadcast => {
                    let t: Tensor<$rest, E, Cpu, _> = t.reshape_like(&$inner);
                    t.broadcast_like::<_, Axis<0>>(&$sizes)
                }
            };
            let (t, tape) = if self.copied { t.contiguous() } else { t }.split_tape();
            self.tape = tape;
            t
        }
    };
}

impl<E: Real> Inputs<'_, E>
where
    Cpu: Engine<E>,
{
    shaped!(two, (usize, usize), (usize,), Axes2<1, 0>, |s| (s[0], s[1]), (s[1], s[0]), (s[1],));
    shaped!(
        three,
        (usize, usize, usize),
        (usize, usize),
        Axes3<1, 2, 0>,
        |s| (s[0], s[1], s[2]),
        (s[2], s[0], s[1]),
        (s[1], s[2])
    );
    shaped!(
        four,
        (usize, usize, usize, usize),
        (usize, usize, usize),
        Axes4<3, 1, 0, 2>,
        |s| (s[0], s[1], s[2], s[3]),
        (s[2], s[1], s[3], s[0]),
        (s[1], s[2], s[3])
    );

    /// One axis has no other order.
    pub(crate) fn one(&mut self) -> Tensor<(usize,), E, Cpu> {
        let (t, s) = (self.flat.next().unwrap().clone(), self.shapes.next().unwrap());
        let t = t.put_tape(std::mem::take(&mut self.tape));
        let t = match self.layout {
            Layout::Broadcast => t.reshape_like(&()).broadcast_like::<_, Axis<0>>(&(s[0],)),
            _ => t,
        };
        let (t, tape) = if self.copied { t.contiguous() } else { t }.split_tape();
        self.tape = tape;
        t
    }

    /// The tape, for the input that carries it; after all inputs are taken.
    pub(crate) fn tape(self) -> OwnedTape<E, Cpu> {
        self.tape
    }
}

/// All values of any tensor in a row.
pub(crate) fn flat<S: Shape, E: Real, T: Tape<E, Cpu>>(y: Tensor<S, E, Cpu, T>) -> Flat<E, T>
where
    Cpu: Device<E>,
{
    let n = y.shape().num_elements();
    y.reshape_like(&(n,))
}

/// `n` normal numbers that float32 holds exactly.
pub(crate) fn normal(n: usize, key: u64) -> Vec<f64> {
    let mut random = stream(&[key]);
    (0..n)
        .map(|_| f64::from(<StandardNormal as Distribution<f32>>::sample(&StandardNormal, &mut random)))
        .collect()
}

fn tensor<E: Real>(v: &[f64]) -> Flat<E>
where
    Cpu: Device<E>,
{
    Cpu::default().tensor_from_vec(v.iter().map(|v| E::of(*v)).collect(), (v.len(),))
}

/// The values an operation gives, and the gradient of their sum with fixed weights with respect to each input.
type Found<E> = (Vec<E>, Vec<Vec<E>>);

#[derive(Clone, Copy)]
struct How {
    fused: bool,
    layout: Layout,
    copied: bool,
}

const FUSED: How = How { fused: true, layout: Layout::Plain, copied: false };
const COMPOSED: How = How { fused: false, ..FUSED };

fn data(case: &impl Case, layout: Layout) -> Vec<Vec<f64>> {
    let from = usize::from(layout == Layout::Broadcast);
    case.shapes().iter().zip(1..).map(|(s, key)| normal(s[from..].iter().product(), key)).collect()
}

fn evaluate<E: Real>(case: &impl Case, how: How) -> Found<E>
where
    Cpu: Engine<E>,
{
    let leaves: Vec<Flat<E>> = data(case, how.layout).iter().map(|v| tensor(v)).collect();
    let inputs = Inputs {
        flat: leaves.iter(),
        shapes: case.shapes().into_iter(),
        tape: leaves[0].leaky_trace().split_tape().1,
        layout: how.layout,
        copied: how.copied,
    };
    let y = case.run(inputs, how.fused);
    let out = values(&y.retaped::<NoneTape>());
    let weights = tensor(&normal(out.len(), 99));
    let mut grads = (y * weights).sum::<Rank0, _>().backward();
    let gradients = leaves
        .iter()
        .map(|leaf| {
            grads.try_alloc_for(leaf).unwrap();
            values(&grads.get(leaf))
        })
        .collect();
    (out, gradients)
}

/// Values and all gradients within `tolerance` of the largest, at least of 1.
fn assert_near<A: Real, B: Real>(what: &str, found: &Found<A>, expected: &Found<B>, tolerance: f64) {
    let pairs = std::iter::once((&found.0, &expected.0)).chain(found.1.iter().zip(&expected.1));
    for (i, (a, b)) in pairs.enumerate() {
        assert_eq!(a.len(), b.len(), "{what}");
        let largest = b.iter().fold(1.0, |m: f64, v| m.max(v.wide().abs()));
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            let off = (a.wide() - b.wide()).abs();
            let part = if i == 0 { "value".into() } else { format!("gradient {}", i - 1) };
            assert!(off <= tolerance * largest, "{what}: {part} at {at} is {a:?}, expected {b:?}");
        }
    }
}

fn gradients_match_differences(case: &impl Case) {
    let data = data(case, Layout::Plain);
    let weights = {
        let (out, _) = evaluate::<f64>(case, FUSED);
        tensor::<f64>(&normal(out.len(), 99))
    };
    for (at, v) in data.iter().enumerate() {
        let check = gradcheck(&tensor::<f64>(v), |x| {
            let (x, tape) = x.split_tape();
            let leaves: Vec<Flat<f64>> =
                data.iter().enumerate().map(|(i, v)| if i == at { x.clone() } else { tensor(v) }).collect();
            let shapes = case.shapes().into_iter();
            let inputs = Inputs { flat: leaves.iter(), shapes, tape, layout: Layout::Plain, copied: false };
            Ok((case.run(inputs, true) * weights.clone()).sum())
        })
        .unwrap();
        assert!(check.worst < 1e-6, "{case:?}, input {at}: {check:?}");
    }
}

fn threads_change_no_bit<E: Real>(case: &impl Case)
where
    Cpu: Engine<E>,
{
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluate::<E>(case, FUSED))
    };
    let one = with(1);
    for threads in [2, 5] {
        assert!(with(threads) == one, "{case:?}: {threads} threads give other bits than one");
    }
}

/// Everything above at a size where finite differences are affordable.
pub(crate) fn check(case: &impl Case) {
    gradients_match_differences(case);
    check_large(case);
    for layout in [Layout::Permuted, Layout::Broadcast] {
        let view = evaluate::<f64>(case, How { layout, ..FUSED });
        let copy = evaluate::<f64>(case, How { layout, copied: true, ..FUSED });
        assert_near(&format!("{case:?} {layout:?}"), &view, &copy, 1e-12);
        let composed = evaluate::<f64>(case, How { layout, ..COMPOSED });
        assert_near(&format!("{case:?} {layout:?}, composed"), &composed, &copy, 1e-9);
    }
}

/// Fused against composed, float32 against float64, and the same bits for any number of threads.
pub(crate) fn check_large(case: &impl Case) {
    let fused = evaluate::<f64>(case, FUSED);
    assert!(fused.1.iter().flatten().any(|g| *g != 0.0), "{case:?}: no gradient at all");
    assert_near(&format!("{case:?}, composed"), &evaluate::<f64>(case, COMPOSED), &fused, 1e-9);
    assert_near(&format!("{case:?}, float32"), &evaluate::<f32>(case, FUSED), &fused, 5e-5);
    assert_near(&format!("{case:?}, composed in float32"), &evaluate::<f32>(case, COMPOSED), &fused, 5e-5);
    threads_change_no_bit::<f32>(case);
    threads_change_no_bit::<f64>(case);
}
