//! # Labels, and how to do without
//!
//! Solutions of the exercises.

// ANCHOR: turned_left
fn turned_left(image: &[f32], side: usize) -> Vec<f32> {
    // The new row y is the old column side - 1 - y, from the top.
    (0..side * side).map(|at| image[(at % side) * side + side - 1 - at / side]).collect()
}
// ANCHOR_END: turned_left

// ANCHOR: rotation_task
fn rotation_task(images: &[Vec<f32>], side: usize) -> Vec<(Vec<f32>, u32)> {
    let mut task = Vec::new();
    for image in images {
        let mut image = image.clone();
        for turns in 0..4 {
            task.push((image.clone(), turns));
            image = turned_left(&image, side);
        }
    }
    task
}
// ANCHOR_END: rotation_task

// ANCHOR: hours_of_labelling
fn hours_of_labelling(images: usize, share: f64, seconds: f64) -> f64 {
    images as f64 * share * seconds / 3600.0
}
// ANCHOR_END: hours_of_labelling
