//! Optimisers, schedules, clipping, moving averages and masks. All but the schedules compute in float32.

use dfdx::prelude::*;
use selfsame::ops::RandomMasking;
use selfsame::optim::{ema, Buffers, Cosine, CosineConvention, Optimizer, Rule};
use selfsame::tape::{AnyTensor, FlatGradient, Parameters, Role};

use crate::check::Found;
use crate::file::Entry;
use crate::ops::Checked;

/// A few tensors as a module.
struct Module {
    tensors: Vec<(String, Role, Tensor<(usize,), f32, Cpu>)>,
}

impl Parameters<Cpu> for Module {
    fn visit(&self, _: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<Cpu>)) {
        self.tensors.iter().for_each(|(name, role, t)| f(name, *role, t));
    }
    fn visit_mut(&mut self, _: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<Cpu>)) {
        self.tensors.iter_mut().for_each(|(name, role, t)| f(name, *role, t));
    }
}

impl Module {
    /// Inputs of an entry by name; `bias` has a role of its own.
    fn of(entry: &Entry, names: &[&str], prefix: &str, bias: Role) -> Result<Module, String> {
        let tensor = |name: &&str| {
            let values = single(entry.numbers(&format!("{prefix}{name}"))?);
            let n = values.len();
            let role = if *name == "bias" { bias } else { Role::Weight };
            Ok((name.to_string(), role, Cpu::default().tensor_from_vec(values, (n,))))
        };
        Ok(Module { tensors: names.iter().map(tensor).collect::<Result<_, String>>()? })
    }
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

fn text(e: selfsame::Error) -> String {
    e.to_string()
}

/// The rule of an entry and what a bias is to it.
fn rule(entry: &Entry) -> Result<(Rule, Role), String> {
    let number = |name: &str, otherwise: f64| entry.number(name).unwrap_or(otherwise);
    let case = entry.name.trim_start_matches("optim/");
    Ok(match case {
        "sgd" | "sgd_momentum" | "sgd_momentum_wd" | "sgd_nesterov_wd" => {
            let nesterov = number("nesterov", 0.0) == 1.0;
            (Rule::Sgd { momentum: number("momentum", 0.0), nesterov }, Role::Weight)
        }
        "adam" | "adamw" => {
            let (beta1, beta2) = (number("beta1", 0.9), number("beta2", 0.999));
            (Rule::AdamW { beta1, beta2, eps: number("eps", 1e-8) }, Role::Weight)
        }
        "lars_official" | "lars_official_no_exclusion" => {
            let bias = if entry.number("exclude_1d")? == 1.0 { Role::NoDecay } else { Role::Weight };
            (Rule::Lars { momentum: number("momentum", 0.0), trust: entry.number("eta")? }, bias)
        }
        "sgd_momentum_dampening" => return skipped("the library's SGD has no dampening"),
        "adam_wd_coupled" => return skipped("the library decays Adam's weights decoupled only (AdamW)"),
        "rmsprop" => return skipped("the library has no RMSprop"),
        _ if case.starts_with("lars_lightly") => {
            return skipped("the library's LARS is the official one, lightly's differs in its trust ratio")
        }
        other => return Err(format!("no rule for {other}")),
    })
}

/// A case within a family that the library does not have.
fn skipped<T>(why: &str) -> Result<T, String> {
    Err(format!("skip: {why}"))
}

/// The parameters after each of the steps whose gradients the entry gives.
pub fn optim(entry: &Entry) -> Checked {
    const NAMES: [&str; 3] = ["matrix", "bias", "zero_matrix"];
    let (rule, bias) = rule(entry)?;
    let mut module = Module::of(entry, &NAMES, "", bias)?;
    let mut optimizer = Optimizer::new(rule, entry.number("weight_decay").unwrap_or(0.0));
    let steps = entry.input("grad_matrix")?.shape[0];
    let mut after: [Vec<f64>; 3] = Default::default();
    for step in 0..steps {
        let mut gradient = Vec::new();
        for name in NAMES {
            let all = entry.numbers(&format!("grad_{name}"))?;
            let each = all.len() / steps;
            gradient.extend(single(&all[step * each..(step + 1) * each]));
        }
        optimizer.step(&mut module, &gradient, entry.number("lr")?).map_err(text)?;
        for (after, (_, _, t)) in after.iter_mut().zip(&module.tensors) {
            after.extend(wide(&t.as_vec()));
        }
    }
    let found = NAMES.iter().zip(after).fold(Found::table(), |f, (name, after)| f.output(name, after));
    Ok(found.single())
}

/// The learning rate at every step of the entry.
pub fn schedule(entry: &Entry) -> Checked {
    use CosineConvention::{Lightly, Mae};
    let (peak, end, convention) = match entry.name.trim_start_matches("schedule/") {
        "cosine_lightly" | "cosine_warmup_lightly" => (entry.number("start")?, entry.number("end")?, Lightly),
        "cosine_warmup_mae" => (entry.number("lr")?, entry.number("min_lr")?, Mae),
        "cosine_warmup_barlow_vicreg" => (entry.number("base")?, 1e-3 * entry.number("base")?, Mae),
        "cosine_annealing_torch" => (entry.number("lr")?, entry.number("eta_min")?, Mae),
        other => return skipped(&format!("the library has no schedule like {other}")),
    };
    let total = entry.count("n").or_else(|_| entry.count("T_max"))? as u64;
    let warmup = entry.count("warmup").unwrap_or(0) as u64;
    let cosine = Cosine { peak, end, warmup, total, convention };
    let values: Vec<f64> = entry.integers("step")?.iter().map(|step| cosine.at(*step as u64)).collect();
    Ok(Found::table().output("value", values))
}

/// Gradients clipped by their global norm; the value is the norm before.
pub fn clip_grad_norm(entry: &Entry) -> Checked {
    let module = Module::of(entry, &["matrix", "bias"], "grad_", Role::Weight)?;
    // The gradient of half the sum of squares of a tensor is the tensor.
    let half = |t: &Tensor<(usize,), f32, Cpu>| t.leaky_trace().square().sum::<Rank0, _>() * 0.5;
    let mut gradient = FlatGradient::new();
    let (a, b) = (half(&module.tensors[0].2), half(&module.tensors[1].2));
    gradient.add(&module, (a + b).backward()).map_err(text)?;
    let norm = gradient.clip_norm(entry.number("max_norm")?);
    let clipped = wide(gradient.mean());
    let first = entry.numbers("grad_matrix")?.len();
    Ok(Found::value(norm).output("matrix", &clipped[..first]).output("bias", &clipped[first..]).single())
}

/// One step of a teacher towards a student.
pub fn moving_average(entry: &Entry) -> Checked {
    const NAMES: [&str; 2] = ["weight", "bias"];
    let mut teacher = Module::of(entry, &NAMES, "target_", Role::NoDecay)?;
    let student = Module::of(entry, &NAMES, "online_", Role::NoDecay)?;
    ema(&mut teacher, &student, entry.number("momentum")?, Buffers::Copied).map_err(text)?;
    let output = |found: Found, (name, _, t): &(String, Role, Tensor<(usize,), f32, Cpu>)| {
        found.output(&format!("target_{name}"), wide(&t.as_vec()))
    };
    Ok(teacher.tensors.iter().fold(Found::table(), output).single())
}

/// Which tokens stay, from given noise.
pub fn random_masking(entry: &Entry) -> Checked {
    let tokens = entry.input("noise")?.shape[1];
    let masking =
        RandomMasking::of_noise(entry.numbers("noise")?, tokens, entry.count("keep")?).map_err(text)?;
    let restore: Vec<f64> = masking.restore.iter().map(|i| f64::from(*i)).collect();
    let mask: Vec<f64> = masking.hidden.iter().map(|hidden| f64::from(u8::from(*hidden))).collect();
    // The order is the inverse of the places.
    let mut shuffle = vec![0.0; restore.len()];
    for (token, place) in masking.restore.iter().enumerate() {
        shuffle[token / tokens * tokens + *place as usize] = (token % tokens) as f64;
    }
    Ok(Found::table().output("ids_restore", restore).output("mask", mask).output("ids_shuffle", shuffle))
}
