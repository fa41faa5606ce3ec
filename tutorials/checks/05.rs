//! Checks of lesson 5: `selfsame check 05`.

fn main() -> Result<(), selfsame::Error> {
    //# assign
    //? A squared distance is the sum of squared differences, number by number.
    //? Keep the best so far and replace it only by a centroid that is strictly nearer.
    let centroids = [vec![0.0, 0.0], vec![4.0, 0.0], vec![0.0, 4.0]];
    let near = assign(&[3.0, 0.5], &centroids);
    assert!(near == 1, "(3, 0.5) is nearest to centroid 1 at (4, 0); yours is {near}.");
    let tie = assign(&[2.0, 2.0], &centroids);
    assert!(tie == 0, "(2, 2) is as far from all three: take the first. Yours is {tie}.");

    //# balance
    //? First the sums of the columns, over all rows. Divide, and only then sum the rows.
    //? `codes.iter().map(|row| row[k]).sum::<f64>()` is the sum of column k.
    let even = balance(&[vec![3.0, 1.0], vec![1.0, 1.0]]);
    let rows: Vec<f64> = even.iter().map(|row| row.iter().sum()).collect();
    assert!(rows.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "Every row must sum to 1; yours sum to {rows:?}.");
    assert!(
        (even[0][0] - 0.6).abs() < 1e-9,
        "Columns sum to 4 and 2, so row 0 becomes 0.75 and 0.5, and then 0.6 and 0.4; yours begins with {}. Columns \
         first, then rows.",
        even[0][0]
    );
    let mut codes = vec![vec![8.0, 1.0], vec![6.0, 1.0], vec![2.0, 1.0], vec![1.0, 1.0]];
    for _ in 0..60 {
        codes = balance(&codes);
    }
    let first: f64 = codes.iter().map(|row| row[0]).sum();
    assert!((first - 2.0).abs() < 1e-3, "After many rounds half of four images are in the first cluster; yours has {first}.");

    //# in_use
    //? Count each cluster, divide by the number of images, entropy, exponential.
    //? Leave out clusters without images: 0 ln 0 counts as 0.
    let one = in_use(&[2, 2, 2, 2], 3);
    assert!((one - 1.0).abs() < 1e-9, "All images in one cluster: 1; yours is {one}.");
    let all = in_use(&[0, 1, 2], 3);
    assert!((all - 3.0).abs() < 1e-9, "One image in each of three: 3; yours is {all}.");
    let half = in_use(&[0, 0, 1, 1], 10);
    assert!((half - 2.0).abs() < 1e-9, "Two clusters of ten used alike: 2; yours is {half}.");
    Ok(())
}
