//! Checks of lesson 4: `selfsame check 04`.

fn main() -> Result<(), selfsame::Error> {
    //# follow
    //? `copy.iter_mut().zip(student)` gives pairs that you can change.
    //? `*c = momentum * *c + (1.0 - momentum) * s`.
    let mut copy = [0.0, 2.0];
    follow(&mut copy, &[1.0, 1.0], 0.9);
    assert!(
        (copy[0] - 0.1).abs() < 1e-6 && (copy[1] - 1.9).abs() < 1e-6,
        "With momentum 0.9 the copy [0, 2] of the student [1, 1] becomes [0.1, 1.9]; yours is {copy:?}. A copy that jumps \
         has momentum and 1 - momentum exchanged."
    );
    let mut frozen = [3.0];
    follow(&mut frozen, &[5.0], 1.0);
    assert!(frozen == [3.0], "With momentum 1 the copy never moves; yours is {frozen:?}.");
    let mut same = [3.0];
    follow(&mut same, &[5.0], 0.0);
    assert!(same == [5.0], "With momentum 0 the copy is the student; yours is {same:?}.");

    //# variance_term
    //? For each column: variance, add 0.0001, root, one minus that, but not below 0. Then the mean over columns.
    //? The variance is the sum of squared differences from the column's mean over n - 1.
    let collapsed = variance_term(&vec![vec![4.0, -1.0]; 6]);
    assert!(
        (collapsed - 0.99).abs() < 1e-9,
        "Equal rows have variance 0: 1 - sqrt(0.0001) = 0.99; yours is {collapsed}. The 0.0001 stands under the root."
    );
    let wide = variance_term(&[vec![5.0], vec![-5.0], vec![5.0], vec![-5.0]]);
    assert!(wide == 0.0, "A column that varies by more than 1 costs nothing; yours is {wide}. Is the hinge there?");
    let half = variance_term(&[vec![5.0, 0.0], vec![-5.0, 0.0]]);
    assert!((half - 0.495).abs() < 1e-9, "One good column and one dead: the mean of 0 and 0.99; yours is {half}.");
    let unbiased = variance_term(&[vec![0.5], vec![-0.5], vec![0.0]]);
    assert!(
        (unbiased - 0.4999).abs() < 1e-3,
        "The variance of 0.5, -0.5, 0 is 0.25 when divided by n - 1, so the term is 0.4999; yours is {unbiased}."
    );

    //# teacher
    //? Subtract the centre, divide by the temperature, then a softmax.
    //? Before the exponential subtract the largest value from all of them: the softmax stays the same.
    let even = teacher(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 0.1);
    assert!(
        even.len() == 3 && even.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-9),
        "When the centre takes everything away all outputs are alike; yours is {even:?}."
    );
    let plain = teacher(&[1.0, 0.0], &[0.0, 0.0], 1.0);
    assert!((plain[0] - 0.731059).abs() < 1e-5, "The softmax of (1, 0) is (0.7311, 0.2689); yours is {plain:?}.");
    let sharp = teacher(&[1.0, 0.0], &[0.0, 0.0], 0.04);
    assert!(sharp[0] > 0.999999, "At temperature 0.04 it is nearly one-hot; yours is {sharp:?}. Divide, not multiply.");
    let large = teacher(&[100.0, 90.0], &[0.0, 0.0], 0.01);
    assert!(
        large.iter().all(|p| p.is_finite()),
        "exp(10000) is too large for any number; yours is {large:?}. Take the largest value out first."
    );
    Ok(())
}
