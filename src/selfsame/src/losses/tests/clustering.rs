//! Losses with prototypes and teachers.

use dfdx::prelude::*;

use super::scaffold::*;
use crate::error::Error;
use crate::losses::*;
use crate::ops::{l2_normalize, linear};
use crate::tape::gradcheck;

const NO_QUEUE: Option<&Rows> = None;

fn softmax(v: &[f64], temperature: f64) -> Vec<f64> {
    let e: Vec<f64> = v.iter().map(|v| (v / temperature).exp()).collect();
    e.iter().map(|x| x / e.iter().sum::<f64>()).collect()
}

/// `-sum target log softmax(logits / temperature)`.
fn soft(target: &[f64], logits: &[f64], temperature: f64) -> f64 {
    -target.iter().zip(softmax(logits, temperature)).map(|(t, p)| t * p.ln()).sum::<f64>()
}

#[test]
fn swav_predicts_the_other_views_codes() {
    for (n, views, assigned, k) in [(3, 2, 2, 4), (5, 4, 2, 3), (4, 3, 1, 5), (2, 3, 3, 2)] {
        let scores: Vec<f64> = normal(n * views * k, 29).iter().map(|v| 0.3 * v).collect();
        let queue: Vec<f64> = normal(2 * assigned * k, 31).iter().map(|v| 0.3 * v).collect();
        for convention in [SwavConvention::Reference, SwavConvention::Joint] {
            for queued in [false, true] {
                let settings = SwavSettings { assigned, convention, ..Default::default() };
                let earlier = |i: usize| if queued { &queue[i * 2 * k..][..2 * k] } else { &[] };
                let view = |i: usize| &scores[i * n * k..][..n * k];
                let codes: Vec<f64> = match convention {
                    SwavConvention::Reference => (0..assigned)
                        .flat_map(|i| {
                            let all = [earlier(i), view(i)].concat();
                            let codes = sinkhorn(&all, k, settings.sinkhorn).unwrap();
                            codes[codes.len() - n * k..].to_vec()
                        })
                        .collect(),
                    SwavConvention::Joint => {
                        let earlier: &[f64] = if queued { &queue } else { &[] };
                        let all = [&scores[..assigned * n * k], earlier].concat();
                        sinkhorn(&all, k, settings.sinkhorn).unwrap()[..assigned * n * k].to_vec()
                    }
                };
                let mut expected = 0.0;
                for i in 0..assigned {
                    for v in (0..views).filter(|v| *v != i) {
                        for b in 0..n {
                            let code = row(&codes, k, i * n + b);
                            expected += soft(code, row(&scores, k, v * n + b), 0.1)
                                / (n * assigned * (views - 1)) as f64;
                        }
                    }
                }
                let queue = rows(&queue, k);
                let queue = queued.then_some(&queue);
                let x = rows(&scores, k);
                let loss = swav(x.leaky_trace(), queue, views, settings).unwrap();
                assert!((loss.array() - expected).abs() < 1e-10, "{} {expected}", loss.array());
                // The codes are constants: differences are of the formula above with the same codes.
                let found = loss.backward().get(&x).as_vec();
                for (at, found) in found.iter().enumerate() {
                    let (view, b, j) = (at / (n * k), at / k % n, at % k);
                    let p = softmax(row(&scores, k, view * n + b), 0.1);
                    let pull = |i: usize| (p[j] - codes[(i * n + b) * k + j]) / 0.1;
                    let slope: f64 = (0..assigned).filter(|i| *i != view).map(pull).sum();
                    let slope = slope / (n * assigned * (views - 1)) as f64;
                    assert!((found - slope).abs() < 1e-9, "{at}: {found} {slope}");
                }
                if let Some(queue) = queue {
                    none_reaches(queue, swav(x.leaky_trace(), Some(queue), views, settings).unwrap());
                }
            }
        }
    }
}

#[test]
fn a_collapsed_swav_is_at_the_logarithm_of_its_prototypes() {
    let prototypes = rows(&normal(35, 3), 5);
    let z = rows(&normal(5, 4).repeat(6), 5);
    let scores =
        linear(l2_normalize(z.leaky_trace()).unwrap(), &l2_normalize(prototypes).unwrap(), None).unwrap();
    let codes = swav_codes(&scores, NO_QUEUE, 2, SwavSettings::default()).unwrap();
    codes.iter().for_each(|q| assert!((q - 1.0 / 7.0).abs() < 1e-12));
    let uniform = swav(rows(&[0.2; 28], 7), NO_QUEUE, 2, SwavSettings::default()).unwrap().array();
    assert!((uniform - 7f64.ln()).abs() < 1e-12);
}

#[test]
fn dino_is_the_cross_entropy_of_views_that_differ() {
    for (n, global, views, k) in [(3, 2, 2, 4), (2, 2, 5, 3), (4, 1, 3, 5), (3, 3, 4, 2)] {
        let (student, teacher) = (normal(n * views * k, 37), normal(n * global * k, 41));
        let centre = normal(k, 43);
        let temperatures = DistillationTemperatures { teacher: 0.3, student: 0.7 };
        let mut expected = 0.0;
        for i in 0..global {
            for v in (0..views).filter(|v| *v != i) {
                for b in 0..n {
                    let shifted: Vec<f64> =
                        row(&teacher, k, i * n + b).iter().zip(&centre).map(|(t, c)| t - c).collect();
                    let target = softmax(&shifted, 0.3);
                    expected +=
                        soft(&target, row(&student, k, v * n + b), 0.7) / (n * global * (views - 1)) as f64;
                }
            }
        }
        let centre: Tensor<(usize,), f64, _> = Cpu::default().tensor_from_vec(centre, (k,));
        let teacher = rows(&teacher, k);
        let loss = |s: Taped| dino(s, &teacher, &centre, global, temperatures);
        holds("DINO", &student, k, expected, loss);
        none_reaches(&teacher, loss(rows(&student, k).leaky_trace()).unwrap());
        none_reaches(&centre, loss(rows(&student, k).leaky_trace()).unwrap());
    }
}

#[test]
fn the_centre_follows_the_mean_of_all_teacher_rows() {
    let centre: Tensor<(usize,), f64, _> = Cpu::default().tensor_from_vec(vec![1.0, -2.0], (2,));
    let teacher = rows(&[1.0, 1.0, 3.0, 5.0, 5.0, 0.0], 2);
    let moved = moved_centre(&centre, &teacher, 0.9).unwrap().as_vec();
    assert!((moved[0] - 1.2).abs() < 1e-12 && (moved[1] + 1.6).abs() < 1e-12, "{moved:?}");
    assert_eq!(moved_centre(&centre, &teacher, 1.0).unwrap().as_vec(), [1.0, -2.0]);
    assert!(moved_centre(&centre, &teacher, 1.1).is_err());
    assert!(moved_centre(&centre, &rows(&[], 2), 0.9).is_err());
    assert!(moved_centre(&centre, &rows(&[1.0; 3], 3), 0.9).is_err());
}

/// A centre that is the teacher's mean and a small temperature against no centre: what keeps a teacher from one
/// prototype for all.
#[test]
fn centring_spreads_and_sharpening_concentrates() {
    let teacher = rows(&[2.0, 0.1, 0.0, 2.0, 0.0, 0.1], 3);
    let (zero, mean) = (
        Cpu::default().tensor_from_vec(vec![0.0; 3], (3usize,)),
        Cpu::default().tensor_from_vec(vec![2.0, 0.05, 0.05], (3usize,)),
    );
    let most = |centre: &Tensor<(usize,), f64, Cpu>, temperature| -> Vec<usize> {
        let targets = teacher_targets(&teacher, centre, temperature).unwrap();
        targets.chunks(3).map(|t| (0..3).fold(0, |best, k| if t[k] > t[best] { k } else { best })).collect()
    };
    assert_eq!(most(&zero, 0.04), [0, 0]);
    assert_eq!(most(&mean, 0.04), [1, 2]);
    let largest = |temperature| {
        let targets = teacher_targets(&teacher, &mean, temperature).unwrap();
        targets.iter().fold(0.0, |m: f64, t| m.max(*t))
    };
    assert!(largest(0.01) > 0.99 && largest(10.0) < 0.34);
}

#[test]
fn ibot_is_the_mean_over_patches_and_then_over_images() {
    let (k, images) = (3, 4);
    let image_of = [2, 0, 2, 2, 3];
    let (student, teacher, centre) = (normal(5 * k, 47), normal(5 * k, 53), normal(k, 59));
    let temperatures = DistillationTemperatures { teacher: 0.5, student: 0.9 };
    let patch = |i: usize| {
        let shifted: Vec<f64> = row(&teacher, k, i).iter().zip(&centre).map(|(t, c)| t - c).collect();
        soft(&softmax(&shifted, 0.5), row(&student, k, i), 0.9)
    };
    let reference = (patch(1) + (patch(0) + patch(2) + patch(3)) / 3.0 + patch(4)) / 4.0;
    let flat = (0..5).map(patch).sum::<f64>() / 5.0;
    let centre: Tensor<(usize,), f64, _> = Cpu::default().tensor_from_vec(centre, (k,));
    let teacher = rows(&teacher, k);
    for (convention, expected) in [(IbotConvention::Reference, reference), (IbotConvention::Flat, flat)] {
        let loss = |s: Taped| ibot(s, &teacher, &centre, &image_of, images, temperatures, convention);
        holds("iBOT", &student, k, expected, loss);
        none_reaches(&teacher, loss(rows(&student, k).leaky_trace()).unwrap());
        none_reaches(&centre, loss(rows(&student, k).leaky_trace()).unwrap());
    }
    let s = rows(&student, k);
    let with = |image_of: &[usize], images| {
        ibot(s.clone(), &teacher, &centre, image_of, images, temperatures, IbotConvention::Flat)
    };
    assert!(matches!(with(&[0, 1], 4).unwrap_err(), Error::Shape { .. }));
    assert!(matches!(with(&image_of, 3).unwrap_err(), Error::Shape { .. }));
}

#[test]
fn deep_cluster_is_the_mean_over_heads_and_known_rows() {
    let (n, width, k) = (5, 3, 4);
    let (z, first, second) = (normal(n * width, 61), normal(k * width, 67), normal(k * width, 71));
    let known: [[Option<u32>; 5]; 2] =
        [[Some(0), None, Some(3), Some(1), Some(0)], [Some(2), Some(2), Some(1), None, None]];
    let head = |prototypes: &[f64], known: &[Option<u32>]| {
        let counted: Vec<(usize, u32)> =
            known.iter().enumerate().filter_map(|(i, a)| a.map(|a| (i, a))).collect();
        let losses = counted.iter().map(|(i, a)| {
            let r = row(&z, width, *i);
            let s = |k: usize| dot(r, row(prototypes, width, k)) / dot(r, r).sqrt() / 0.2;
            cross_entropy(s(*a as usize), (0..k).map(s))
        });
        losses.sum::<f64>() / counted.len() as f64
    };
    let expected = 0.5 * (head(&first, &known[0]) + head(&second, &known[1]));
    let heads = [rows(&first, width), rows(&second, width)];
    let assignments: [&[Option<u32>]; 2] = [&known[0], &known[1]];
    holds("DeepCluster", &z, width, expected, |z| {
        deep_cluster(z, &[&heads[0], &heads[1]], &assignments, 0.2)
    });
    let z = rows(&z, width);
    let check = gradcheck(&heads[1], |p| {
        let (p, tape) = p.split_tape();
        deep_cluster(z.clone().put_tape(tape), &[&heads[0], &p], &assignments, 0.2)
    });
    assert!(check.unwrap().worst < 1e-7);
    let nobody: [&[Option<u32>]; 2] = [&known[0], &[None; 5]];
    assert!(deep_cluster(z.clone(), &[&heads[0], &heads[1]], &nobody, 0.2).is_err());
    assert!(deep_cluster(z.clone(), &[&heads[0]], &assignments, 0.2).is_err());
    let none: [&Rows; 0] = [];
    assert!(deep_cluster(z, &none, &[], 0.2).is_err());
}

#[test]
fn bad_settings_and_sizes_are_refused() {
    let (s, centre) = (rows(&normal(12, 1), 3), Cpu::default().tensor_from_vec(vec![0.0; 3], (3usize,)));
    let usual = DistillationTemperatures::default();
    for bad in [0.0, -1.0, f64::NAN] {
        for temperatures in [
            DistillationTemperatures { teacher: bad, ..usual },
            DistillationTemperatures { student: bad, ..usual },
        ] {
            let e = dino(s.clone(), &s, &centre, 2, temperatures).unwrap_err();
            assert!(matches!(e, Error::Setting { .. }) && e.to_string().contains("temperature"), "{e}");
        }
        let settings = SwavSettings { temperature: bad, ..Default::default() };
        assert!(matches!(swav(s.clone(), NO_QUEUE, 2, settings).unwrap_err(), Error::Setting { .. }));
    }
    // Three views of a teacher of four rows; a student of one view; a centre of another length.
    assert!(matches!(dino(s.clone(), &s, &centre, 3, usual).unwrap_err(), Error::Shape { .. }));
    assert!(matches!(dino(s.clone(), &s, &centre, 1, usual).unwrap_err(), Error::Shape { .. }));
    let long = Cpu::default().tensor_from_vec(vec![0.0; 4], (4usize,));
    assert!(matches!(dino(s.clone(), &s, &long, 2, usual).unwrap_err(), Error::Shape { .. }));
    for (views, assigned) in [(1, 1), (2, 0), (2, 3)] {
        let settings = SwavSettings { assigned, ..Default::default() };
        assert!(matches!(swav_codes(&s, NO_QUEUE, views, settings).unwrap_err(), Error::Setting { .. }));
    }
    let queue = rows(&normal(3, 1), 3);
    assert!(swav(s.clone(), Some(&queue), 2, SwavSettings::default()).is_err());
    assert!(swav(s, NO_QUEUE, 3, SwavSettings::default()).is_err());
}
