//! # Shapes the compiler checks
//!
//! Tensors whose sizes are in their types, a gradient, and encoders, losses and data that only fit together where they
//! should.

use selfsame::prelude::*;
use selfsame_tutorials::{claim, save, section, section_within};

fn main() -> Result<(), selfsame::Error> {
    //| ## A tensor and its type
    section("tensor");
    // ANCHOR: tensor
    let dev = Cpu::default();
    let a: Tensor<Rank2<3, 4>, f32, Cpu> =
        dev.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0], [2.0, 2.0, 2.0, 2.0]]);
    let b: Tensor<Rank2<4, 2>, f32, Cpu> = dev.ones();
    let product: Tensor<Rank2<3, 2>, f32, Cpu> = a.clone().matmul(b.clone());
    println!("{:?}", product.array());
    // ANCHOR_END: tensor
    claim(
        "3x4 times 4x2 is 3x2",
        product.array() == [[10.0, 10.0], [2.0, 2.0], [8.0, 8.0]],
    );

    //| ## Reductions, broadcasts, permutations
    //|
    //| The type says along which axis. What it becomes is in the type as well.
    section("axes");
    // ANCHOR: axes
    let of_rows: Tensor<Rank1<3>, f32, Cpu> = a.clone().mean::<_, Axis<1>>();
    let of_columns: Tensor<Rank1<4>, f32, Cpu> = a.clone().mean::<_, Axis<0>>();
    let centred: Tensor<Rank2<3, 4>, f32, Cpu> =
        a.clone() - of_columns.clone().broadcast();
    let turned: Tensor<Rank2<4, 3>, f32, Cpu> = a.clone().permute();
    println!("means of rows {:?}", of_rows.array());
    println!("means of columns {:?}", of_columns.array());
    println!("centred, first row {:?}", centred.array()[0]);
    println!("turned, first row {:?}", turned.array()[0]);
    // ANCHOR_END: axes

    //| ## A gradient
    //|
    //| The gradient of the sum of squares is twice the tensor. A small step in one number checks it.
    section("gradient");
    // ANCHOR: gradient
    fn sum_of_squares(t: &Tensor<Rank2<3, 4>, f32, Cpu>) -> f32 {
        t.clone().square().sum::<Rank0, _>().array()
    }
    let gradients = a.leaky_trace().square().sum::<Rank0, _>().backward();
    let gradient = gradients.get(&a).array();
    let mut moved = a.array();
    moved[0][2] += 0.01;
    let slope = (sum_of_squares(&dev.tensor(moved)) - sum_of_squares(&a)) / 0.01;
    println!("by the tape {:.2}, by a small step {slope:.2}", gradient[0][2]);
    // ANCHOR_END: gradient
    claim("both agree to 0.05", (slope - gradient[0][2]).abs() < 0.05);

    //| ## A batch whose size is known only at run time
    //|
    //| The width is in the type, the number of rows is a number.
    section("run_time");
    // ANCHOR: run_time
    let rows = 5;
    let batch: Tensor<(usize, Const<4>), f32, Cpu> = dev.ones_like(&(rows, Const));
    let projected: Tensor<(usize, Const<2>), f32, Cpu> = batch.matmul(b.clone());
    println!("{} rows of {}", projected.shape().0, b.array()[0].len());
    // ANCHOR_END: run_time

    //| What cannot be known before is checked when it runs, and said in words: NT-Xent needs two views of two samples or
    //| more, so an even number of rows.
    section("refused");
    // ANCHOR: refused
    let odd: Tensor<(usize, Const<4>), f32, Cpu> = dev.ones_like(&(rows, Const));
    match nt_xent(odd, 0.5) {
        Ok(loss) => println!("loss {}", loss.array()),
        Err(e) => println!("{e}"),
    }
    // ANCHOR_END: refused

    //| ## Encoders, data and losses
    //|
    //| An encoder's type names its images and the features that come out, an objective's type the encoder.
    section_within("encoder", 10);
    // ANCHOR: encoder
    type Picture = Image<1, 8, 8>;
    type Encoder = Vit<Picture, 4, 32, 2, 4>; // patches of 4, width 32, 2 layers, 4 heads
    let digits = Digits::load()?; // a Dataset<Image<1, 8, 8>>
    let normalise = Normalise::of(&digits.train(), 1000)?;
    let two_views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
    let mut simclr =
        SimClr::<Encoder, 16>::new(&AutoDevice::default(), SimClrConfig::default())?;
    println!("{}", simclr.encoder().describe());
    let progress = Trainer::new(&AutoDevice::default()).epochs(1).fit(
        &mut simclr,
        &digits,
        &two_views,
    )?;
    println!(
        "after {} steps the loss is {:.2}",
        progress.steps_done,
        progress.losses()[0]
    );
    // ANCHOR_END: encoder
    claim("five steps of 256 images are an epoch", progress.steps_done == 5);

    //| The views it compared, each beside its image:
    section("views");
    // ANCHOR: views
    let pictures = two_views.pictures(&digits.train(), 0)?;
    println!("{} pictures", pictures.len());
    // ANCHOR_END: views
    save("02_views", &pictures.figure()?)?;
    //= pictures
    Ok(())
}
