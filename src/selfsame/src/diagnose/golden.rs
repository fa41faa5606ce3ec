//! The metrics against numbers from independent implementations.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;

use super::*;
use crate::golden::{assert_close, entries, entry, goldens, numbers, sizes};

fn rows(file: &Value, input: &Value) -> Rows {
    let array = input.get("ref").map_or(input, |key| &file["data"][key.as_str().unwrap()]);
    let shape = sizes(array);
    Rows::new(numbers(array), shape[0], shape[1]).unwrap()
}

/// What our function says for an entry's input, and its list output where it has one.
type Answer = (f64, Option<(&'static str, Vec<f64>)>);

fn answer(file: &Value, entry: &Value) -> Option<Answer> {
    let input = |name: &str| rows(file, &entry["inputs"][name]);
    let spectrum_of = |name: &str| match name.split('/').nth(1) {
        Some("raw") => singular_values(&input("x")),
        Some("centred") => singular_values(&input("x").centred()),
        _ => covariance_eigenvalues(&input("x")),
    };
    let name = entry["name"].as_str().unwrap();
    Some(match entry["family"].as_str().unwrap() {
        "singular_values" => {
            let values = singular_values(&input("x"));
            (values[0], Some(("singular_values", values)))
        }
        "covariance_eigenvalues" => {
            let values = covariance_eigenvalues(&input("x"));
            (values.iter().sum(), Some(("eigenvalues", values)))
        }
        "rankme" => {
            let convention = match entry["params"]["eps"].as_f64().unwrap() {
                1e-7 => RankMe::Paper,
                1e-5 => RankMe::StablePretraining,
                other => panic!("{name}: epsilon {other}"),
            };
            (rankme(&singular_values(&input("x")), convention), None)
        }
        "effective_rank" | "effective_rank_covariance" => (effective_rank(&spectrum_of(name)), None),
        "std_of_l2_normalized" => (std_of_normalized(&input("x")), None),
        "column_std" => {
            let std = column_std(&input("x"));
            (std.iter().sum::<f64>() / std.len() as f64, Some(("std", std)))
        }
        "mean_cosine" => (mean_cosine(&input("x")), None),
        "uniformity" => (uniformity(&input("x"), entry["params"]["t"].as_f64().unwrap()), None),
        "alignment" => {
            assert_eq!(entry["params"]["alpha"].as_f64(), Some(2.0), "{name}");
            (alignment(&input("x"), &input("y")).unwrap(), None)
        }
        "participation_ratio" => (participation_ratio(&covariance_eigenvalues(&input("x"))), None),
        "nesum" => (nesum(&covariance_eigenvalues(&input("x"))), None),
        "stable_rank" => (stable_rank(&spectrum_of(name)), None),
        "condition_number" => (condition_number(&singular_values(&input("x").centred())), None),
        "alpha_req" => (alpha_req(&covariance_eigenvalues(&input("x")), fit(entry)), None),
        "alpha_req_eigenvalues" => {
            let values = numbers(&file["data"][entry["inputs"]["eigenvalues"]["ref"].as_str().unwrap()]);
            (alpha_req(&values, fit(entry)), None)
        }
        "lidar" => {
            let array = &file["data"][entry["inputs"]["x"]["ref"].as_str().unwrap()];
            let shape = sizes(array);
            let x = Rows::new(numbers(array), shape[0] * shape[1], shape[2]).unwrap();
            let convention = if name.contains("unbiased") { Lidar::StablePretraining } else { Lidar::Paper };
            let found = lidar(&x, shape[1], entry["params"]["delta"].as_f64().unwrap(), convention).unwrap();
            (found.rank, Some(("eigenvalues", found.eigenvalues)))
        }
        "linear_cka" => (linear_cka(&input("x"), &input("y")).unwrap(), None),
        "usage_perplexity" => {
            let codes = numbers(&file["data"][entry["inputs"]["codes"]["ref"].as_str().unwrap()]);
            let codes: Vec<u32> = codes.iter().map(|c| *c as u32).collect();
            let shares = usage(&codes, entry["params"]["num_codes"].as_u64().unwrap() as usize).unwrap();
            (perplexity(&shares), Some(("usage", shares)))
        }
        "usage_perplexity_soft" => (soft_usage_perplexity(&input("probabilities")), None),
        _ => return None,
    })
}

/// The range an entry fits; those that are undefined name none, and any will do.
fn fit(entry: &Value) -> AlphaFit {
    let number = |name: &str, otherwise: u64| entry["params"][name].as_u64().unwrap_or(otherwise) as usize;
    AlphaFit { first: number("lo", 1), last: number("hi", 8), weighted: number("weighted", 0) == 1 }
}

#[test]
fn every_family_we_have_matches() {
    let Some(file) = goldens("diagnostics.json") else { return };
    let mut checked = std::collections::BTreeMap::<&str, usize>::new();
    for entry in entries(&file) {
        let Some((value, list)) = answer(&file, entry) else { continue };
        let name = entry["name"].as_str().unwrap();
        match entry["value"].as_f64() {
            Some(expected) => assert_close(name, &[value], &[expected]),
            None => assert!(value.is_nan(), "{name}: {value}, but {}", entry["undefined"]),
        }
        if let Some((key, found)) = list {
            assert_close(name, &found, &numbers(&entry["outputs"][key]));
        }
        *checked.entry(entry["family"].as_str().unwrap()).or_default() += 1;
    }
    let expected = [
        ("alignment", 3),
        ("alpha_req", 8),
        ("alpha_req_eigenvalues", 2),
        ("column_std", 4),
        ("condition_number", 5),
        ("covariance_eigenvalues", 5),
        ("effective_rank", 11),
        ("effective_rank_covariance", 4),
        ("lidar", 8),
        ("linear_cka", 2),
        ("mean_cosine", 4),
        ("nesum", 5),
        ("participation_ratio", 5),
        ("rankme", 10),
        ("singular_values", 5),
        ("stable_rank", 10),
        ("std_of_l2_normalized", 4),
        ("uniformity", 4),
        ("usage_perplexity", 2),
        ("usage_perplexity_soft", 1),
    ];
    assert_eq!(checked.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn f32_embeddings_match_within_f32_tolerance() {
    let Some(file) = goldens("diagnostics.json") else { return };
    let mut checked = 0;
    for entry in entries(&file) {
        let name = entry["name"].as_str().unwrap();
        let metric: fn(&Geometry) -> f64 = match entry["family"].as_str().unwrap() {
            "rankme" if name.contains("1e-7") => |g| g.rankme,
            "effective_rank_covariance" => |g| g.effective_rank,
            "std_of_l2_normalized" => |g| g.std,
            "mean_cosine" => |g| g.mean_cosine,
            "uniformity" => |g| g.uniformity,
            "alignment" => |g| g.alignment,
            _ => continue,
        };
        let to_f32 = |key: &str| {
            let rows = rows(&file, &entry["inputs"][key]);
            (rows.values().iter().map(|&v| v as f32).collect::<Vec<f32>>(), rows.len(), rows.dim())
        };
        let (x, n, d) = to_f32("x");
        let y = entry["inputs"].get("y").map(|_| to_f32("y").0);
        let geometry = Geometry::measure(&x, n, d, y.as_ref().map(|y| (x.as_slice(), y.as_slice()))).unwrap();
        let (found, expected) = (metric(&geometry), entry["value"].as_f64().unwrap());
        let tolerance = entry["tol_f32"]["value"].as_f64().unwrap();
        assert!((found - expected).abs() <= tolerance, "{name}: {found} is not {expected}");
        checked += 1;
    }
    assert_eq!(checked, 24);
}

#[test]
fn principal_components_explain_what_scikit_learn_says() {
    let Some(file) = goldens("diagnostics.json") else { return };
    let entry = entry(&file, "linear_probe/digits_pca16_C1");
    let pixels = rows(&file, &entry["inputs"]["pixels"]);
    let all: Vec<&[f64]> = pixels.iter().collect();
    let train: Vec<f32> = numbers(&file["data"]["digits_train_index"])
        .iter()
        .flat_map(|&i| all[i as usize].iter().map(|&v| v as f32 / 16.0))
        .collect();
    let pca = Pca::fit(&train, 1200, 64, 16).unwrap();
    assert_close(
        "explained_variance",
        pca.explained_variance(),
        &numbers(&entry["outputs"]["explained_variance"]),
    );
    let ratio: Vec<f64> = pca.explained_variance().iter().map(|v| v / pca.total_variance()).collect();
    assert_close("explained_variance_ratio", &ratio, &numbers(&entry["outputs"]["explained_variance_ratio"]));
}

/// Always checked: six rows of the goldens' `healthy` and `healthy_view2`, with numpy's answers in float64
/// (`linalg.svd`, `linalg.eigvalsh(cov(x.T))`, `std(ddof=1)`, and the pairwise formulas written out).
#[test]
fn six_rows_match_numpy() {
    #[rustfmt::skip]
    let x = Rows::new(vec![
        2.365359, -0.430108, -1.881159, -1.371633, 0.07266, 0.670823, 1.089332, 0.404218,
        3.950564, 0.026159, 1.071773, -1.158831, 2.985035, -1.701862, 1.095124, -2.772962,
        1.319231, -0.467944, 0.532445, -3.833457, -0.931011, 0.239771, -2.439667, -0.772191,
    ], 6, 4).unwrap();
    #[rustfmt::skip]
    let y = Rows::new(vec![
        2.20112, -0.218946, -2.338927, -1.273373, -0.197265, 1.404759, 0.828383, 0.437029,
        4.048661, -0.975696, 0.704519, -1.327581, 2.470306, -1.779936, 0.363842, -2.708899,
        0.794492, -0.17221, 1.190697, -4.248462, -1.092768, 0.136478, -2.183428, -0.673773,
    ], 6, 4).unwrap();
    let singular = [7.280273667820103, 3.758444062152226, 2.723870976931884, 1.2895658135190375];
    let eigen = [5.153342925406352, 2.153849709825603, 1.4353869444342615, 0.21006636087715122];
    assert_close("singular values", &singular_values(&x), &singular);
    assert_close("eigenvalues", &covariance_eigenvalues(&x), &eigen);
    assert_close("rankme", &[rankme(&singular, RankMe::Paper)], &[3.379193280666363]);
    assert_close("effective rank", &[effective_rank(&eigen)], &[2.8354670732542973]);
    assert_close("std", &[std_of_normalized(&x)], &[0.44791366139257277]);
    assert_close("mean cosine", &[mean_cosine(&x)], &[0.1423614485193991]);
    assert_close("uniformity", &[uniformity(&x, 2.0)], &[-1.9977133555177358]);
    assert_close("alignment", &[alignment(&x, &y).unwrap()], &[0.06918983629911817]);
}
