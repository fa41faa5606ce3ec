//! # Clustering
//!
//! k-means and balancing by hand. Fill in the bodies, then run `selfsame check 05` in this folder.

/// The number of the nearest of `centroids` to `point`, by squared distance; of equals the first.
fn assign(point: &[f64], centroids: &[Vec<f64>]) -> usize {
    todo!()
}

/// One round of balancing: each column of `codes` divided by its sum, then each row divided by its sum. `codes` is a row for
/// each image and a column for each prototype, all numbers positive.
///
/// Every row of the result sums to 1.
fn balance(codes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    todo!()
}

/// How many clusters are in use: the exponential of the entropy of the clusters' shares of `assignments`. `clusters` is how
/// many there are.
///
/// Four images in one cluster of three are 1.0, one image in each of three clusters 3.0.
fn in_use(assignments: &[usize], clusters: usize) -> f64 {
    todo!()
}
