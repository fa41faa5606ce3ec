//! Checks of lesson 3: `selfsame check 03`.

fn main() -> Result<(), selfsame::Error> {
    //# similarity
    //? An inner product is a sum of products; a length is the square root of a vector's inner product with itself.
    //? `a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>()` is the inner product. Divide it by the square root of
    //?   (inner product of a with itself times that of b with itself).
    let (a, b) = ([1.0, 2.0, -2.0], [2.0, 1.0, 2.0]);
    let itself = similarity(&a, &a);
    assert!(
        (itself - 1.0).abs() < 1e-5,
        "The cosine of a vector with itself is 1; yours is {itself}. Did you divide by both lengths?"
    );
    let right_angle = similarity(&a, &b);
    assert!(right_angle.abs() < 1e-5, "These two are at a right angle, so 0; yours is {right_angle}.");
    let (short, long) = (similarity(&[1.0, 0.0], &[3.0, 3.0]), similarity(&[1.0, 0.0], &[30.0, 30.0]));
    assert!(
        (short - long).abs() < 1e-5,
        "A cosine does not know lengths: ten times the vector gave {long} instead of {short}."
    );
    assert!(
        (short - 0.70711).abs() < 1e-4,
        "The cosine of an angle of 45 degrees is 0.7071; yours is {short}."
    );
    let opposite = similarity(&a, &a.map(|x: f32| -x));
    assert!((opposite + 1.0).abs() < 1e-5, "Opposite vectors have cosine -1; yours is {opposite}.");

    //# info_nce
    //? Divide all similarities by the temperature, take a softmax, and then minus the logarithm of your own key's share.
    //? exp(1/0.005) is larger than any f32. A softmax does not change when the largest value is subtracted from all
    //?   of them first: then the largest exponential is exp(0).
    let easy = info_nce(&[1.0, 0.0], 0, 1.0);
    assert!(
        (easy - 0.31326).abs() < 1e-4,
        "Similarities 1 and 0 at temperature 1: ln(1 + 1/e) = 0.3133; yours is {easy}. A loss of -0.3133 lacks the minus."
    );
    let wrong = info_nce(&[1.0, 0.0], 1, 1.0);
    assert!(
        (wrong - 1.31326).abs() < 1e-4,
        "With the other key as its own the loss is 1.3133; yours is {wrong}. Is `own` used?"
    );
    let sharper = info_nce(&[1.0, 0.0], 0, 0.5);
    assert!(
        (sharper - 0.126928).abs() < 1e-4,
        "At temperature 0.5 the same similarities are twice as far apart: 0.1269; yours is {sharper}. Divide by the \
         temperature."
    );
    let equal = info_nce(&[0.3; 8], 5, 0.1);
    assert!(
        (equal - 8f32.ln()).abs() < 1e-4,
        "Among 8 equal keys the loss is ln 8 = 2.0794; yours is {equal}. The own key belongs to the sum as well."
    );
    let cold = info_nce(&[1.0, 0.9], 1, 0.005);
    assert!(
        (cold - 20.0).abs() < 1e-2,
        "At temperature 0.005 the loss of (1.0, 0.9) with own key 1 is 20; yours is {cold}. exp(1/0.005) is too large for an \
         f32: subtract the largest similarity first."
    );

    //# plateau
    //? If all embeddings are the same, so are all similarities. What is a softmax of equal values?
    //? Each view has 2n - 1 candidates: all views but itself. Its partner's share is 1/(2n - 1).
    let (two, many) = (plateau(2), plateau(256));
    assert!(
        (two - 3f32.ln()).abs() < 1e-4,
        "With two images there are four views, and each has three candidates: ln 3 = 1.0986; yours is {two}. A view is \
         not compared with itself, but with both views of the other image."
    );
    let dev = Cpu::default();
    let same: Tensor<Rank2<512, 4>, f32, Cpu> =
        OnesTensor::ones(&dev);
    let library = AsArray::array(&nt_xent(same, 0.2)?);
    assert!(
        (many - library).abs() < 1e-3,
        "The library's nt_xent of 512 equal rows is {library}; you say {many} for n = 256."
    );

    //# symmetric
    //? Call `loss` twice, with the views in both orders.
    //? 0.5 * (loss(first, second) + loss(second, first)).
    let (first, second) = (vec![vec![1.0], vec![2.0]], vec![vec![10.0], vec![30.0]]);
    // A loss that can tell who asks.
    let asymmetric = |queries: &[Vec<f32>], keys: &[Vec<f32>]| 3.0 * queries[1][0] + keys[0][0];
    let (one, other) = (symmetric(asymmetric, &first, &second), symmetric(asymmetric, &second, &first));
    assert!(
        (one - other).abs() < 1e-4,
        "With the views exchanged your loss is {other} instead of {one}: it does not treat them alike."
    );
    assert!(
        (one - 53.5).abs() < 1e-4,
        "Half of each direction: (16 + 91) / 2 = 53.5; yours is {one}. The sum of both would be 107."
    );
    Ok(())
}
