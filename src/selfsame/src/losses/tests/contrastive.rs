//! Losses that tell a positive from negatives.

use dfdx::prelude::*;

use super::scaffold::*;
use crate::error::Error;
use crate::losses::*;
use crate::tape::gradcheck;

/// Samples and widths: the least there can be, odd ones, more features than samples and fewer.
const SIZES: [(usize, usize); 4] = [(2, 1), (3, 5), (5, 3), (7, 4)];

#[test]
fn info_nce_is_its_formula() {
    for (n, width) in SIZES {
        for tau in [0.1, 1.0] {
            let (q, k) = (normal(n * width, 1), normal(n * width, 2));
            let s = |i: usize, j: usize| cosine(row(&q, width, i), row(&k, width, j)) / tau;
            let expected =
                (0..n).map(|i| cross_entropy(s(i, i), (0..n).map(|j| s(i, j)))).sum::<f64>() / n as f64;
            if width > 1 {
                holds("InfoNCE", &q, width, expected, |q| info_nce(q, rows(&k, width), tau));
                let (q, k) = (rows(&q, width), rows(&k, width));
                let check = gradcheck(&k, |k| {
                    let (k, tape) = k.split_tape();
                    info_nce(q.clone().put_tape(tape), k, tau)
                });
                assert!(check.unwrap().worst < 1e-6);
            }
        }
    }
}

#[test]
fn a_bank_adds_negatives_and_moco_stops_at_its_keys() {
    for (n, width) in SIZES {
        let (q, k, bank) = (normal(n * width, 1), normal(n * width, 2), normal(3 * width, 3));
        let tau = 0.3;
        let unit = |v: &[f64]| v.iter().map(|x| x / dot(v, v).sqrt()).collect::<Vec<_>>();
        let one = |i: usize| {
            let (q, k) = (unit(row(&q, width, i)), unit(row(&k, width, i)));
            let own = dot(&q, &k) / tau;
            // The bank is used as stored.
            cross_entropy(
                own,
                std::iter::once(own).chain((0..3).map(|j| dot(&q, row(&bank, width, j)) / tau)),
            )
        };
        let expected = (0..n).map(one).sum::<f64>() / n as f64;
        let (keys, bank) = (rows(&k, width), rows(&bank, width));
        holds("bank", &q, width, expected, |q| info_nce_with_bank(q, keys.clone(), &bank, tau));
        holds("MoCo", &q, width, expected, |q| moco(q, &keys, &bank, tau));
        let q = rows(&q, width);
        let check = gradcheck(&keys, |k| {
            let (k, tape) = k.split_tape();
            info_nce_with_bank(q.clone().put_tape(tape), k, &bank, tau)
        });
        assert!(check.unwrap().worst < 1e-6);
        none_reaches(&bank, info_nce_with_bank(q.leaky_trace(), keys.clone(), &bank, tau).unwrap());
        none_reaches(&bank, moco(q.leaky_trace(), &keys, &bank, tau).unwrap());
        none_reaches(&keys, moco(q.leaky_trace(), &keys, &bank, tau).unwrap());
    }
    // The queries themselves as keys and as queue: still nothing flows back through them.
    let q = rows(&normal(6, 1), 2);
    let other = rows(&normal(6, 1), 2);
    let own = slope(&q, |x| moco(x, &q, &q, 0.5));
    assert_eq!(own, slope(&q, |x| moco(x, &other, &other, 0.5)));
}

#[test]
fn moco_chance_is_the_logarithm_of_the_queue_and_one() {
    let same = rows(&[0.6, 0.8].repeat(4), 2);
    let queue = rows(&[0.6, 0.8].repeat(15), 2);
    let loss = moco(same.leaky_trace(), &same, &queue, 0.07).unwrap();
    assert!((loss.array() - 16f64.ln()).abs() < 1e-12);
}

#[test]
fn moco_v3_is_both_directions_times_twice_the_temperature() {
    for (n, width) in [(1, 3), (3, 5), (5, 3)] {
        for tau in [0.2, 1.0] {
            let (q, k) = (normal(2 * n * width, 1), normal(2 * n * width, 2));
            let one = |q: &[f64], k: &[f64]| {
                let s = |i: usize, j: usize| cosine(row(q, width, i), row(k, width, j)) / tau;
                (0..n).map(|i| cross_entropy(s(i, i), (0..n).map(|j| s(i, j)))).sum::<f64>() / n as f64
            };
            let half = n * width;
            let sum = one(&q[..half], &k[half..]) + one(&q[half..], &k[..half]);
            let keys = rows(&k, width);
            let loss = |convention| move |q: Taped, keys: &Rows| moco_v3(q, keys, tau, convention);
            if n > 1 {
                let reference = loss(MoCoV3Convention::Reference);
                holds("MoCo v3", &q, width, 2.0 * tau * sum, |q| reference(q, &keys));
                holds("MoCo v3, paper", &q, width, sum, |q| loss(MoCoV3Convention::Paper)(q, &keys));
            }
            none_reaches(&keys, loss(MoCoV3Convention::Paper)(rows(&q, width).leaky_trace(), &keys).unwrap());
        }
    }
    let same = rows(&[0.6, 0.8].repeat(10), 2);
    let loss = moco_v3(same.leaky_trace(), &same, 0.2, MoCoV3Convention::Reference).unwrap();
    assert!((loss.array() - 4.0 * 0.2 * 5f64.ln()).abs() < 1e-12);
}

#[test]
fn nnclr_contrasts_neighbours_with_predictions() {
    for (n, width) in [(2, 3), (3, 5), (5, 3)] {
        let (p, z, queue) = (normal(2 * n * width, 1), normal(2 * n * width, 2), normal(4 * width, 3));
        let nearest = |z: &[f64]| {
            let s = |k: usize| cosine(z, row(&queue, width, k));
            (0..4).fold(0, |best, k| if s(k) > s(best) { k } else { best })
        };
        let expected_which: Vec<usize> = (0..2 * n).map(|i| nearest(row(&z, width, i))).collect();
        let (which, neighbours) = nearest_neighbours(&rows(&z, width), &rows(&queue, width)).unwrap();
        assert_eq!(which, expected_which);
        let tau = 0.2;
        let near = |i: usize| row(&queue, width, which[i]);
        let direction = |from: usize, to: usize| {
            let s = |i: usize, j: usize| cosine(near(from * n + i), row(&p, width, to * n + j)) / tau;
            (0..n).map(|i| cross_entropy(s(i, i), (0..n).map(|j| s(i, j)))).sum::<f64>() / n as f64
        };
        let expected = 0.5 * (direction(0, 1) + direction(1, 0));
        holds("NNCLR", &p, width, expected, |p| nnclr(p, &neighbours, tau, NnclrConvention::Paper));
        let whole = |from: usize, to: usize| {
            let mut both: Vec<f64> = (0..n).flat_map(|i| near(from * n + i).to_vec()).collect();
            both.extend_from_slice(&p[to * n * width..][..n * width]);
            nt_xent(rows(&both, width), tau).unwrap().array()
        };
        let lightly = 0.5 * (whole(0, 1) + whole(1, 0));
        holds("NNCLR, lightly", &p, width, lightly, |p| nnclr(p, &neighbours, tau, NnclrConvention::Lightly));
        for convention in [NnclrConvention::Paper, NnclrConvention::Lightly] {
            let loss = nnclr(rows(&p, width).leaky_trace(), &neighbours, tau, convention).unwrap();
            none_reaches(&neighbours, loss);
        }
    }
}

fn supervised(z: &[f64], width: usize, labels: &[u32], tau: f64, convention: SupConConvention) -> f64 {
    let n = z.len() / width;
    let s = |i: usize, k: usize| cosine(row(z, width, i), row(z, width, k)) / tau;
    let label = |i: usize| labels[i % labels.len()];
    let mut losses = Vec::new();
    for i in 0..n {
        let others: Vec<usize> = (0..n).filter(|k| *k != i).collect();
        let below: f64 = others.iter().map(|k| s(i, *k).exp()).sum();
        let positives: Vec<usize> = others.into_iter().filter(|k| label(*k) == label(i)).collect();
        let count = positives.len() as f64;
        losses.push(match convention {
            _ if positives.is_empty() => 0.0,
            SupConConvention::Out | SupConConvention::MetricLearning => {
                -positives.iter().map(|p| (s(i, *p).exp() / below).ln()).sum::<f64>() / count
            }
            SupConConvention::In => {
                -(positives.iter().map(|p| s(i, *p).exp() / below).sum::<f64>() / count).ln()
            }
            SupConConvention::SoloLearn => {
                -positives.iter().map(|p| s(i, *p).exp() / below).sum::<f64>().ln()
            }
        });
    }
    let counted = match convention {
        SupConConvention::MetricLearning => losses.iter().filter(|l| **l > 0.0).count(),
        _ => n,
    };
    losses.iter().sum::<f64>() / counted as f64
}

#[test]
fn sup_con_is_the_formulas_of_the_paper() {
    let cases: [(&[u32], usize); 4] =
        [(&[0, 1, 0], 2), (&[0, 0, 1, 1, 1, 2, 3], 1), (&[5, 5, 6], 2), (&[1, 2, 3], 2)];
    for (labels, views) in cases {
        let z = normal(labels.len() * views * 3, 5);
        for convention in [
            SupConConvention::Out,
            SupConConvention::In,
            SupConConvention::MetricLearning,
            SupConConvention::SoloLearn,
        ] {
            let settings = SupConSettings { temperature: 0.2, base_temperature: 0.07, convention };
            let expected = 0.2 / 0.07 * supervised(&z, 3, labels, 0.2, convention);
            holds(&format!("{convention:?} {labels:?}"), &z, 3, expected, |z| sup_con(z, labels, settings));
        }
    }
}

#[test]
fn sup_con_where_no_class_has_two_rows_is_nothing() {
    let z = rows(&normal(6, 1), 2);
    for convention in [SupConConvention::Out, SupConConvention::In, SupConConvention::MetricLearning] {
        let settings = SupConSettings { convention, ..Default::default() };
        let loss = sup_con(z.leaky_trace(), &[0, 1, 2], settings).unwrap();
        assert_eq!(loss.array(), 0.0);
        assert!(loss.backward().get(&z).as_vec().iter().all(|g| *g == 0.0));
    }
}

#[test]
fn several_views_are_each_others_positives() {
    for (n, views, width) in [(2, 3, 2), (3, 2, 4), (4, 4, 3)] {
        let z = normal(n * views * width, 3);
        let labels: Vec<u32> = (0..n as u32).collect();
        let expected = supervised(&z, width, &labels, 0.3, SupConConvention::Out);
        holds("views", &z, width, expected, |z| nt_xent_views(z, views, 0.3));
        if views == 2 {
            assert!((nt_xent(rows(&z, width), 0.3).unwrap().array() - expected).abs() < 1e-12);
        }
    }
    assert!(nt_xent_views(rows(&[1.0, 2.0], 1), 1, 0.1).is_err());
}

#[test]
fn conventions_of_nt_xent_and_sup_con_on_agreed_numbers() {
    let (a, b) = agreed();
    let z = rows(&[a, b].concat(), 4);
    let ntxent = |convention| nt_xent_as(z.clone(), 0.5, convention).unwrap().array();
    assert_value(ntxent(NtXentConvention::Mean), 1.593983);
    assert_value(ntxent(NtXentConvention::Reference), 3.187966);
    let labels: Vec<u32> = (0..8).map(|i| i % 3).collect();
    let supervised = |convention| {
        let settings = SupConSettings { temperature: 0.2, base_temperature: 0.2, convention };
        sup_con(z.clone(), &labels, settings).unwrap().array()
    };
    assert_value(supervised(SupConConvention::Out), 4.802255);
    assert_value(supervised(SupConConvention::SoloLearn), 0.872889);
}

/// Equation 6 of the paper, for both views; with weights that depend on `pairs`, the cosines of the samples.
fn decoupled(z: &[f64], width: usize, tau: f64, weight: impl Fn(&[f64], usize) -> f64) -> f64 {
    let rows = z.len() / width;
    let n = rows / 2;
    let pairs: Vec<f64> = (0..n).map(|i| cosine(row(z, width, i), row(z, width, n + i))).collect();
    let one = |i: usize| {
        let negatives = (0..rows).filter(|k| k % n != i % n);
        let below: f64 = negatives.map(|k| (cosine(row(z, width, i), row(z, width, k)) / tau).exp()).sum();
        -weight(&pairs, i % n) * pairs[i % n] / tau + below.ln()
    };
    (0..rows).map(one).sum::<f64>() / rows as f64
}

fn von_mises(pairs: &[f64], i: usize, sigma: f64) -> f64 {
    let sum: f64 = pairs.iter().map(|c| (c / sigma).exp()).sum();
    2.0 - pairs.len() as f64 * (pairs[i] / sigma).exp() / sum
}

#[test]
fn dcl_leaves_the_positive_out_of_the_denominator() {
    for (n, width) in [(2, 3), (3, 5), (5, 2)] {
        let z = normal(2 * n * width, 7);
        holds("DCL", &z, width, decoupled(&z, width, 0.2, |_, _| 1.0), |z| dcl(z, 0.2));
        let expected = decoupled(&z, width, 0.2, |pairs, i| von_mises(pairs, i, 0.5));
        let loss = |convention| move |z: Taped| dclw(z, 0.2, 0.5, convention);
        holds("DCLW", &z, width, expected, loss(DclwConvention::Reference));
        // The same value with weights that are constants, and then the gradient of that.
        let x = rows(&z, width);
        let fixed = loss(DclwConvention::Lightly)(x.leaky_trace()).unwrap();
        assert!((fixed.array() - expected).abs() < 1e-12);
        let pairs: Vec<f64> = (0..n).map(|i| cosine(row(&z, width, i), row(&z, width, n + i))).collect();
        let found = fixed.backward().get(&x).as_vec();
        for (at, found) in found.iter().enumerate() {
            let moved = |by: f64| {
                let mut z = z.clone();
                z[at] += by;
                decoupled(&z, width, 0.2, |_, i| von_mises(&pairs, i, 0.5))
            };
            let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((found - numeric).abs() < 1e-7, "{at}: {found} {numeric}");
        }
    }
    let same = rows(&[0.6, 0.8].repeat(6), 2);
    // All similarities equal: the pull of the positive against 2N - 2 negatives.
    assert!((dcl(same.clone(), 0.5).unwrap().array() - 4f64.ln()).abs() < 1e-12);
    assert!((dclw(same, 0.5, 0.5, DclwConvention::Lightly).unwrap().array() - 4f64.ln()).abs() < 1e-12);
}

fn log_sigmoid(x: f64) -> f64 {
    (1.0 / (1.0 + (-x).exp())).ln()
}

#[test]
fn clip_and_siglip_are_their_formulas_and_learn_scale_and_bias() {
    let dev = Cpu::default();
    let (scale, bias): (Tensor<Rank0, f64, _>, Tensor<Rank0, f64, _>) = (dev.tensor(0.7), dev.tensor(-0.9));
    for (n, width) in [(1, 2), (3, 5), (5, 3)] {
        let (a, b) = (normal(n * width, 1), normal(n * width, 2));
        let s = |i: usize, j: usize| 0.7f64.exp() * cosine(row(&a, width, i), row(&b, width, j));
        let one = |i: usize| {
            cross_entropy(s(i, i), (0..n).map(|j| s(i, j))) + cross_entropy(s(i, i), (0..n).map(|j| s(j, i)))
        };
        let expected = (0..n).map(one).sum::<f64>() / (2 * n) as f64;
        let texts = rows(&b, width);
        if n > 1 {
            holds("CLIP", &a, width, expected, |a| clip(a, texts.clone(), &scale));
        }
        let pairs = (0..n * n).map(|i| {
            let x = s(i / n, i % n) - 0.9;
            -log_sigmoid(if i / n == i % n { x } else { -x })
        });
        let expected = pairs.sum::<f64>() / n as f64;
        holds("SigLIP", &a, width, expected, |a| siglip(a, texts.clone(), &scale, &bias));
        let images = rows(&a, width);
        type Scalar = Tensor<Rank0, f64, Cpu, OwnedTape<f64, Cpu>>;
        let by_scale = |s: Scalar| {
            let (s, tape) = s.split_tape();
            clip(images.clone().put_tape(tape), texts.clone(), &s)
        };
        assert!(gradcheck(&scale, by_scale).unwrap().worst < 1e-7);
        let by_bias = |b: Scalar| {
            let (b, tape) = b.split_tape();
            siglip(images.clone().put_tape(tape), texts.clone(), &scale, &b)
        };
        assert!(gradcheck(&bias, by_bias).unwrap().worst < 1e-7);
        let by_text = |b: Taped| {
            let (b, tape) = b.split_tape();
            siglip(images.clone().put_tape(tape), b, &scale, &bias)
        };
        assert!(gradcheck(&texts, by_text).unwrap().worst < 1e-7);
    }
}

#[test]
fn cpc_finds_its_own_future() {
    let dev = Cpu::default();
    let (batch, time, wide, narrow, steps) = (3, 5, 4, 2, 3);
    let (c, z) = (normal(batch * time * wide, 1), normal(batch * time * narrow, 2));
    let w = normal(steps * narrow * wide, 3);
    let score = |k: usize, (b, t): (usize, usize), (b2, t2): (usize, usize)| {
        let context = row(&c, wide, b * time + t);
        let map = |d: usize| dot(row(&w, wide, (k - 1) * narrow + d), context);
        (0..narrow).map(|d| map(d) * z[(b2 * time + t2) * narrow + d]).sum::<f64>()
    };
    for negatives in [CpcNegatives::Batch, CpcNegatives::BatchAndTime] {
        let mut expected = 0.0;
        for k in 1..=steps {
            let places: Vec<(usize, usize)> =
                (0..batch).flat_map(|b| (0..time - k).map(move |t| (b, t))).collect();
            let mut sum = 0.0;
            for &(b, t) in &places {
                let candidates =
                    places.iter().filter(|(_, t2)| negatives == CpcNegatives::BatchAndTime || *t2 == t);
                let all = candidates.map(|(b2, t2)| score(k, (b, t), (*b2, t2 + k)));
                sum += cross_entropy(score(k, (b, t), (b, t + k)), all);
            }
            expected += sum / (places.len() * steps) as f64;
        }
        let x: Tensor<(usize, usize, usize), f64, _> = dev.tensor_from_vec(c.clone(), (batch, time, wide));
        let y: Tensor<(usize, usize, usize), f64, _> = dev.tensor_from_vec(z.clone(), (batch, time, narrow));
        let maps: Tensor<(usize, usize, usize), f64, _> =
            dev.tensor_from_vec(w.clone(), (steps, narrow, wide));
        let loss = cpc(x.leaky_trace(), y.clone(), &maps, negatives).unwrap().array();
        assert!((loss - expected).abs() < 1e-10, "{loss} {expected}");
        assert!(gradcheck(&x, |x| cpc(x, y.clone(), &maps, negatives)).unwrap().worst < 1e-7);
        let of_latents = gradcheck(&y, |y| {
            let (y, tape) = y.split_tape();
            cpc(x.clone().put_tape(tape), y, &maps, negatives)
        });
        let of_maps = gradcheck(&maps, |maps| {
            let (maps, tape) = maps.split_tape();
            cpc(x.clone().put_tape(tape), y.clone(), &maps, negatives)
        });
        assert!(of_latents.unwrap().worst < 1e-7 && of_maps.unwrap().worst < 1e-7);
        let too_far: Tensor<(usize, usize, usize), f64, _> = dev.zeros_like(&(time, narrow, wide));
        assert!(cpc(x, y, &too_far, negatives).is_err());
    }
}

#[test]
fn extreme_temperatures_stay_finite_in_float32() {
    let dev = Cpu::default();
    let v: Vec<f32> = normal(24, 4).iter().map(|v| *v as f32 * 1e3).collect();
    let z: Tensor<(usize, usize), f32, _> = dev.tensor_from_vec(v, (8, 3));
    let finite = |loss: Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>>| {
        assert!(loss.array().is_finite());
        assert!(loss.backward().get(&z).as_vec().iter().all(|g| g.is_finite()));
    };
    let t = 1e-3;
    finite(info_nce(z.leaky_trace(), z.clone(), t).unwrap());
    finite(moco(z.leaky_trace(), &z, &z, t).unwrap());
    finite(moco_v3(z.leaky_trace(), &z, t, MoCoV3Convention::Reference).unwrap());
    finite(dcl(z.leaky_trace(), t).unwrap());
    finite(dclw(z.leaky_trace(), t, t, DclwConvention::Reference).unwrap());
    finite(nnclr(z.leaky_trace(), &z, t, NnclrConvention::Lightly).unwrap());
    for convention in [SupConConvention::Out, SupConConvention::In, SupConConvention::SoloLearn] {
        let settings = SupConSettings { temperature: t, base_temperature: t, convention };
        finite(sup_con(z.leaky_trace(), &[0, 1, 0, 1], settings).unwrap());
    }
    let (scale, bias): (Tensor<Rank0, f32, _>, Tensor<Rank0, f32, _>) = (dev.tensor(8.0), dev.tensor(-10.0));
    finite(clip(z.leaky_trace(), z.clone(), &scale).unwrap());
    finite(siglip(z.leaky_trace(), z.clone(), &scale, &bias).unwrap());
}

#[test]
fn bad_settings_and_sizes_are_refused_in_words() {
    let z = rows(&normal(12, 1), 2);
    let queue = rows(&normal(4, 1), 2);
    for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        let all = [
            info_nce(z.clone(), z.clone(), bad),
            info_nce_with_bank(z.clone(), z.clone(), &queue, bad),
            moco(z.clone(), &z, &queue, bad),
            moco_v3(z.clone(), &z, bad, MoCoV3Convention::Paper),
            nnclr(z.clone(), &z, bad, NnclrConvention::Paper),
            nt_xent_views(z.clone(), 2, bad),
            sup_con(z.clone(), &[0, 1, 2], SupConSettings { temperature: bad, ..Default::default() }),
            dcl(z.clone(), bad),
            dclw(z.clone(), bad, 0.5, DclwConvention::Lightly),
        ];
        for e in all {
            let e = e.unwrap_err();
            assert!(matches!(e, Error::Setting { .. }) && e.to_string().contains("temperature is"), "{e}");
        }
        assert!(dclw(z.clone(), 0.1, bad, DclwConvention::Lightly)
            .unwrap_err()
            .to_string()
            .contains("sigma"));
    }
    let (odd, empty) = (rows(&normal(6, 1), 2), rows(&[], 2));
    let all = [
        info_nce(empty.clone(), empty.clone(), 0.1),
        info_nce(z.clone(), odd.clone(), 0.1),
        moco(z.clone(), &z, &empty, 0.1),
        moco(z.clone(), &odd, &queue, 0.1),
        moco_v3(odd.clone(), &odd, 0.1, MoCoV3Convention::Paper),
        nnclr(odd.clone(), &odd, 0.1, NnclrConvention::Paper),
        dcl(odd.clone(), 0.1),
        dcl(rows(&normal(4, 1), 2), 0.1),
        nt_xent_views(z.clone(), 4, 0.1),
        sup_con(z.clone(), &[0, 1, 2, 3], SupConSettings::default()),
        sup_con(z.clone(), &[], SupConSettings::default()),
    ];
    for e in all {
        assert!(matches!(e.unwrap_err(), Error::Shape { .. }));
    }
    assert!(nearest_neighbours(&z, &empty).is_err());
}
