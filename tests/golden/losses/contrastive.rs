//! Losses that tell a positive from negatives.

use dfdx::prelude::*;
use selfsame::losses::{
    self, DclwConvention, MoCoV3Convention, NnclrConvention, SupConConvention, SupConSettings,
};
use selfsame::ops::{Engine, Real};

use super::{Checked, In};
use crate::check::Found;
use crate::file::Entry;
use crate::graph::{matrix, rows, stacked, tensor, Loss, Rows, Slopes};

impl<E: Real> In<E>
where
    Cpu: Engine<E>,
{
    /// A loss of two stacked views.
    pub fn of_views(
        entry: &Entry,
        names: [&str; 2],
        loss: impl FnOnce(Rows<E, OwnedTape<E, Cpu>>) -> Result<Loss<E>, selfsame::Error>,
    ) -> Checked {
        let z = stacked::<E>(entry, &names)?;
        let mut slopes = Slopes::of(loss(z.leaky_trace()))?;
        let parts = slopes.parts(&z, 2)?;
        Ok(Found::value(slopes.value).grad(names[0], parts[0].clone()).grad(names[1], parts[1].clone()))
    }

    pub fn nt_xent(entry: &Entry) -> Checked {
        let tau = entry.number("tau")?;
        Self::of_views(entry, ["z0", "z1"], |z| losses::nt_xent(z, tau))
    }

    pub fn dcl(entry: &Entry) -> Checked {
        let tau = entry.number("tau")?;
        Self::of_views(entry, ["z0", "z1"], |z| losses::dcl(z, tau))
    }

    pub fn dclw(entry: &Entry) -> Checked {
        Self::weighted(entry, DclwConvention::Lightly)
    }

    pub fn dclw_grad(entry: &Entry) -> Checked {
        Self::weighted(entry, DclwConvention::Reference)
    }

    fn weighted(entry: &Entry, convention: DclwConvention) -> Checked {
        let (tau, sigma) = (entry.number("tau")?, entry.number("sigma")?);
        Self::of_views(entry, ["z0", "z1"], |z| losses::dclw(z, tau, sigma, convention))
    }

    pub fn memory_bank(entry: &Entry) -> Checked {
        let [q, k, bank] = [rows::<E>(entry, "z0")?, rows(entry, "z1")?, rows(entry, "bank")?];
        let loss = losses::info_nce_with_bank(q.leaky_trace(), k.clone(), &bank, entry.number("tau")?);
        let mut slopes = Slopes::of(loss)?;
        Ok(Found::value(slopes.value).grad("z0", slopes.to(&q)?).grad("z1", slopes.to(&k)?))
    }

    pub fn info_nce(entry: &Entry) -> Checked {
        let [q, k] = [rows::<E>(entry, "q")?, rows(entry, "k")?];
        let mut slopes = Slopes::of(losses::info_nce(q.leaky_trace(), k.clone(), entry.number("tau")?))?;
        Ok(Found::value(slopes.value).grad("q", slopes.to(&q)?).grad("k", slopes.to(&k)?))
    }

    pub fn moco(entry: &Entry) -> Checked {
        let [q, k, queue] = [rows::<E>(entry, "q")?, rows(entry, "k")?, rows(entry, "queue")?];
        let mut slopes = Slopes::of(losses::moco(q.leaky_trace(), &k, &queue, entry.number("tau")?))?;
        let found = Found::value(slopes.value).grad("q", slopes.to(&q)?);
        Ok(found.grad("k", slopes.to(&k)?).grad("queue", slopes.to(&queue)?))
    }

    pub fn moco_v3(entry: &Entry) -> Checked {
        let (q, k) = (stacked::<E>(entry, &["q1", "q2"])?, stacked::<E>(entry, &["k1", "k2"])?);
        let (tau, convention) = (entry.number("tau")?, MoCoV3Convention::Reference);
        let mut slopes = Slopes::of(losses::moco_v3(q.leaky_trace(), &k, tau, convention))?;
        let (of_q, of_k) = (slopes.parts(&q, 2)?, slopes.parts(&k, 2)?);
        let found = Found::value(slopes.value).grad("q1", of_q[0].clone()).grad("q2", of_q[1].clone());
        Ok(found.grad("k1", of_k[0].clone()).grad("k2", of_k[1].clone()))
    }

    pub fn nnclr_paper(entry: &Entry) -> Checked {
        Self::nnclr(entry, NnclrConvention::Paper)
    }

    pub fn nnclr_lightly(entry: &Entry) -> Checked {
        Self::nnclr(entry, NnclrConvention::Lightly)
    }

    fn nnclr(entry: &Entry, convention: NnclrConvention) -> Checked {
        let (p, z) = (stacked::<E>(entry, &["p0", "p1"])?, stacked::<E>(entry, &["z0", "z1"])?);
        let queue = rows::<E>(entry, "queue")?;
        let (which, neighbours) = losses::nearest_neighbours(&z, &queue).map_err(|e| e.to_string())?;
        let loss = losses::nnclr(p.leaky_trace(), &neighbours, entry.number("tau")?, convention);
        let mut slopes = Slopes::of(loss)?;
        let (of_p, of_z) = (slopes.parts(&p, 2)?, slopes.parts(&z, 2)?);
        let which: Vec<f64> = which.iter().map(|i| *i as f64).collect();
        let (first, second) = which.split_at(which.len() / 2);
        Ok(Found::value(slopes.value)
            .output("nn_index0", first)
            .output("nn_index1", second)
            .grad("p0", of_p[0].clone())
            .grad("p1", of_p[1].clone())
            .grad("z0", of_z[0].clone())
            .grad("z1", of_z[1].clone())
            .grad("queue", slopes.to(&queue)?))
    }

    pub fn sup_con(entry: &Entry) -> Checked {
        Self::supervised(entry, SupConConvention::Out)
    }

    pub fn sup_con_in(entry: &Entry) -> Checked {
        Self::supervised(entry, SupConConvention::In)
    }

    pub fn sup_con_pml(entry: &Entry) -> Checked {
        Self::supervised(entry, SupConConvention::MetricLearning)
    }

    /// The entry has a sample's views side by side, we have view after view.
    fn supervised(entry: &Entry, convention: SupConConvention) -> Checked {
        let [samples, views, width] = entry.sizes("features")?;
        let given = entry.numbers("features")?;
        let place = |row: usize| (row % samples * views + row / samples) * width;
        let values: Vec<f64> =
            (0..samples * views).flat_map(|row| &given[place(row)..][..width]).copied().collect();
        let z = matrix::<E>(&values, width);
        let labels: Vec<u32> = entry.integers("labels")?.iter().map(|l| *l as u32).collect();
        let (temperature, base_temperature) = (entry.number("tau")?, entry.number("base_tau")?);
        let settings = SupConSettings { temperature, base_temperature, convention };
        let mut slopes = Slopes::of(losses::sup_con(z.leaky_trace(), &labels, settings))?;
        let found = slopes.to(&z)?;
        let mut gradient = vec![0.0; given.len()];
        for (row, found) in found.chunks_exact(width).enumerate() {
            gradient[place(row)..][..width].copy_from_slice(found);
        }
        Ok(Found::value(slopes.value).grad("features", gradient))
    }

    pub fn clip(entry: &Entry) -> Checked {
        let [image, text] = [rows::<E>(entry, "image")?, rows(entry, "text")?];
        let scale: Tensor<Rank0, E, Cpu> = tensor(entry.numbers("log_scale")?, ());
        let mut slopes = Slopes::of(losses::clip(image.leaky_trace(), text.clone(), &scale))?;
        let found = Found::value(slopes.value).grad("image", slopes.to(&image)?);
        Ok(found.grad("text", slopes.to(&text)?).grad("log_scale", slopes.to(&scale)?))
    }

    pub fn siglip(entry: &Entry) -> Checked {
        let [image, text] = [rows::<E>(entry, "image")?, rows(entry, "text")?];
        let scale: Tensor<Rank0, E, Cpu> = tensor(entry.numbers("log_scale")?, ());
        let bias: Tensor<Rank0, E, Cpu> = tensor(entry.numbers("bias")?, ());
        let mut slopes = Slopes::of(losses::siglip(image.leaky_trace(), text.clone(), &scale, &bias))?;
        let found = Found::value(slopes.value).grad("image", slopes.to(&image)?);
        let found = found.grad("text", slopes.to(&text)?).grad("log_scale", slopes.to(&scale)?);
        Ok(found.grad("bias", slopes.to(&bias)?))
    }

    pub fn cpc(entry: &Entry) -> Checked {
        let three = |name: &str| -> Result<Tensor<(usize, usize, usize), E, Cpu>, String> {
            let [a, b, c] = entry.sizes(name)?;
            Ok(tensor(entry.numbers(name)?, (a, b, c)))
        };
        let [context, z, maps] = [three("context")?, three("z")?, three("W")?];
        let negatives = match entry.name.contains("time") {
            true => losses::CpcNegatives::BatchAndTime,
            false => losses::CpcNegatives::Batch,
        };
        let mut slopes = Slopes::of(losses::cpc(context.leaky_trace(), z.clone(), &maps, negatives))?;
        let found = Found::value(slopes.value).grad("context", slopes.to(&context)?);
        Ok(found.grad("z", slopes.to(&z)?).grad("W", slopes.to(&maps)?))
    }
}
