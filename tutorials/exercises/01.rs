//! # Labels, and how to do without
//!
//! A task that makes its own labels. Fill in the bodies, then run `selfsame check 01` in this folder.

/// A square image of `side` by `side` numbers, row by row, turned by 90 degrees to the left: the right column becomes the
/// top row.
///
/// `[1, 2, 3, 4]` with side 2 (rows 1 2 and 3 4) becomes `[2, 4, 1, 3]`.
fn turned_left(image: &[f32], side: usize) -> Vec<f32> {
    todo!()
}

/// The task of predicting turns: every image four times, turned by 0, 90, 180 and 270 degrees, with the number of turns
/// (0 to 3) as its label. Image after image, turn after turn.
fn rotation_task(images: &[Vec<f32>], side: usize) -> Vec<(Vec<f32>, u32)> {
    todo!()
}

/// How many labels there are to write when `share` (0 to 1) of `images` are labelled and each costs `seconds`; the answer in
/// hours.
fn hours_of_labelling(images: usize, share: f64, seconds: f64) -> f64 {
    todo!()
}
