//! Five steps of each rule and all steps of each schedule, against numbers from independent implementations.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;
use serde_json::Value;

use super::{ema, Buffers, Cosine, CosineConvention, Optimizer, Rule};
use crate::golden::{assert_close, assert_within, entries, entry, goldens, numbers, sizes};
use crate::tape::{AnyTensor, Parameters, Role};

/// The three parameters of the goldens.
struct Three {
    tensors: Vec<Parameter>,
}

type Parameter = (&'static str, Role, Tensor<(usize,), f32, Cpu>);

impl Parameters<Cpu> for Three {
    fn visit(&self, _: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<Cpu>)) {
        self.tensors.iter().for_each(|(name, role, t)| f(name, *role, t));
    }
    fn visit_mut(&mut self, _: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<Cpu>)) {
        self.tensors.iter_mut().for_each(|(name, role, t)| f(name, *role, t));
    }
}

const NAMES: [&str; 3] = ["matrix", "bias", "zero_matrix"];

fn three(bias: Role, values: impl Fn(&str) -> Vec<f32>) -> Three {
    let tensor = |name: &'static str| {
        let v = values(name);
        let n = v.len();
        let role = if name == "bias" { bias } else { Role::Weight };
        (name, role, Cpu::default().tensor_from_vec(v, (n,)))
    };
    Three { tensors: NAMES.map(tensor).into() }
}

/// The rule and weight decay of an entry, and what its bias is to the rule; `None` for rules we have not.
fn rule(entry: &Value) -> Option<(Rule, f64, Role)> {
    let params = &entry["params"];
    let number = |name: &str, default: f64| params.get(name).map_or(default, |v| v.as_f64().unwrap());
    let decay = number("weight_decay", 0.0);
    Some(match entry["name"].as_str().unwrap() {
        "optim/sgd" | "optim/sgd_momentum" | "optim/sgd_momentum_wd" | "optim/sgd_nesterov_wd" => {
            let nesterov = number("nesterov", 0.0) == 1.0;
            (Rule::Sgd { momentum: number("momentum", 0.0), nesterov }, decay, Role::Weight)
        }
        "optim/adam" | "optim/adamw" => {
            let (beta1, beta2) = (number("beta1", 0.9), number("beta2", 0.999));
            (Rule::AdamW { beta1, beta2, eps: number("eps", 1e-8) }, decay, Role::Weight)
        }
        "optim/lars_official" | "optim/lars_official_no_exclusion" => {
            let bias = if number("exclude_1d", 0.0) == 1.0 { Role::NoDecay } else { Role::Weight };
            (Rule::Lars { momentum: number("momentum", 0.0), trust: number("eta", 0.0) }, decay, bias)
        }
        _ => return None,
    })
}

#[test]
fn five_steps_of_every_rule_match() {
    let Some(file) = goldens("ops.json") else { return };
    let mut checked = 0;
    for entry in entries(&file).iter().filter(|e| e["family"] == "optim") {
        let Some((rule, decay, bias)) = rule(entry) else { continue };
        let input =
            |name: &str| numbers(&entry["inputs"][name]).iter().map(|v| *v as f32).collect::<Vec<f32>>();
        let mut module = three(bias, input);
        let mut optimizer = Optimizer::new(rule, decay);
        for step in 0..5 {
            let part = |v: Vec<f32>| v[step * v.len() / 5..(step + 1) * v.len() / 5].to_vec();
            let gradient = NAMES.map(|name| part(input(&format!("grad_{name}")))).concat();
            optimizer.step(&mut module, &gradient, entry["params"]["lr"].as_f64().unwrap()).unwrap();
            for (name, _, t) in &module.tensors {
                let found: Vec<f64> = t.as_vec().into_iter().map(f64::from).collect();
                let all = numbers(&entry["outputs"][name]);
                let expected = &all[step * found.len()..][..found.len()];
                let what = format!("{}, {name} after step {}", entry["name"], step + 1);
                let tolerance = entry["tol_f32"]["outputs"][name].as_f64().unwrap();
                assert_within(&what, &found, expected, tolerance);
            }
        }
        assert_eq!(sizes(&entry["outputs"]["matrix"])[0], 5);
        checked += 1;
    }
    assert_eq!(checked, 8);
}

#[test]
fn schedules_match() {
    let Some(file) = goldens("ops.json") else { return };
    use CosineConvention::{Lightly, Mae};
    for (name, peak, end, convention) in [
        ("schedule/cosine_lightly", "start", "end", Lightly),
        ("schedule/cosine_warmup_lightly", "start", "end", Lightly),
        ("schedule/cosine_warmup_mae", "lr", "min_lr", Mae),
    ] {
        let entry = entry(&file, name);
        let number = |key: &str| entry["params"].get(key).map_or(0.0, |v| v.as_f64().unwrap());
        let (warmup, total) = (number("warmup") as u64, number("n") as u64);
        let cosine = Cosine { peak: number(peak), end: number(end), warmup, total, convention };
        let found: Vec<f64> =
            numbers(&entry["inputs"]["step"]).iter().map(|step| cosine.at(*step as u64)).collect();
        assert_close(name, &found, &numbers(&entry["outputs"]["value"]));
    }
}

/// Always checked: two steps worked out by hand.
#[test]
fn two_steps_by_hand() {
    let dev = Cpu::default();
    let run = |rule: Rule, decay: f64, role: Role| {
        let t = dev.tensor_from_vec(vec![3.0, 4.0], (2,));
        let mut module = Three { tensors: vec![("w", role, t)] };
        let mut optimizer = Optimizer::new(rule, decay);
        for _ in 0..2 {
            optimizer.step(&mut module, &[1.0, 0.0], 0.1).unwrap();
        }
        module.tensors[0].2.as_vec()
    };
    let near = |found: Vec<f32>, expected: [f32; 2]| {
        found.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{found:?}"));
    };
    // Velocities 1 and 1.9, steps of 0.1.
    near(run(Rule::SGD, 0.0, Role::Weight), [3.0 - 0.1 - 0.19, 4.0]);
    // Bias-corrected moments of a constant gradient are the gradient: the step is lr. Decay 0.5 shrinks by 0.95 first.
    near(run(Rule::ADAMW, 0.5, Role::Weight), [(3.0 * 0.95 - 0.1) * 0.95 - 0.1, 4.0 * 0.95 * 0.95]);
    near(run(Rule::ADAMW, 0.5, Role::NoDecay), [2.8, 4.0]);
    // |p| / |g| is 5 at first: a step of 0.1 * 5.
    let lars = Rule::Lars { momentum: 0.0, trust: 1.0 };
    let second = 0.1 * (2.5f32 * 2.5 + 16.0).sqrt();
    near(run(lars, 0.0, Role::Weight), [3.0 - 0.5 - second, 4.0]);
    near(run(lars, 0.7, Role::NoDecay), [2.8, 4.0]);
}

#[test]
fn a_gradient_of_another_module_is_refused_before_anything_moves() {
    let mut module = three(Role::NoDecay, |_| vec![1.0, 2.0]);
    let mut optimizer = Optimizer::new(Rule::SGD, 0.0);
    for wrong in [0, 5, 7] {
        let e = optimizer.step(&mut module, &vec![1.0; wrong], 0.1).unwrap_err();
        assert!(e.to_string().contains(&format!("expected 6, found {wrong}")), "{e}");
    }
    assert_eq!(optimizer.state().0, 0);
    module.visit("", &mut |_, _, t| assert_eq!(t.read(), [1.0, 2.0]));
}

#[test]
fn a_schedule_of_no_or_one_step_is_finite() {
    for convention in [CosineConvention::Lightly, CosineConvention::Mae] {
        for (warmup, total) in [(0, 0), (0, 1), (1, 1), (5, 3), (3, 3)] {
            let cosine = Cosine { peak: 1.0, end: 0.0, warmup, total, convention };
            for step in 0..8 {
                let value = cosine.at(step);
                assert!((0.0..=1.0).contains(&value), "{cosine:?} at {step}: {value}");
            }
        }
    }
}

/// Two parameters in a row, as the moving average's goldens have them.
#[test]
fn a_moving_average_matches() {
    let Some(file) = goldens("ops.json") else { return };
    let entry = entry(&file, "ema/update_momentum_0.996");
    let module = |owner: &str| {
        let tensor = |name: &'static str| {
            let values = numbers(&entry["inputs"][format!("{owner}_{name}").as_str()]);
            let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
            let n = values.len();
            (name, Role::Weight, Cpu::default().tensor_from_vec(values, (n,)))
        };
        Three { tensors: vec![tensor("weight"), tensor("bias")] }
    };
    let (mut teacher, student) = (module("target"), module("online"));
    let momentum = entry["params"]["momentum"].as_f64().unwrap();
    ema(&mut teacher, &student, momentum, Buffers::Copied).unwrap();
    for (name, _, t) in &teacher.tensors {
        let key = format!("target_{name}");
        let found: Vec<f64> = t.as_vec().into_iter().map(f64::from).collect();
        let tolerance = entry["tol_f32"]["outputs"][key.as_str()].as_f64().unwrap();
        assert_within(&key, &found, &numbers(&entry["outputs"][key.as_str()]), tolerance);
    }
}

#[test]
fn threads_change_no_bit() {
    let many: Vec<f32> = (0..40_000).map(|i| ((i * 37 % 101) as f32 - 50.0) / 60.0).collect();
    for rule in [Rule::ADAMW, Rule::SGD, Rule::LARS] {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut module = three(Role::NoDecay, |_| many.clone());
                let mut optimizer = Optimizer::new(rule, 0.1);
                let gradient: Vec<f32> = [&many[1..], &many[2..], &many[..3], &many[..]].concat();
                (0..3).for_each(|_| optimizer.step(&mut module, &gradient, 0.1).unwrap());
                module.tensors.iter().flat_map(|(_, _, t)| t.as_vec()).collect::<Vec<f32>>()
            })
        };
        let one = with(1);
        assert_ne!(one[..many.len()], many);
        assert!(with(2) == one && with(5) == one, "{rule:?}");
    }
}
