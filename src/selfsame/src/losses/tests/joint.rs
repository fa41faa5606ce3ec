//! Losses of two views without negatives.

use dfdx::prelude::*;

use super::scaffold::*;
use crate::error::Error;
use crate::losses::*;
use crate::random::stream;

const SIZES: [(usize, usize); 3] = [(2, 2), (3, 5), (7, 4)];

#[test]
fn cosines_of_predictions_and_targets() {
    for (n, width) in SIZES {
        let (p, z) = (normal(2 * n * width, 1), normal(2 * n * width, 2));
        let c = |i: usize, j: usize| cosine(row(&p, width, i), row(&z, width, j));
        let targets = rows(&z, width);
        let expected = -(0..2 * n).map(|i| c(i, i)).sum::<f64>() / (2 * n) as f64;
        holds("negative cosine", &p, width, expected, |p| negative_cosine(p, &targets));
        let there = (0..n).map(|i| c(i, n + i)).sum::<f64>() / n as f64;
        let back = (0..n).map(|i| c(n + i, i)).sum::<f64>() / n as f64;
        holds("SimSiam", &p, width, -0.5 * (there + back), |p| simsiam(p, &targets));
        let paper = (2.0 - 2.0 * there) + (2.0 - 2.0 * back);
        holds("BYOL", &p, width, paper, |p| byol(p, &targets, ByolConvention::Paper));
        holds("BYOL, lightly", &p, width, -0.5 * (there + back), |p| {
            byol(p, &targets, ByolConvention::Lightly)
        });
        let x = rows(&p, width);
        none_reaches(&targets, negative_cosine(x.leaky_trace(), &targets).unwrap());
        none_reaches(&targets, simsiam(x.leaky_trace(), &targets).unwrap());
        none_reaches(&targets, byol(x.leaky_trace(), &targets, ByolConvention::Paper).unwrap());
    }
}

/// The prediction is a function of the very embedding that is the target: without the stop the gradient would be
/// another.
#[test]
fn an_embedding_that_is_both_prediction_and_target_receives_the_prediction_s_gradient_only() {
    let z = normal(12, 3);
    let (x, other) = (rows(&z, 3), rows(&z, 3));
    let twice = |x: Taped, target: &Rows| simsiam(x * 2.0, target);
    assert_eq!(slope(&x, |t| twice(t, &x)), slope(&x, |t| twice(t, &other)));
}

#[test]
fn collapse_is_the_least_loss() {
    let same = rows(&[3.0, 4.0].repeat(6), 2);
    assert!((simsiam(same.clone(), &same).unwrap().array() + 1.0).abs() < 1e-12);
    let loss = byol(same.leaky_trace(), &same, ByolConvention::Paper).unwrap();
    assert!(loss.array().abs() < 1e-12);
    assert!(loss.backward().get(&same).as_vec().iter().all(|g| g.abs() < 1e-12));
}

/// Algorithm 1 of the paper and its relatives, column by column.
fn correlation(z: &[f64], width: usize, settings: BarlowSettings) -> f64 {
    let n = z.len() / width / 2;
    let standard = |view: usize, j: usize| -> Vec<f64> {
        let column: Vec<f64> = (0..n).map(|i| z[(view * n + i) * width + j]).collect();
        let mean = column.iter().sum::<f64>() / n as f64;
        let squares: f64 = column.iter().map(|v| (v - mean).powi(2)).sum();
        let below = match settings.convention {
            BarlowConvention::Reference => (squares / n as f64 + 1e-5).sqrt(),
            BarlowConvention::Paper => (squares / (n - 1) as f64).sqrt(),
            BarlowConvention::StablePretraining => (squares / (n - 1) as f64).sqrt() + 1e-5,
        };
        column.iter().map(|v| (v - mean) / below).collect()
    };
    let mut loss = 0.0;
    for i in 0..width {
        for j in 0..width {
            let c = dot(&standard(0, i), &standard(1, j)) / n as f64;
            loss += if i == j { (c - 1.0).powi(2) } else { settings.lambda * c * c };
        }
    }
    settings.scale * loss
}

#[test]
fn barlow_twins_is_its_algorithm() {
    for (n, width) in [(3, 2), (4, 5), (7, 3)] {
        for convention in
            [BarlowConvention::Reference, BarlowConvention::Paper, BarlowConvention::StablePretraining]
        {
            let z = normal(2 * n * width, 11);
            let settings = BarlowSettings { lambda: 0.1, scale: 0.7, convention };
            let expected = correlation(&z, width, settings);
            holds(&format!("{convention:?}"), &z, width, expected, |z| barlow_twins(z, settings));
        }
    }
}

#[test]
fn conventions_of_barlow_twins_on_agreed_numbers_and_at_collapse() {
    let (a, b) = agreed();
    let z = rows(&[a.clone(), b].concat(), 4);
    let loss = |z: &Rows, lambda, convention| {
        barlow_twins(z.clone(), BarlowSettings { lambda, scale: 1.0, convention }).unwrap().array()
    };
    assert_value(loss(&z, 0.0051, BarlowConvention::Reference), 0.054116);
    assert_value(loss(&z, 0.005, BarlowConvention::Reference), 0.053977);
    assert_value(loss(&z, 0.005, BarlowConvention::StablePretraining), 0.189551);
    // Views that agree: the unbiased deviation leaves D / N^2 on the diagonal.
    let twice = rows(&[a.clone(), a].concat(), 4);
    assert!((loss(&twice, 0.0, BarlowConvention::Paper) - 4.0 / 64.0).abs() < 1e-12);
    assert!(loss(&twice, 0.0, BarlowConvention::Reference) < 1e-7);
    let collapsed = rows(&[0.5, -1.0, 2.0].repeat(8), 3);
    for convention in
        [BarlowConvention::Reference, BarlowConvention::Paper, BarlowConvention::StablePretraining]
    {
        let settings = BarlowSettings { convention, ..Default::default() };
        let loss = barlow_twins(collapsed.leaky_trace(), settings).unwrap();
        assert_eq!(loss.array(), 3.0);
        assert!(loss.backward().get(&collapsed).as_vec().iter().all(|g| *g == 0.0));
    }
}

#[test]
fn conventions_of_vicreg_are_weights_of_the_same_terms() {
    let (a, b) = agreed();
    let both = rows(&[a.clone(), b.clone()].concat(), 4);
    let (a, b) = (rows(&a, 4), rows(&b, 4));
    let found = |convention| {
        let weights = VicRegWeights::default();
        let apart = vicreg_as(a.leaky_trace(), b.clone(), weights, convention).unwrap();
        let stacked = vicreg_views(both.leaky_trace(), weights, convention).unwrap();
        assert_eq!(apart.array(), stacked.array());
        let value = apart.array();
        let (apart, stacked) = (apart.backward(), stacked.backward());
        assert_eq!([apart.get(&a).as_vec(), apart.get(&b).as_vec()].concat(), stacked.get(&both).as_vec());
        value
    };
    assert_value(found(VicRegConvention::Reference), 15.471751);
    assert_value(found(VicRegConvention::SoloLearn), 29.742175);
    assert_value(found(VicRegConvention::Paper), 33.235077);
    let width_1024 = VicRegConvention::EbJepa
        .in_reference(VicRegWeights { invariance: 1.0, variance: 1.0, covariance: 100.0 }, 1024);
    assert_eq!((width_1024.invariance, width_1024.variance), (1.0, 2.0));
    assert_value(width_1024.covariance, 0.097752);
}

/// `2 - 2 cos` of rows whitened by Gram-Schmidt on the covariance: its Cholesky factor column by column, applied by
/// substitution.
fn whitened(z: &[f64], width: usize, order: &[usize], settings: WMseSettings) -> f64 {
    let samples = order.len();
    let mut white = z.to_vec();
    for members in order.chunks(settings.group) {
        for view in 0..2 {
            let places: Vec<usize> = members.iter().map(|i| i + view * samples).collect();
            let m = places.len() as f64;
            let mean: Vec<f64> =
                (0..width).map(|j| places.iter().map(|i| z[i * width + j]).sum::<f64>() / m).collect();
            let covariance = |j: usize, k: usize| {
                let products =
                    places.iter().map(|i| (z[i * width + j] - mean[j]) * (z[i * width + k] - mean[k]));
                let own = if j == k { settings.shrinkage } else { 0.0 };
                (1.0 - settings.shrinkage) * products.sum::<f64>() / (m - 1.0) + own
            };
            let mut l = vec![vec![0.0; width]; width];
            for j in 0..width {
                for k in 0..=j {
                    let rest = covariance(j, k) - (0..k).map(|i| l[j][i] * l[k][i]).sum::<f64>();
                    l[j][k] = if j == k { rest.sqrt() } else { rest / l[k][k] };
                }
            }
            for i in &places {
                let mut x = vec![0.0; width];
                for j in 0..width {
                    let before: f64 = (0..j).map(|k| l[j][k] * x[k]).sum();
                    x[j] = (z[i * width + j] - mean[j] - before) / l[j][j];
                }
                white[i * width..][..width].copy_from_slice(&x);
            }
        }
    }
    let pairs =
        (0..samples).map(|i| (row(&white, width, i).to_vec(), row(&white, width, samples + i).to_vec()));
    match settings.convention {
        WMseConvention::Plain => {
            let all = pairs.flat_map(|(a, b)| a.into_iter().zip(b)).map(|(a, b)| (a - b).powi(2));
            all.sum::<f64>() / (samples * width) as f64
        }
        _ => pairs.map(|(a, b)| 2.0 - 2.0 * cosine(&a, &b)).sum::<f64>() / samples as f64,
    }
}

#[test]
fn w_mse_compares_white_views() {
    for (group, groups, width, shrinkage) in
        [(5, 1, 3, 0.0), (4, 2, 2, 0.05), (7, 1, 5, 0.01), (3, 1, 4, 0.2)]
    {
        let n = group * groups;
        let z = normal(2 * n * width, 13);
        let order: Vec<usize> = (0..n).rev().collect();
        for convention in [WMseConvention::Reference, WMseConvention::Plain] {
            let settings = WMseSettings { group, shrinkage, convention };
            let expected = whitened(&z, width, &order, settings);
            holds(&format!("{settings:?}"), &z, width, expected, |z| w_mse(z, &order, settings));
        }
        // The same value and half the gradient where the second view is a constant.
        let x = rows(&z, width);
        let at = |convention| {
            let loss = w_mse(x.leaky_trace(), &order, WMseSettings { group, shrinkage, convention }).unwrap();
            (loss.array(), loss.backward().get(&x).as_vec())
        };
        let ((value, both), (same, first)) = (at(WMseConvention::Reference), at(WMseConvention::SoloLearn));
        assert_eq!(value, same);
        assert_eq!(first[..n * width], both[..n * width]);
        assert!(first[n * width..].iter().all(|g| *g == 0.0));
    }
}

#[test]
fn w_mse_says_when_nothing_can_be_whitened() {
    let settings = WMseSettings { group: 4, ..Default::default() };
    let order = [0, 1, 2, 3];
    let collapsed = rows(&[1.0, 2.0].repeat(8), 2);
    let e = w_mse(collapsed, &order, settings).unwrap_err().to_string();
    assert!(e.contains("no inverse") && e.contains("shrinkage"), "{e}");
    let z = rows(&normal(16, 1), 2);
    for bad in [vec![0, 1, 2, 2], vec![0, 1, 2], vec![0, 1, 2, 4]] {
        assert!(matches!(w_mse(z.clone(), &bad, settings).unwrap_err(), Error::Shape { .. }));
    }
    for bad in [WMseSettings { group: 3, ..settings }, WMseSettings { shrinkage: 1.5, ..settings }] {
        assert!(matches!(w_mse(z.clone(), &order, bad).unwrap_err(), Error::Setting { .. }));
    }
}

#[test]
fn koleo_is_the_distance_to_the_nearest() {
    for (n, width) in SIZES {
        let x = normal(n * width, 17);
        let unit: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                row(&x, width, i)
                    .iter()
                    .map(|v| v / dot(row(&x, width, i), row(&x, width, i)).sqrt())
                    .collect()
            })
            .collect();
        let distance = |i: usize, j: usize| {
            unit[i].iter().zip(&unit[j]).map(|(a, b)| (a - b + 1e-8).powi(2)).sum::<f64>().sqrt()
        };
        let nearest =
            |i: usize| (0..n).filter(|j| *j != i).map(|j| distance(i, j)).fold(f64::INFINITY, f64::min);
        let expected = -(0..n).map(|i| (nearest(i) + 1e-8).ln()).sum::<f64>() / n as f64;
        holds("KoLeo", &x, width, expected, koleo);
    }
    let same = koleo(rows(&[0.6, 0.8].repeat(3), 2)).unwrap().array();
    assert!((same + (1e-8 * (2f64.sqrt() + 1.0)).ln()).abs() < 1e-9, "{same}");
}

#[test]
fn alignment_and_uniformity_are_their_formulas() {
    for (n, width) in SIZES {
        for settings in
            [AlignUniformSettings::default(), AlignUniformSettings { alpha: 1.5, t: 3.0, lambda: 0.4 }]
        {
            let z = normal(2 * n * width, 19);
            let unit = |i: usize| {
                let r = row(&z, width, i);
                r.iter().map(|v| v / dot(r, r).sqrt()).collect::<Vec<_>>()
            };
            let square =
                |i: usize, j: usize| unit(i).iter().zip(unit(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let aligned =
                (0..n).map(|i| square(i, n + i).sqrt().powf(settings.alpha)).sum::<f64>() / n as f64;
            let uniform = |first: usize| {
                let pairs: Vec<f64> = (0..n)
                    .flat_map(|i| (0..i).map(move |j| (i, j)))
                    .map(|(i, j)| (-settings.t * square(first + i, first + j)).exp())
                    .collect();
                (pairs.iter().sum::<f64>() / pairs.len() as f64).ln()
            };
            let expected = aligned + settings.lambda * 0.5 * (uniform(0) + uniform(n));
            holds("align and uniform", &z, width, expected, |z| align_uniform(z, settings));
        }
    }
    let same = rows(&[0.6, 0.8].repeat(6), 2);
    let loss = align_uniform(same.leaky_trace(), AlignUniformSettings::default()).unwrap();
    assert!(loss.array().abs() < 1e-12);
    assert!(loss.backward().get(&same).as_vec().iter().all(|g| g.abs() < 1e-12));
}

/// The Epps-Pulley statistic on a grid of both signs of t.
fn epps_pulley(x: &[f64], settings: SigRegSettings) -> f64 {
    let (n, last) = (x.len() as f64, settings.knots as i32 - 1);
    let step = settings.t_max / f64::from(last);
    let mut sum = 0.0;
    for k in -last..=last {
        let t = f64::from(k) * step;
        let normal = (-0.5 * t * t).exp();
        let real = x.iter().map(|x| (t * x).cos()).sum::<f64>() / n - normal;
        let imaginary = x.iter().map(|x| (t * x).sin()).sum::<f64>() / n;
        let ends = if k.abs() == last { 0.5 } else { 1.0 };
        sum += ends * step * (real * real + imaginary * imaginary) * normal;
    }
    n * sum
}

#[test]
fn sigreg_and_lejepa_are_their_formulas() {
    for (n, views, global, width) in [(3, 1, 1, 2), (5, 3, 2, 3), (4, 2, 2, 5)] {
        let z = normal(n * views * width, 23);
        let directions = random_directions(width, 7, &mut stream(&[1]));
        directions.chunks(width).for_each(|d| assert!((dot(d, d) - 1.0).abs() < 1e-12));
        let settings = SigRegSettings { knots: 9, t_max: 2.5 };
        let mut statistic = 0.0;
        for view in 0..views {
            for direction in directions.chunks(width) {
                let x: Vec<f64> = (0..n).map(|i| dot(row(&z, width, view * n + i), direction)).collect();
                statistic += epps_pulley(&x, settings) / (views * 7) as f64;
            }
        }
        holds("SIGReg", &z, width, statistic, |z| sigreg(z, views, &directions, settings));
        let mean =
            |i: usize, j: usize| (0..global).map(|v| z[(v * n + i) * width + j]).sum::<f64>() / global as f64;
        let mut apart = 0.0;
        for (at, v) in z.iter().enumerate() {
            apart += (v - mean(at / width % n, at % width)).powi(2) / z.len() as f64;
        }
        let lambda = 0.3;
        let expected = lambda * statistic + (1.0 - lambda) * apart;
        let all = LeJepaSettings { lambda, sigreg: settings };
        holds("LeJEPA", &z, width, expected, |z| lejepa(z, views, global, &directions, all));
    }
    let z = rows(&normal(12, 1), 2);
    let settings = SigRegSettings::default();
    assert!(matches!(sigreg(z.clone(), 5, &[1.0, 0.0], settings).unwrap_err(), Error::Shape { .. }));
    assert!(matches!(sigreg(z.clone(), 2, &[1.0], settings).unwrap_err(), Error::Shape { .. }));
    let few = SigRegSettings { knots: 1, ..settings };
    assert!(matches!(sigreg(z.clone(), 2, &[1.0, 0.0], few).unwrap_err(), Error::Setting { .. }));
    assert!(lejepa(z.clone(), 2, 3, &[1.0, 0.0], LeJepaSettings::default()).is_err());
    assert!(lejepa(z, 2, 1, &[1.0, 0.0], LeJepaSettings { lambda: 2.0, ..Default::default() }).is_err());
}

#[test]
fn bad_settings_and_sizes_are_refused() {
    let (z, odd) = (rows(&normal(12, 1), 2), rows(&normal(6, 1), 2));
    for e in [
        simsiam(odd.clone(), &odd),
        byol(odd.clone(), &odd, ByolConvention::Paper),
        negative_cosine(z.clone(), &odd),
        barlow_twins(odd.clone(), BarlowSettings::default()),
        vicreg_views(odd.clone(), VicRegWeights::default(), VicRegConvention::Reference),
        align_uniform(odd.clone(), AlignUniformSettings::default()),
        koleo(rows(&[1.0, 2.0], 2)),
    ] {
        assert!(matches!(e.unwrap_err(), Error::Shape { .. }));
    }
    let bad = f64::NAN;
    for e in [
        barlow_twins(z.clone(), BarlowSettings { lambda: bad, ..Default::default() }),
        barlow_twins(z.clone(), BarlowSettings { scale: -1.0, ..Default::default() }),
        align_uniform(z.clone(), AlignUniformSettings { alpha: 0.0, ..Default::default() }),
        align_uniform(z, AlignUniformSettings { lambda: bad, ..Default::default() }),
    ] {
        assert!(matches!(e.unwrap_err(), Error::Setting { .. }));
    }
}
