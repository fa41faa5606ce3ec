//! Cases of objectives.

use dfdx::prelude::*;

use super::cases::case;
use super::inputs::{flat, normal, Case, Inputs, Taped};
use crate::error::{device, Result};
use crate::losses::{self, masked_error, vicreg, VicRegWeights};
use crate::ops::*;

case!(MaskedError(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| {
        let x = i.two()?;
        let target = normal(rows * width, 7).into_iter().map(E::of).collect::<Vec<E>>();
        let counts = (0..rows).map(|r| r % 3 != 1).collect::<Vec<_>>();
    }
    masked_error(x.put_tape(t), &target, &counts),
    losses::composed_masked_error(x.put_tape(t), &target, &counts));
case!(VicReg(rows: usize, width: usize), vec![vec![rows, width]; 2],
    |i, t| { let a = i.two()?; let b = i.two()?; let weights = VicRegWeights::default(); }
    vicreg(a.put_tape(t), b, weights), losses::composed_vicreg(a.put_tape(t), b, weights));
case!(VicRegOfItself(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let a = i.two()?; let weights = VicRegWeights { variance: 30.0, ..Default::default() }; }
    vicreg(a.clone().put_tape(t), a, weights), losses::composed_vicreg(a.clone().put_tape(t), a, weights));
