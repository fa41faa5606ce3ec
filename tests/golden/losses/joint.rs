//! Losses of two views without negatives.

use dfdx::prelude::*;
use selfsame::losses::{
    self, AlignUniformSettings, BarlowConvention, BarlowSettings, ByolConvention, LeJepaSettings,
    SigRegSettings, VicRegConvention, VicRegWeights, WMseConvention, WMseSettings,
};
use selfsame::ops::{Engine, Real};

use super::{Checked, In};
use crate::check::Found;
use crate::file::Entry;
use crate::graph::{matrix, rows, stacked, Slopes};

impl<E: Real> In<E>
where
    Cpu: Engine<E>,
{
    pub fn negative_cosine(entry: &Entry) -> Checked {
        let [p, z] = [rows::<E>(entry, "p0")?, rows(entry, "z1")?];
        let mut slopes = Slopes::of(losses::negative_cosine(p.leaky_trace(), &z))?;
        Ok(Found::value(slopes.value).grad("p0", slopes.to(&p)?).grad("z1", slopes.to(&z)?))
    }

    pub fn simsiam(entry: &Entry) -> Checked {
        Self::predicted(entry, |p, z| losses::simsiam(p, z))
    }

    pub fn byol(entry: &Entry) -> Checked {
        Self::predicted(entry, |p, z| losses::byol(p, z, ByolConvention::Paper))
    }

    fn predicted(
        entry: &Entry,
        loss: impl FnOnce(
            crate::graph::Rows<E, OwnedTape<E, Cpu>>,
            &crate::graph::Rows<E>,
        ) -> Result<crate::graph::Loss<E>, selfsame::Error>,
    ) -> Checked {
        let (p, z) = (stacked::<E>(entry, &["p0", "p1"])?, stacked::<E>(entry, &["z0", "z1"])?);
        let mut slopes = Slopes::of(loss(p.leaky_trace(), &z))?;
        let (of_p, of_z) = (slopes.parts(&p, 2)?, slopes.parts(&z, 2)?);
        let found = Found::value(slopes.value).grad("p0", of_p[0].clone()).grad("p1", of_p[1].clone());
        Ok(found.grad("z0", of_z[0].clone()).grad("z1", of_z[1].clone()))
    }

    pub fn barlow(entry: &Entry) -> Checked {
        Self::correlated(entry, BarlowConvention::Reference)
    }

    pub fn barlow_pseudocode(entry: &Entry) -> Checked {
        Self::correlated(entry, BarlowConvention::Paper)
    }

    fn correlated(entry: &Entry, convention: BarlowConvention) -> Checked {
        let settings = BarlowSettings { lambda: entry.number("lambda")?, scale: 1.0, convention };
        Self::of_views(entry, ["z0", "z1"], |z| losses::barlow_twins(z, settings))
    }

    pub fn vicreg(entry: &Entry) -> Checked {
        let (a, b) = (rows::<E>(entry, "z0")?, rows::<E>(entry, "z1")?);
        let weights = VicRegWeights {
            invariance: entry.number("lambda")?,
            variance: entry.number("mu")?,
            covariance: entry.number("nu")?,
        };
        let mut slopes = Slopes::of(losses::vicreg(a.leaky_trace(), b.clone(), weights))?;
        let both = Self::of_views(entry, ["z0", "z1"], |z| {
            losses::vicreg_views(z, weights, VicRegConvention::Reference)
        })?;
        let apart = Found::value(slopes.value).grad("z0", slopes.to(&a)?).grad("z1", slopes.to(&b)?);
        match both == apart {
            true => Ok(apart),
            false => Err("two views in one tensor differ from two tensors".into()),
        }
    }

    pub fn w_mse(entry: &Entry) -> Checked {
        let h = rows::<E>(entry, "h")?;
        let order: Vec<usize> = entry.integers("perm")?.iter().map(|i| *i as usize).collect();
        let convention = WMseConvention::Reference;
        let settings =
            WMseSettings { group: entry.count("w_size")?, shrinkage: entry.number("eps")?, convention };
        let mut slopes = Slopes::of(losses::w_mse(h.leaky_trace(), &order, settings))?;
        Ok(Found::value(slopes.value).grad("h", slopes.to(&h)?))
    }

    pub fn koleo(entry: &Entry) -> Checked {
        let x = rows::<E>(entry, "x")?;
        let mut slopes = Slopes::of(losses::koleo(x.leaky_trace()))?;
        Ok(Found::value(slopes.value).grad("x", slopes.to(&x)?))
    }

    pub fn align_uniform(entry: &Entry) -> Checked {
        let settings = AlignUniformSettings {
            alpha: entry.number("alpha")?,
            t: entry.number("t")?,
            lambda: entry.number("lam")?,
        };
        Self::of_views(entry, ["z0", "z1"], |z| losses::align_uniform(z, settings))
    }

    /// The entry has directions as columns, we have rows.
    fn directions(entry: &Entry) -> Result<Vec<f64>, String> {
        let [width, count] = entry.sizes("directions")?;
        let given = entry.numbers("directions")?;
        Ok((0..width * count).map(|i| given[i % width * count + i / width]).collect())
    }

    fn knots(entry: &Entry) -> Result<SigRegSettings, String> {
        Ok(SigRegSettings { knots: entry.count("knots")?, t_max: entry.number("t_max")? })
    }

    pub fn sigreg(entry: &Entry) -> Checked {
        let [views, _, _] = entry.sizes("proj")?;
        let z = rows::<E>(entry, "proj")?;
        let directions = Self::directions(entry)?;
        let loss = losses::sigreg(z.leaky_trace(), views, &directions, Self::knots(entry)?);
        let mut slopes = Slopes::of(loss)?;
        Ok(Found::value(slopes.value).grad("proj", slopes.to(&z)?))
    }

    pub fn lejepa(entry: &Entry) -> Checked {
        let [global, _, width] = entry.sizes("global")?;
        let [local, _, _] = entry.sizes("local")?;
        let (first, second) = (entry.numbers("global")?, entry.numbers("local")?);
        let z = matrix::<E>(&[first, second].concat(), width);
        let settings = LeJepaSettings { lambda: entry.number("lambda")?, sigreg: Self::knots(entry)? };
        let directions = Self::directions(entry)?;
        let mut slopes =
            Slopes::of(losses::lejepa(z.leaky_trace(), global + local, global, &directions, settings))?;
        let gradient = slopes.to(&z)?;
        let (of_global, of_local) = gradient.split_at(first.len());
        Ok(Found::value(slopes.value).grad("global", of_global).grad("local", of_local))
    }
}
