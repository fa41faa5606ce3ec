//! Checks of lesson 2: `selfsame check 02`.

fn main() -> Result<(), selfsame::Error> {
    //# products
    //? (3, 8) times (8, 5) is (3, 5). How does b become (8, 5)?
    //? `b.permute::<Rank2<8, 5>, Axes2<1, 0>>()`, then `matmul`.
    let dev = Cpu::default();
    let a = dev.tensor([[1.0f32; 8], [2.0; 8], [0.0; 8]]);
    let mut rows = [[1.0f32; 8]; 5];
    rows[4] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0];
    let b = dev.tensor(rows);
    let found = &products(a, b).array();
    assert!(found[0][0] == 8.0, "Row 0 of a and row 0 of b are all ones: their product is 8; yours is {}.", found[0][0]);
    assert!(found[1][4] == 6.0, "Row 1 of a with row 4 of b is 6; yours is {}. Rows meet rows.", found[1][4]);
    assert!(found[2] == [0.0; 5], "Row 2 of a is zero, so is row 2 of the result; yours is {:?}.", found[2]);

    //# centred
    //? The mean of every column is a mean along axis 0: `mean::<_, Axis<0>>()`, a `Tensor<Rank1<4>, ..>`.
    //? `a - means.broadcast()`; `a` is needed twice, so clone it.
    let dev = Cpu::default();
    let rows: [[f32; 4]; 6] = std::array::from_fn(|i| [i as f32, 1.0, -(i as f32), 10.0 * i as f32]);
    let found = &centred(dev.tensor(rows)).array();
    for column in 0..4 {
        let sum: f32 = found.iter().map(|row| row[column]).sum();
        assert!(sum.abs() < 1e-4, "Column {column} of yours sums to {sum}, not 0. Is the mean that of the columns?");
    }
    assert!((found[5][0] - 2.5).abs() < 1e-5, "5 minus the column's mean 2.5 is 2.5; yours is {}.", found[5][0]);

    //# gradient_of_cubes
    //? `a.leaky_trace()` begins the record; `.powi(3)` is a cube.
    //? `.sum::<Rank0, _>().backward()` gives gradients; `.get(&a).array()` takes out that of `a`.
    let dev = Cpu::default();
    let a = dev.tensor([[1.0f32, 2.0], [-3.0, 0.0]]);
    let found = gradient_of_cubes(a);
    assert!(
        found == [[3.0, 12.0], [27.0, 0.0]],
        "The slope of a cube is three times the square: [[3, 12], [27, 0]]; yours is {found:?}."
    );
    Ok(())
}
