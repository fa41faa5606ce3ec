//! Families of losses.json.

use std::marker::PhantomData;

use dfdx::prelude::*;
use selfsame::losses::{nt_xent, vicreg, VicRegWeights};
use selfsame::ops::{Engine, Real};

use crate::check::Found;
use crate::file::Entry;
use crate::graph::{rows, stacked, Slopes};
use crate::{Family, Skipped};

type Checked = Result<Found, String>;

/// The families' functions in number type `E`.
struct In<E>(PhantomData<E>);

macro_rules! both {
    ($($family:literal => $function:ident),* $(,)?) => {
        &[$(Family { name: $family, double: In::<f64>::$function, single: Some(In::<f32>::$function) }),*]
    };
}

/// Every family this program compares.
pub const FAMILIES: &[Family] = both! {
    "ntxent" => ntxent,
    "vicreg" => vic_reg,
};

/// Families that are not compared, and why.
pub const SKIPPED: &[Skipped] = &[];

impl<E: Real> In<E>
where
    Cpu: Engine<E>,
{
    fn ntxent(entry: &Entry) -> Checked {
        let z = stacked::<E>(entry, &["z0", "z1"])?;
        let mut slopes = Slopes::of(nt_xent(z.leaky_trace(), entry.number("tau")?))?;
        let parts = slopes.parts(&z, 2)?;
        Ok(Found::value(slopes.value).grad("z0", parts[0].clone()).grad("z1", parts[1].clone()))
    }

    fn vic_reg(entry: &Entry) -> Checked {
        let (a, b) = (rows::<E>(entry, "z0")?, rows::<E>(entry, "z1")?);
        let weights = VicRegWeights {
            invariance: entry.number("lambda")?,
            variance: entry.number("mu")?,
            covariance: entry.number("nu")?,
        };
        let mut slopes = Slopes::of(vicreg(a.leaky_trace(), b.clone(), weights))?;
        Ok(Found::value(slopes.value).grad("z0", slopes.to(&a)?).grad("z1", slopes.to(&b)?))
    }
}
