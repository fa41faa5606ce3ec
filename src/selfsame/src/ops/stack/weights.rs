//! A block's parameters as its kernels use them.
//!
//! The norms' scale and shift are folded into the maps that follow them: `(hat * scale + shift) W' + b` is
//! `hat (W * scale)' + (b + W shift)`, so the kernels only centre and scale. Two biases go as well. The keys' adds the
//! same number to all scores of a query, which softmax ignores; its gradient is exactly 0. The values' comes out of
//! attention unchanged, because weights sum to 1, and so joins the bias of the projection.

use super::plan::{BlockSums, Plan};
use crate::ops::{vectorized, Real};

/// One block's parameters, row-major, maps as (out, in).
pub struct BlockValues<E> {
    pub(super) scale1: Vec<E>,
    pub(super) shift1: Vec<E>,
    pub(super) qkv: Vec<E>,
    pub(super) qkv_bias: Vec<E>,
    pub(super) proj: Vec<E>,
    pub(super) proj_bias: Vec<E>,
    pub(super) scale2: Vec<E>,
    pub(super) shift2: Vec<E>,
    pub(super) fc1: Vec<E>,
    pub(super) fc1_bias: Vec<E>,
    pub(super) fc2: Vec<E>,
    pub(super) fc2_bias: Vec<E>,
}

/// The same, folded; `_t` is (in, out), which a product reads faster as its right side.
pub(super) struct Folded<E> {
    pub(super) qkv: Vec<E>,
    pub(super) qkv_t: Vec<E>,
    pub(super) query_bias: Vec<E>,
    pub(super) value_bias: Vec<E>,
    pub(super) proj_t: Vec<E>,
    pub(super) proj_bias: Vec<E>,
    pub(super) fc1: Vec<E>,
    pub(super) fc1_t: Vec<E>,
    pub(super) fc1_bias: Vec<E>,
    pub(super) fc2_t: Vec<E>,
}

impl<E: Real> BlockValues<E> {
    pub(super) fn fold(&self, plan: &Plan) -> Folded<E> {
        let d = plan.width;
        let (qkv, qkv_bias) = fold_norm(&self.qkv, &self.qkv_bias, &self.scale1, &self.shift1);
        let (fc1, fc1_bias) = fold_norm(&self.fc1, &self.fc1_bias, &self.scale2, &self.shift2);
        let value_bias = qkv_bias[2 * d..].to_vec();
        let mut proj_bias = self.proj_bias.clone();
        for (bias, row) in proj_bias.iter_mut().zip(self.proj.chunks_exact(d.max(1))) {
            *bias += dot(row, &value_bias);
        }
        Folded {
            qkv_t: transpose(&qkv, d),
            query_bias: qkv_bias[..d].to_vec(),
            value_bias,
            proj_t: transpose(&self.proj, d),
            proj_bias,
            fc1_t: transpose(&fc1, d),
            fc1_bias,
            fc2_t: transpose(&self.fc2, plan.hidden),
            qkv,
            fc1,
        }
    }

    /// Adds the gradients of the parameters to `g`, twelve slices in the order of this type's fields.
    pub(super) fn unfold(&self, plan: &Plan, folded: &Folded<E>, sums: &BlockSums<'_, E>, g: &mut [Vec<E>]) {
        let d = plan.width;
        let [scale1, shift1, qkv, qkv_bias, proj, proj_bias, scale2, shift2, fc1, fc1_bias, fc2, fc2_bias] =
            g
        else {
            return;
        };
        // Attention's weights sum to 1 over the keys, so the values' bias receives all of what the output does.
        let mut bias = vec![E::zero(); 3 * d];
        bias[..d].copy_from_slice(sums.query_bias);
        for (row, up) in self.proj.chunks_exact(d.max(1)).zip(sums.proj_bias.iter()) {
            bias[2 * d..].iter_mut().zip(row).for_each(|(b, w)| *b += *w * *up);
        }
        unfold_norm(
            (&self.qkv, &self.scale1, &self.shift1),
            sums.qkv,
            &bias,
            (qkv, qkv_bias, scale1, shift1),
        );
        for ((row, sum), up) in
            proj.chunks_exact_mut(d.max(1)).zip(sums.proj.chunks_exact(d.max(1))).zip(sums.proj_bias.iter())
        {
            for ((g, s), b) in row.iter_mut().zip(sum).zip(&folded.value_bias) {
                *g += *s + *up * *b;
            }
        }
        add(proj_bias, sums.proj_bias);
        unfold_norm(
            (&self.fc1, &self.scale2, &self.shift2),
            sums.fc1,
            sums.fc1_bias,
            (fc1, fc1_bias, scale2, shift2),
        );
        add(fc2, sums.fc2);
        add(fc2_bias, sums.fc2_bias);
    }
}

/// The map and bias that do to `hat` what (weight, bias) do to `hat * scale + shift`.
fn fold_norm<E: Real>(weight: &[E], bias: &[E], scale: &[E], shift: &[E]) -> (Vec<E>, Vec<E>) {
    let rows = || weight.chunks_exact(scale.len().max(1));
    let folded = rows().flat_map(|row| row.iter().zip(scale).map(|(w, s)| *w * *s)).collect();
    (folded, bias.iter().zip(rows()).map(|(b, row)| *b + dot(row, shift)).collect())
}

/// From `sum` (the products of upstream and `hat`) and `bias` (the sums of upstream) to the gradients of the map, its
/// bias and the norm's scale and shift.
fn unfold_norm<E: Real>(
    (weight, scale, shift): (&[E], &[E], &[E]),
    sum: &[E],
    bias: &[E],
    (g_weight, g_bias, g_scale, g_shift): (&mut [E], &mut [E], &mut [E], &mut [E]),
) {
    let n = scale.len().max(1);
    let rows = weight.chunks_exact(n).zip(sum.chunks_exact(n)).zip(g_weight.chunks_exact_mut(n));
    for (((weight, sum), g), up) in rows.zip(bias) {
        for i in 0..n {
            g[i] += sum[i] * scale[i] + *up * shift[i];
            g_scale[i] += weight[i] * sum[i];
            g_shift[i] += weight[i] * *up;
        }
    }
    add(g_bias, bias);
}

pub(super) fn add<E: Real>(sum: &mut [E], values: &[E]) {
    vectorized(
        #[inline(always)]
        move || sum.iter_mut().zip(values).for_each(|(s, v)| *s += *v),
    );
}

fn dot<E: Real>(a: &[E], b: &[E]) -> E {
    a.iter().zip(b).map(|(a, b)| *a * *b).sum()
}

/// (rows, cols) to (cols, rows).
pub(super) fn transpose<E: Real>(m: &[E], cols: usize) -> Vec<E> {
    let rows = m.len() / cols.max(1);
    let mut t = vec![E::zero(); m.len()];
    // Row by row of the result, in blocks of rows of the input that stay in cache.
    for from in (0..rows).step_by(BLOCK) {
        let to = (from + BLOCK).min(rows);
        for (j, t) in t.chunks_exact_mut(rows.max(1)).enumerate() {
            for (t, row) in t[from..to].iter_mut().zip(m[from * cols..].chunks_exact(cols)) {
                *t = row[j];
            }
        }
    }
    t
}

/// Rows [`transpose`] reads at a time.
const BLOCK: usize = 16;
