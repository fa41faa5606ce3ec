//! Every diagnostic on a healthy embedding and on two that have collapsed, and what each costs: the numbers of an epoch's probe.
//!
//! `cargo run --release -p selfsame --example diagnostics`

use std::time::Instant;

use rand::Rng;
use rand_distr::StandardNormal;
use selfsame::diagnose::*;
use selfsame::plot::Table;
use selfsame::random::stream;
use selfsame::Error;

/// Samples and width: those of the online probe on the embedded digits' convnet, rounded up.
const N: usize = 2000;
const D: usize = 128;
/// Samples for what costs O(n^2 d).
const FEW: usize = 512;
/// Views a surrogate class.
const VIEWS: usize = 8;

type Measure = fn(&Rows) -> Result<f64, Error>;

const MEASURES: &[(&str, Measure)] = &[
    ("std of normalised", |z| Ok(std_of_normalized(z))),
    ("mean cosine", |z| Ok(mean_cosine(z))),
    ("uniformity, 1024 rows", |z| Ok(uniformity(&z.sample(1024, 0), 2.0))),
    ("RankMe", |z| Ok(rankme(&singular_values(z), RankMe::Paper))),
    ("effective rank", |z| Ok(effective_rank(&covariance_eigenvalues(z)))),
    ("stable rank", |z| Ok(stable_rank(&singular_values(&z.centred())))),
    ("NESum", |z| Ok(nesum(&covariance_eigenvalues(z)))),
    ("participation ratio", |z| Ok(participation_ratio(&covariance_eigenvalues(z)))),
    ("condition number", |z| Ok(condition_number(&singular_values(&z.centred())))),
    ("alpha-ReQ", |z| Ok(alpha_req(&covariance_eigenvalues(z), AlphaFit::of_width(D)))),
    ("explained variance AUC", |z| Ok(explained_variance_auc(z))),
    ("LiDAR, 250 x 8", |z| Ok(lidar(z, VIEWS, LIDAR_DELTA, Lidar::Paper)?.rank)),
    ("learnability, 512 rows", |z| Ok(clid(&z.sample(FEW, 0), 20, 0)?.learnability)),
    ("intrinsic dimension, 512 rows", |z| Ok(clid(&z.sample(FEW, 0), 20, 0)?.intrinsic_dimension)),
    ("alignment with itself", |z| alignment(z, z)),
    ("linear CKA with itself", |z| linear_cka(z, z)),
    ("soft usage perplexity", |z| Ok(soft_usage_perplexity(&softmax(z)))),
    ("target entropy", |z| Ok(target_entropy(&softmax(z)))),
    ("target KL with itself", |z| target_kl(&softmax(z), &softmax(z))),
    ("eigenspace alignment", |z| {
        let cosines = eigenspace_alignment(z, z)?;
        Ok(cosines.iter().sum::<f64>() / cosines.len() as f64)
    }),
];

fn main() -> Result<(), Error> {
    // Samples in groups of eight 'views', so that LiDAR has classes to separate.
    let healthy = embedding(|_| 1.0);
    let few_directions = embedding(|j| if j < 3 { 1.0 } else { 1e-4 });
    let constant = embedding(|_| 1e-5);
    let mut table = Table::new(["diagnostic", "healthy", "three directions", "constant", "ms"]);
    for (name, measure) in MEASURES {
        let begun = Instant::now();
        let value = measure(&healthy)?;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let cells = [value, measure(&few_directions)?, measure(&constant)?].map(|v| format!("{v:.4}"));
        table.row(std::iter::once(name.to_string()).chain(cells).chain([format!("{ms:.1}")]));
    }
    let z: Vec<f32> = healthy.values().iter().map(|v| *v as f32).collect();
    let begun = Instant::now();
    let all = Geometry::measure(&z, N, D, Some((&z, &z)))?.with_lidar(&healthy, VIEWS)?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    println!("{N} embeddings of width {D}\n\n{}\n", table.text());
    println!(
        "All that a report holds (LiDAR {:.1}, RankMe {:.1}, ...) together: {ms:.0} ms",
        all.lidar, all.rankme
    );
    Ok(())
}

/// Around one mean, with a spread of `spread(j)` along column `j`.
fn embedding(spread: impl Fn(usize) -> f64) -> Rows {
    let mut random = stream(&[1]);
    let mut normal = || random.sample::<f64, _>(StandardNormal);
    let mut values = Vec::with_capacity(N * D);
    for _ in 0..N / VIEWS {
        let sample: Vec<f64> = (0..D).map(|j| spread(j) * normal()).collect();
        for _ in 0..VIEWS {
            values.extend(sample.iter().enumerate().map(|(j, v)| 0.5 + v + 0.3 * spread(j) * normal()));
        }
    }
    Rows::new(values, N, D).unwrap_or_else(|e| unreachable!("{e}"))
}

fn softmax(z: &Rows) -> Rows {
    let mut values = z.values().to_vec();
    for row in values.chunks_exact_mut(z.dim()) {
        let max = row.iter().copied().fold(f64::MIN, f64::max);
        row.iter_mut().for_each(|v| *v = (*v - max).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v /= sum);
    }
    Rows::new(values, z.len(), z.dim()).unwrap_or_else(|e| unreachable!("{e}"))
}
