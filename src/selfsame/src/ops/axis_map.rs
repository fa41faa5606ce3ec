//! Linear maps along the axes of an image: what averages over windows and changes of size have in common.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::{vectorized, Real};
use crate::error::{device, Result};
use crate::tape::{record, slot, values};

/// How one axis becomes another: for every new place, the old places it reads and with what weights.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisMap {
    ins: usize,
    /// Where each new place's taps begin, and at the end their number.
    starts: Vec<usize>,
    taps: Vec<(usize, f64)>,
}

impl AxisMap {
    /// A map from `ins` places to `outs`; `taps` gives the places that each new one reads, with their weights.
    pub(crate) fn new<I: IntoIterator<Item = (usize, f64)>>(
        ins: usize,
        outs: usize,
        taps: impl Fn(usize) -> I,
    ) -> AxisMap {
        let mut map = AxisMap { ins, starts: vec![0], taps: Vec::new() };
        for out in 0..outs {
            map.taps.extend(taps(out));
            map.starts.push(map.taps.len());
        }
        map
    }

    fn outs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The taps of every new place, in order.
    fn rows(&self) -> impl Iterator<Item = &[(usize, f64)]> {
        self.starts.windows(2).map(|w| &self.taps[w[0]..w[1]])
    }

    /// The matrix by which a row of old places is multiplied to give the new ones: (ins, outs).
    fn matrix<E: Real>(&self) -> Vec<E> {
        let mut matrix = vec![E::zero(); self.ins * self.outs()];
        for (out, taps) in self.rows().enumerate() {
            taps.iter().for_each(|(i, w)| matrix[i * self.outs() + out] += E::of(*w));
        }
        matrix
    }
}

/// Devices that map the two last axes of an image linearly: averages over windows and changes of size.
pub trait AxisMapOp<E: Real>: Device<E> {
    /// `rows` and `columns` of every channel of (batch, channels, height, width); sizes are already checked.
    fn map_axes<B: Dim, C: Dim, H: Dim, W: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        rows: AxisMap,
        columns: AxisMap,
        out: (OH, OW),
    ) -> Result<Tensor<(B, C, OH, OW), E, Self, T>> {
        composed(x, &rows, &columns, out).map_err(device)
    }
}

/// The same from dfdx's operations: a product with a matrix on either side.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    rows: &AxisMap,
    columns: &AxisMap,
    out: (OH, OW),
) -> std::result::Result<Tensor<(B, C, OH, OW), E, D, T>, D::Err> {
    let (batch, channels, h, w) = *x.shape();
    let (planes, h, w, oh, ow) =
        (batch.size() * channels.size(), h.size(), w.size(), out.0.size(), out.1.size());
    let dev = x.device().clone();
    let across = dev.try_tensor_from_vec(columns.matrix(), (w, ow))?;
    let down = dev.try_tensor_from_vec(rows.matrix(), (h, oh))?;
    let y = x.try_reshape_like(&(planes * h, w))?.try_matmul(across)?;
    let y = y.try_reshape_like(&(planes, h, ow))?;
    let y = y.try_permute::<(usize, usize, usize), Axes3<0, 2, 1>>()?.try_reshape_like(&(planes * ow, h))?;
    let y = y.try_matmul(down)?.try_reshape_like(&(planes, ow, oh))?;
    let y = y.try_permute::<(usize, usize, usize), Axes3<0, 2, 1>>()?;
    y.try_reshape_like(&(batch, channels, out.0, out.1))
}

impl<E: Real> AxisMapOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn map_axes<B: Dim, C: Dim, H: Dim, W: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        rows: AxisMap,
        columns: AxisMap,
        out: (OH, OW),
    ) -> Result<Tensor<(B, C, OH, OW), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, channels, _, _) = *x.shape();
        let plan = Plan::<E>::new(rows, columns);
        let mut y = vec![E::zero(); batch.size() * channels.size() * plan.outs()];
        let xs = values(&x);
        y.par_chunks_mut(plan.outs().max(1))
            .zip(xs.par_chunks(plan.ins().max(1)))
            .for_each_init(|| plan.room(), |room, (y, x)| plan.forward(x, room, y));
        let y = x.device().try_tensor_from_vec(y, (batch, channels, out.0, out.1)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), move |gy, g| {
            g[0].par_chunks_mut(plan.ins().max(1))
                .zip(gy.par_chunks(plan.outs().max(1)))
                .for_each_init(|| plan.room(), |room, (gx, gy)| plan.backward(gy, room, gx));
        });
        Ok(y.put_tape(tape))
    }
}

/// One channel's work: its rows are combined first, then the places within each new row.
struct Plan<E> {
    rows: AxisMap,
    columns: AxisMap,
    /// The columns' taps in the number type at hand.
    taps: Vec<(usize, E)>,
}

impl<E: Real> Plan<E> {
    fn new(rows: AxisMap, columns: AxisMap) -> Plan<E> {
        let taps = columns.taps.iter().map(|(i, w)| (*i, E::of(*w))).collect();
        Plan { rows, columns, taps }
    }
    fn ins(&self) -> usize {
        self.rows.ins * self.columns.ins
    }
    fn outs(&self) -> usize {
        self.rows.outs() * self.columns.outs()
    }
    /// Room for one combined row.
    fn room(&self) -> Vec<E> {
        vec![E::zero(); self.columns.ins]
    }

    fn forward(&self, x: &[E], room: &mut [E], y: &mut [E]) {
        let (w, ow) = (self.columns.ins, self.columns.outs());
        for (taps, y) in self.rows.rows().zip(y.chunks_exact_mut(ow.max(1))) {
            room.fill(E::zero());
            for (i, weight) in taps {
                add_scaled(&x[i * w..(i + 1) * w], E::of(*weight), room);
            }
            for (y, at) in y.iter_mut().zip(self.columns.starts.windows(2)) {
                *y = self.taps[at[0]..at[1]].iter().map(|(i, weight)| *weight * room[*i]).sum();
            }
        }
    }

    fn backward(&self, gy: &[E], room: &mut [E], gx: &mut [E]) {
        let (w, ow) = (self.columns.ins, self.columns.outs());
        for (taps, gy) in self.rows.rows().zip(gy.chunks_exact(ow.max(1))) {
            room.fill(E::zero());
            for (gy, at) in gy.iter().zip(self.columns.starts.windows(2)) {
                self.taps[at[0]..at[1]].iter().for_each(|(i, weight)| room[*i] += *weight * *gy);
            }
            for (i, weight) in taps {
                add_scaled(room, E::of(*weight), &mut gx[i * w..(i + 1) * w]);
            }
        }
    }
}

/// `sum += weight * row`.
fn add_scaled<E: Real>(row: &[E], weight: E, sum: &mut [E]) {
    vectorized(
        #[inline(always)]
        || sum.iter_mut().zip(row).for_each(|(s, r)| *s += weight * *r),
    );
}
