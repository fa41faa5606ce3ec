//! # Collapse, and how to see it
//!
//! Solutions of the exercises.

// ANCHOR: spread
fn spread(rows: &[Vec<f64>]) -> f64 {
    let unit: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| {
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter().map(|v| v / length).collect()
        })
        .collect();
    let (n, width) = (rows.len() as f64, rows[0].len());
    let deviation = |column: usize| {
        let mean = unit.iter().map(|row| row[column]).sum::<f64>() / n;
        (unit.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
    };
    let mean = (0..width).map(deviation).sum::<f64>() / width as f64;
    mean * (width as f64).sqrt()
}
// ANCHOR_END: spread

// ANCHOR: rank
fn rank(values: &[f64]) -> f64 {
    let total: f64 = values.iter().sum();
    let shares = values.iter().map(|v| v / total);
    // 0 ln 0 is 0.
    shares.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum::<f64>().exp()
}
// ANCHOR_END: rank

// ANCHOR: diagnosis
fn diagnosis(spread: f64, rank: f64, width: usize) -> &'static str {
    if spread < 0.1 {
        return "total";
    }
    if rank < 0.05 * width as f64 {
        return "dimensional";
    }
    "healthy"
}
// ANCHOR_END: diagnosis
