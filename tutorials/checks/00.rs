//! Lesson 00: what `selfsame check` asks of the functions.

//# cosine
let same = cosine(&[1.0, 2.0], &[2.0, 4.0]);
assert!((same - 1.0).abs() < 1e-6, "two vectors in the same direction have cosine 1 whatever their lengths, yours is {same}");
let right = cosine(&[1.0, 0.0], &[0.0, 3.0]);
assert!(right.abs() < 1e-6, "at a right angle the cosine is 0, yours is {right}");
let opposite = cosine(&[1.0, -1.0], &[-3.0, 3.0]);
assert!((opposite + 1.0).abs() < 1e-6, "opposite directions have cosine -1, yours is {opposite}");
let zero = cosine(&[0.0, 0.0], &[1.0, 1.0]);
assert!(zero == 0.0, "a vector of length 0 has no direction; say 0, not {zero}");

//# nearest
let bank = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![10.0, 10.0]];
let found = nearest(&bank, &[0.1, 0.9]);
assert!(found == 1, "row 1 points where the query points, yours is row {found}; lengths must not count");
let found = nearest(&bank, &[2.0, 2.1]);
assert!(found == 2, "row 2 has the query's direction, yours is row {found}");
let twins = vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![2.0, 0.0]];
let found = nearest(&twins, &[1.0, 0.0]);
assert!(found == 1, "rows 1 and 2 are equally near; take the first, yours is row {found}");

//# vote
let won = vote(&[3, 1, 3, 2]);
assert!(won == 3, "3 occurs twice and the others once, yours is {won}");
let won = vote(&[5, 2, 5, 2, 9]);
assert!(won == 2, "2 and 5 occur twice each; the lower wins, yours is {won}");
let won = vote(&[7]);
assert!(won == 7, "one label has all votes, yours is {won}");
