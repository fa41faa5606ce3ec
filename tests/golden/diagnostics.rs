//! Families of diagnostics.json.

use selfsame::diagnose::*;
use selfsame::eval::{
    cluster_scores, knn, nearest_rows, paired_retrieval, retrieval, Embeddings, Knn, LinearProbe,
};

use crate::check::Found;
use crate::file::Entry;
use crate::{Family, Skipped};

type Checked = Result<Found, String>;

/// Every family this program compares.
pub const FAMILIES: &[Family] = &[
    Family::new("singular_values", |e| {
        let values = singular_values(&rows(e, "x")?);
        Ok(Found::value(values[0]).output("singular_values", values))
    }),
    Family::new("covariance_eigenvalues", |e| {
        let values = covariance_eigenvalues(&rows(e, "x")?);
        Ok(Found::value(values.iter().sum()).output("eigenvalues", values))
    }),
    Family::new("rankme", rank_me),
    Family::new("effective_rank", |e| Ok(Found::value(effective_rank(&spectrum(e)?)))),
    Family::new("effective_rank_covariance", |e| Ok(Found::value(effective_rank(&spectrum(e)?)))),
    Family::new("participation_ratio", |e| of_covariance(e, participation_ratio)),
    Family::new("nesum", |e| of_covariance(e, nesum)),
    Family::new("stable_rank", |e| Ok(Found::value(stable_rank(&spectrum(e)?)))),
    Family::new("condition_number", |e| {
        Ok(Found::value(condition_number(&singular_values(&rows(e, "x")?.centred()))))
    }),
    Family::new("alpha_req", |e| {
        Ok(Found::value(alpha_req(&covariance_eigenvalues(&rows(e, "x")?), fit(e))))
    }),
    Family::new("alpha_req_eigenvalues", |e| Ok(Found::value(alpha_req(e.numbers("eigenvalues")?, fit(e))))),
    Family::new("std_of_l2_normalized", |e| Ok(Found::value(std_of_normalized(&rows(e, "x")?)))),
    Family::new("mean_cosine", |e| Ok(Found::value(mean_cosine(&rows(e, "x")?)))),
    Family::new("uniformity", |e| Ok(Found::value(uniformity(&rows(e, "x")?, e.number("t")?)))),
    Family::new("column_std", |e| {
        let std = column_std(&rows(e, "x")?);
        Ok(Found::value(std.iter().sum::<f64>() / std.len() as f64).output("std", std))
    }),
    Family::new("alignment", |e| Ok(Found::value(alignment(&rows(e, "x")?, &rows(e, "y")?).map_err(text)?))),
    Family::new("linear_cka", |e| {
        Ok(Found::value(linear_cka(&rows(e, "x")?, &rows(e, "y")?).map_err(text)?))
    }),
    Family::new("lidar", li_dar),
    Family::new("usage_perplexity", |e| {
        let shares = usage(&labels(e, "codes")?, e.count("num_codes")?).map_err(text)?;
        Ok(Found::value(perplexity(&shares)).output("usage", shares))
    }),
    Family::new("usage_perplexity_soft", |e| {
        Ok(Found::value(soft_usage_perplexity(&rows(e, "probabilities")?)))
    }),
    Family::new("knn", neighbours),
    Family::new("knn_digits", neighbours_of_digits),
    Family::new("linear_probe", probe),
    Family::new("retrieval", ranking),
    Family::new("retrieval_paired", pairs),
    Family::new("clustering", clusters),
];

/// Families that are not compared, and why.
pub const SKIPPED: &[Skipped] = &[];

fn text(e: selfsame::Error) -> String {
    e.to_string()
}

fn rows(entry: &Entry, name: &str) -> Result<Rows, String> {
    let [n, d] = entry.sizes(name)?;
    Rows::new(entry.numbers(name)?.to_vec(), n, d).map_err(text)
}

fn labels(entry: &Entry, name: &str) -> Result<Vec<u32>, String> {
    Ok(entry.integers(name)?.iter().map(|l| *l as u32).collect())
}

/// The values an entry's name asks for: of the raw matrix, of the centred one, of the covariance.
fn spectrum(entry: &Entry) -> Result<Vec<f64>, String> {
    let x = rows(entry, "x")?;
    Ok(match entry.name.split('/').nth(1) {
        Some("raw") => singular_values(&x),
        Some("centred") => singular_values(&x.centred()),
        _ => covariance_eigenvalues(&x),
    })
}

fn of_covariance(entry: &Entry, measure: fn(&[f64]) -> f64) -> Checked {
    Ok(Found::value(measure(&covariance_eigenvalues(&rows(entry, "x")?))))
}

fn rank_me(entry: &Entry) -> Checked {
    let eps = entry.number("eps")?;
    let convention = [(1e-7, RankMe::Paper), (1e-5, RankMe::StablePretraining)];
    let convention =
        convention.iter().find(|(of, _)| *of == eps).ok_or(format!("no RankMe with epsilon {eps}"))?.1;
    Ok(Found::value(rankme(&singular_values(&rows(entry, "x")?), convention)))
}

/// The range an entry fits; those without a value name none, and any will do.
fn fit(entry: &Entry) -> AlphaFit {
    let number = |name: &str, otherwise: usize| entry.count(name).unwrap_or(otherwise);
    AlphaFit { first: number("lo", 1), last: number("hi", 8), weighted: number("weighted", 0) == 1 }
}

fn li_dar(entry: &Entry) -> Checked {
    let [samples, views, width] = entry.sizes("x")?;
    let x = Rows::new(entry.numbers("x")?.to_vec(), samples * views, width).map_err(text)?;
    let convention = if entry.name.contains("/unbiased") { Lidar::StablePretraining } else { Lidar::Paper };
    let found = lidar(&x, views, entry.number("delta")?, convention).map_err(text)?;
    Ok(Found::value(found.rank).output("eigenvalues", found.eigenvalues))
}

/// Float32 features with labels; evaluators work in float32.
fn embeddings(x: &[f64], width: usize, labels: Vec<u32>) -> Result<Embeddings, String> {
    let classes = labels.iter().max().map_or(0, |m| *m as usize + 1);
    Embeddings::new(x.iter().map(|v| *v as f32).collect(), width, labels, classes).map_err(text)
}

fn set(entry: &Entry, rows: &str, of: &str) -> Result<Embeddings, String> {
    embeddings(entry.numbers(rows)?, entry.sizes::<2>(rows)?[1], labels(entry, of)?)
}

fn integers(values: impl IntoIterator<Item = u32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

/// Predictions, their accuracy, the neighbours, and the classes' scores from those.
fn neighbours(entry: &Entry) -> Checked {
    let (bank, query) = (set(entry, "bank", "bank_labels")?, set(entry, "query", "query_labels")?);
    if entry.undefined.is_some() {
        // Every neighbour ties: the same class for all, which one is not defined.
        let predicted = knn(&bank, &query, &[Knn::new(20)]).map_err(text)?.concat();
        return match predicted.windows(2).all(|pair| pair[0] == pair[1]) {
            true => Ok(Found::undefined()),
            false => Err("queries differ though every neighbour ties".into()),
        };
    }
    let settings = Knn { k: entry.count("k")?, temperature: entry.number("T")? };
    let predicted = knn(&bank, &query, &[settings]).map_err(text)?.concat();
    let near = nearest_rows(&bank, &query, settings.k).map_err(text)?.concat();
    let found = Found::value(query.accuracy(&predicted)).output("prediction", integers(predicted));
    Ok(found.output("neighbours", integers(near)).single())
}

/// Rows of the digits that an index names, pixels divided by 16.
fn digits(entry: &Entry, index: &str) -> Result<Embeddings, String> {
    let (pixels, all) = (entry.numbers("pixels")?, labels(entry, "labels")?);
    let width = entry.sizes::<2>("pixels")?[1];
    let chosen = labels(entry, index)?;
    let row = |i: &u32| pixels[*i as usize * width..(*i as usize + 1) * width].iter().map(|v| v / 16.0);
    let x: Vec<f64> = chosen.iter().flat_map(row).collect();
    embeddings(&x, width, chosen.iter().map(|i| all[*i as usize]).collect())
}

fn neighbours_of_digits(entry: &Entry) -> Checked {
    let (train, test) = (digits(entry, "train_index")?, digits(entry, "test_index")?);
    let settings = Knn { k: entry.count("k")?, temperature: entry.number("T")? };
    let predicted = knn(&train, &test, &[settings]).map_err(text)?.concat();
    // The predictions themselves may differ in a row or two whose best classes are equal in float32.
    Ok(Found::value(test.accuracy(&predicted)).single())
}

/// The library's probe minimises the mean cross-entropy plus half its strength times the squared weights, on features that
/// are centred and scaled to a mean variance of 1; scikit-learn's problem is the same at a strength of `variance / (C n)`.
fn probe(entry: &Entry) -> Checked {
    let (mut train, mut test) = (digits(entry, "train_index")?, digits(entry, "test_index")?);
    let mut found = Vec::new();
    if entry.name.ends_with("collapsed") {
        let constant = |e: &Embeddings| e.with_values(vec![0.5; e.len() * 4], 4).map_err(text);
        (train, test) = (constant(&train)?, constant(&test)?);
    } else if entry.name.contains("pca16") {
        let pca = Pca::fit(train.values(), train.len(), train.width(), 16).map_err(text)?;
        let map = |e: &Embeddings| {
            e.with_values(pca.transform(e.values(), e.len()).map_err(text)?, 16).map_err(text)
        };
        (train, test) = (map(&train)?, map(&test)?);
        found.push(("explained_variance", pca.explained_variance().to_vec()));
        let share = pca.explained_variance().iter().map(|v| v / pca.total_variance()).collect();
        found.push(("explained_variance_ratio", share));
    }
    let columns = Rows::from_f32(train.values(), train.len(), train.width()).map_err(text)?.centred();
    let variance = columns.values().iter().map(|v| v * v).sum::<f64>() / columns.values().len() as f64;
    let strength = 1.0 / (entry.number("C")? * train.len() as f64 * variance.max(1e-12));
    let fitted = LinearProbe::fit_at(&train, strength).map_err(text)?;
    let mut all = Found::value(test.accuracy(&fitted.predict(&test)));
    all = all.output("train_accuracy", [train.accuracy(&fitted.predict(&train))]);
    if entry.name.ends_with("collapsed") {
        return Ok(Found::value(test.accuracy(&fitted.predict(&test))).single());
    }
    for (name, values) in found {
        // Exact in float64: the features are the same numbers in float32.
        all = all.output(name, values).within(name, 1e-6);
    }
    Ok(all.single())
}

fn ranking(entry: &Entry) -> Checked {
    let found = retrieval(&set(entry, "x", "labels")?, &[1, 5, 10]).map_err(text)?;
    let at = |k: &str| ["1", "5", "10"].iter().position(|of| *of == k).ok_or(format!("depth {k}"));
    let which = entry.name.split('/').nth(1).unwrap_or_default();
    let value = match which.split_once('@') {
        Some(("recall", k)) => found.recall[at(k)?],
        Some(("precision", k)) => found.precision[at(k)?],
        _ => match which {
            "map" => found.map,
            "r_precision" => found.r_precision,
            "map@r" => found.map_at_r,
            "average_precision_per_query" => {
                return Ok(Found::table().output("average_precision", found.average_precision).single())
            }
            other => return Err(format!("no score called {other}")),
        },
    };
    Ok(Found::value(value).single())
}

fn pairs(entry: &Entry) -> Checked {
    let single =
        |name: &str| Ok::<_, String>(entry.numbers(name)?.iter().map(|v| *v as f32).collect::<Vec<f32>>());
    let width = entry.sizes::<2>("x")?[1];
    let both = paired_retrieval(&single("x")?, &single("y")?, width, &[1, 5, 10]).map_err(text)?;
    let mut found = Found::table();
    for (side, ranks) in [("x_to_y", both.forward), ("y_to_x", both.backward)] {
        found = found.output(&format!("{side}_median_rank"), [ranks.median]);
        for (k, recall) in [1, 5, 10].iter().zip(ranks.recall) {
            found = found.output(&format!("{side}_recall@{k}"), [recall]);
        }
        found = found.output(&format!("{side}_rank"), integers(ranks.ranks));
    }
    Ok(found.single())
}

fn clusters(entry: &Entry) -> Checked {
    let found = cluster_scores(&labels(entry, "labels")?, &labels(entry, "clusters")?).map_err(text)?;
    Ok(Found::value(match entry.name.as_str() {
        "clustering/nmi" => found.nmi,
        "clustering/ari" => found.ari,
        "clustering/purity" => found.purity,
        "clustering/accuracy" => found.accuracy,
        other => return Err(format!("no score called {other}")),
    }))
}
