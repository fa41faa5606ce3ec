//! Checks of lesson 6: `selfsame check 06`.

fn main() -> Result<(), selfsame::Error> {
    //# spread
    //? First make new rows of length 1. Lengths of the rows must not matter to the result.
    //? For each column: mean, squared differences from it, their sum divided by n - 1, the root. Then the mean over columns,
    //?   times the root of the width.
    let cross = vec![vec![1.0, 0.0], vec![-1.0, 0.0], vec![0.0, 1.0], vec![0.0, -1.0]];
    let yours = spread(&cross);
    let expected = (2.0_f64 / 3.0).sqrt() * 2.0_f64.sqrt();
    assert!(
        (yours - expected).abs() < 1e-6,
        "Four points on a cross: each column has deviation sqrt(2/3), so {expected:.4}; yours is {yours:.4}. Is it n - 1, \
         and is the root of the width there?"
    );
    let longer: Vec<Vec<f64>> = cross.iter().map(|row| row.iter().map(|v| 7.0 * v).collect()).collect();
    let stretched = spread(&longer);
    assert!((stretched - yours).abs() < 1e-6, "Rows seven times as long gave {stretched}: normalise them first.");
    let point = spread(&vec![vec![3.0, 4.0, 0.0]; 5]);
    assert!(point.abs() < 1e-6, "Five equal rows have no spread; yours is {point}.");
    let ray = spread(&[vec![1.0, 1.0], vec![2.0, 2.0], vec![5.0, 5.0]]);
    assert!(ray.abs() < 1e-6, "Rows in the same direction are one point once normalised; yours is {ray}.");

    //# rank
    //? Divide by the sum to get shares p. The entropy is the sum of -p ln p.
    //? Leave out shares that are 0: their logarithm is minus infinity, and 0 times that is no number.
    let three = rank(&[2.0, 2.0, 2.0]);
    assert!((three - 3.0).abs() < 1e-9, "Three equal values are three directions; yours is {three}.");
    let one = rank(&[5.0, 0.0]);
    assert!((one - 1.0).abs() < 1e-9, "One value and a zero are one direction; yours is {one}. What is 0 ln 0 here?");
    let scaled = rank(&[20.0, 20.0, 20.0]);
    assert!((scaled - 3.0).abs() < 1e-9, "A rank does not know the scale; ten times the values gave {scaled}.");
    let between = rank(&[3.0, 1.0]);
    assert!((between - 1.754765).abs() < 1e-5, "Of 3 and 1 it is 1.7548; yours is {between}.");

    //# diagnosis
    //? Ask for the total collapse first.
    //? A twentieth of the width is `0.05 * width as f64`.
    assert!(diagnosis(0.01, 40.0, 64) == "total", "No spread is total collapse, whatever the rank: {}.", diagnosis(0.01, 40.0, 64));
    assert!(
        diagnosis(0.9, 2.0, 64) == "dimensional",
        "Rank 2 of 64 with a healthy spread is a dimensional collapse; you say {}.",
        diagnosis(0.9, 2.0, 64)
    );
    assert!(diagnosis(0.9, 30.0, 64) == "healthy", "Nothing is wrong with spread 0.9 and rank 30; you say {}.", diagnosis(0.9, 30.0, 64));
    assert!(diagnosis(0.9, 2.0, 8) == "healthy", "Rank 2 of 8 is a quarter of the width; you say {}.", diagnosis(0.9, 2.0, 8));
    Ok(())
}
