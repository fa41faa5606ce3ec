//! Checks of lesson 7: `selfsame check 07`.

fn main() -> Result<(), selfsame::Error> {
    //# over_seeds
    //? The mean first; then the squared differences from it.
    //? Divide the sum of squares by n - 1 and take the root.
    let (mean, deviation) = over_seeds(&[0.70, 0.74, 0.78]);
    assert!((mean - 0.74).abs() < 1e-9, "The mean of 0.70, 0.74, 0.78 is 0.74; yours is {mean}.");
    assert!(
        (deviation - 0.04).abs() < 1e-9,
        "Their deviation is 0.04 when divided by n - 1; yours is {deviation}. Divided by n it would be 0.0327."
    );
    let (_, none) = over_seeds(&[0.5, 0.5]);
    assert!(none.abs() < 1e-12, "Equal accuracies have no deviation; yours is {none}.");

    //# chosen
    //? Look at the first number of each pair only.
    //? Replace the best so far only when a validation accuracy is strictly larger.
    let settings = [(0.80, 0.90), (0.85, 0.70), (0.82, 0.95)];
    let yours = chosen(&settings);
    assert!(yours == 1, "Setting 1 has the best validation accuracy, 0.85; yours is {yours}. The test must not choose.");
    let tie = chosen(&[(0.5, 0.1), (0.5, 0.9)]);
    assert!(tie == 0, "Of equals the first, whatever the test says; yours is {tie}.");

    //# peeking
    //? Two numbers: the largest test accuracy, and that of the setting `chosen` gives.
    //? The first minus the second.
    let gain = peeking(&[(0.80, 0.90), (0.85, 0.70), (0.82, 0.95)]);
    assert!((gain - 0.25).abs() < 1e-9, "0.95 by peeking, 0.70 honestly: 0.25 gained; yours is {gain}.");
    let none = peeking(&[(0.9, 0.8), (0.1, 0.2)]);
    assert!(none.abs() < 1e-12, "Where validation chooses the best on the test nothing is gained; yours is {none}.");
    Ok(())
}
