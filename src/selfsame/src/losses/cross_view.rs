//! Targets made from some views, asked of all others.

/// For views of N samples, stacked: the sum of the targets of all *other* target views, scaled so that the mean
/// cross-entropy over all rows is the mean over pairs of different views.
///
/// `targets` is (target views, N, K), the target views being the first of the `views`; the result is (views, N, K).
pub(crate) fn cross_view(targets: &[f64], target_views: usize, views: usize) -> Vec<f64> {
    let len = targets.len() / target_views;
    let pairs = target_views * (views - 1);
    let scale = views as f64 / pairs as f64;
    let mut all = vec![0.0; views * len];
    for (view, all) in all.chunks_exact_mut(len).enumerate() {
        for (from, targets) in targets.chunks_exact(len).enumerate() {
            if from != view {
                all.iter_mut().zip(targets).for_each(|(a, t)| *a += scale * t);
            }
        }
    }
    all
}
