//! Checks of lesson 0: `selfsame check 00`.

fn main() -> Result<(), selfsame::Error> {
    //# cosine
    //? `a.iter().zip(b)` walks both vectors at once. The length is the root of the sum of squares.
    //? Compute the product of both lengths first, and return 0.0 when it is 0.
    let same = cosine(&[1.0, 2.0], &[2.0, 4.0]);
    assert!((same - 1.0).abs() < 1e-5, "In the same direction the cosine is 1 whatever the lengths; yours is {same}.");
    let right = cosine(&[1.0, 0.0], &[0.0, 3.0]);
    assert!(right.abs() < 1e-5, "At a right angle the cosine is 0; yours is {right}.");
    let opposite = cosine(&[1.0, -1.0], &[-3.0, 3.0]);
    assert!((opposite + 1.0).abs() < 1e-5, "Opposite directions have cosine -1; yours is {opposite}.");
    let nowhere = cosine(&[0.0, 0.0], &[1.0, 1.0]);
    assert!(nowhere == 0.0, "A vector of length 0 has no direction: say 0. Yours is {nowhere}.");

    //# nearest
    //? You may call `cosine`. Compare with `f32::total_cmp`.
    //? `max_by` returns the last of equals: go through `(0..bank.len()).rev()` to get the first.
    let bank = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![10.0, 10.0]];
    let found = nearest(&bank, &[0.1, 0.9]);
    assert!(found == 1, "Row 1 points where the query points; yours is row {found}. Lengths must not count.");
    let found = nearest(&bank, &[2.0, 2.1]);
    assert!(found == 2, "Row 2 has the query's direction; yours is row {found}.");
    let twins = vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![2.0, 0.0]];
    let found = nearest(&twins, &[1.0, 0.0]);
    assert!(found == 1, "Rows 1 and 2 are equally near: take the first. Yours is row {found}.");

    //# vote
    //? Count with a `std::collections::BTreeMap<u32, usize>`, which keeps labels in order.
    //? Go through the counts and take a label only when its count is larger than the best so far.
    let won = vote(&[3, 1, 3, 2]);
    assert!(won == 3, "3 occurs twice and the others once; yours is {won}.");
    let won = vote(&[5, 2, 5, 2, 9]);
    assert!(won == 2, "2 and 5 occur twice each, and the lower wins; yours is {won}.");
    let won = vote(&[7]);
    assert!(won == 7, "A single label has all votes; yours is {won}.");
    Ok(())
}
