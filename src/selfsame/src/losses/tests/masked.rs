//! Losses of what was hidden.

use dfdx::prelude::*;

use super::scaffold::*;
use crate::error::Error;
use crate::losses::*;
use crate::tape::gradcheck;

#[test]
fn i_jepa_compares_with_standardised_targets() {
    let (n, width) = (3, 5);
    let (p, t) = (normal(n * width, 1), normal(n * width, 2));
    let standard = |i: usize, j: usize| {
        let r = row(&t, width, i);
        let mean = r.iter().sum::<f64>() / width as f64;
        let variance = r.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
        (r[j] - mean) / (variance + 1e-5).sqrt()
    };
    let off: Vec<f64> = (0..n * width).map(|i| p[i] - standard(i / width, i % width)).collect();
    let smooth = |d: &f64| if d.abs() < 1.0 { 0.5 * d * d } else { d.abs() - 0.5 };
    let mean = |f: &dyn Fn(&f64) -> f64| off.iter().map(f).sum::<f64>() / off.len() as f64;
    let target = rows(&t, width);
    holds("I-JEPA", &p, width, mean(&smooth), |p| i_jepa(p, &target, JepaConvention::Reference));
    holds("I-JEPA, paper", &p, width, mean(&|d| d * d), |p| i_jepa(p, &target, JepaConvention::Paper));
    none_reaches(&target, i_jepa(rows(&p, width).leaky_trace(), &target, JepaConvention::Paper).unwrap());
}

#[test]
fn simmim_counts_masked_pixels_of_all_channels() {
    let shape = (2usize, 3usize, 2usize, 2usize);
    let (p, t) = (normal(24, 1), normal(24, 2));
    let mask = [true, false, false, true, true, false, true, false];
    let mut expected = 0.0;
    for image in 0..2 {
        for channel in 0..3 {
            for pixel in 0..4 {
                let at = (image * 3 + channel) * 4 + pixel;
                if mask[image * 4 + pixel] {
                    expected += (p[at] - t[at]).abs() / (4.0 + 1e-5) / 3.0;
                }
            }
        }
    }
    let x: Tensor<(usize, usize, usize, usize), f64, _> = Cpu::default().tensor_from_vec(p, shape);
    let loss = simmim(x.leaky_trace(), &t, &mask).unwrap().array();
    assert!((loss - expected).abs() < 1e-12, "{loss} {expected}");
    assert!(gradcheck(&x, |x| simmim(x, &t, &mask)).unwrap().worst < 1e-7);
    assert_eq!(simmim(x.clone(), &t, &[false; 8]).unwrap().array(), 0.0);
    assert!(matches!(simmim(x.clone(), &t, &[true; 7]).unwrap_err(), Error::Shape { .. }));
    assert!(matches!(simmim(x, &t[1..], &mask).unwrap_err(), Error::Shape { .. }));
}
