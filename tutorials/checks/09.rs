//! Checks of lesson 9: `selfsame check 09`.

fn main() -> Result<(), selfsame::Error> {
    //# alignment
    //? For each row the sum of squared differences; then the mean over rows.
    //? Divide by the number of rows only, not by the number of columns.
    let (a, b) = (vec![vec![1.0, 2.0], vec![0.0, 0.0]], vec![vec![1.0, 0.0], vec![1.0, 1.0]]);
    let yours = alignment(&a, &b);
    assert!((yours - 3.0).abs() < 1e-9, "Squared distances are 4 and 2, their mean 3; yours is {yours}.");
    let same = alignment(&a, &a);
    assert!(same == 0.0, "A view agrees with itself; yours is {same}.");

    //# alignment_gradient
    //? The slope of (x - y)^2 in x is 2 (x - y).
    //? The loss divides by the number of rows, and so does its gradient.
    let (a, b) = (vec![vec![1.0, 2.0], vec![0.0, 0.0]], vec![vec![1.0, 0.0], vec![1.0, 1.0]]);
    let yours = alignment_gradient(&a, &b);
    let expected = vec![vec![0.0, 2.0], vec![-1.0, -1.0]];
    assert!(
        yours.len() == 2 && yours.iter().flatten().zip(expected.iter().flatten()).all(|(x, y)| (x - y).abs() < 1e-9),
        "Here it is {expected:?}; yours is {yours:?}. Are 2, the sign and the division by 2 rows right?"
    );

    //# slope
    //? Copy x, add h to number i, and call f; the same with minus h.
    //? `(f(plus) - f(minus)) / (2.0 * h)`.
    let cube = |x: &[f64]| x[0].powi(3) + 5.0 * x[1];
    let yours = slope(cube, &[2.0, 1.0], 0, 1e-4);
    assert!((yours - 12.0).abs() < 1e-5, "The slope of a cube at 2 is 12; yours is {yours}.");
    let other = slope(cube, &[2.0, 1.0], 1, 1e-4);
    assert!((other - 5.0).abs() < 1e-5, "In the direction of number 1 it is 5; yours is {other}. Is `i` used?");
    let central = slope(|x: &[f64]| x[0] * x[0], &[0.0], 0, 0.5);
    assert!(
        central.abs() < 1e-12,
        "At the bottom of a parabola the slope is 0 whatever the step; yours is {central}. Go to both sides, not to one."
    );
    Ok(())
}
