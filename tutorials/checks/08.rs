//! Checks of lesson 8: `selfsame check 08`.

fn main() -> Result<(), selfsame::Error> {
    //# schedule
    //? Two cases: `step < warmup`, and all others.
    //? The way is `(step - warmup) as f64 / (total - 1 - warmup) as f64`; take care to divide as f64.
    let library = selfsame::optim::Cosine::new(0.1, 10, 100);
    for step in [0, 4, 9, 10, 30, 55, 98, 99] {
        let (yours, expected) = (schedule(step, 10, 100, 0.1), library.at(step as u64));
        assert!(
            (yours - expected).abs() < 1e-9,
            "At step {step} of 100 with 10 of warm-up and a peak of 0.1 it is {expected:.6}; yours is {yours:.6}."
        );
    }

    //# steps
    //? A division of whole numbers drops what is left over.
    //? Batches of one epoch first, then times the epochs: leftovers of two epochs make no batch.
    let one = steps(1293, 256, 1);
    assert!(one == 5, "1293 images make 5 whole batches of 256; yours is {one}.");
    let many = steps(1293, 256, 20);
    assert!(many == 100, "Twenty epochs of 5 are 100; yours is {many}. Leftovers of epochs do not add up to batches.");

    //# may_mirror
    //? Would somebody who sees the mirrored image call it the same?
    //? `!matches!(things, "digits" | "letters" | "road signs")`.
    assert!(may_mirror("dogs") && may_mirror("clouds"), "A mirrored dog is a dog, and so it is with clouds.");
    assert!(!may_mirror("digits"), "A mirrored 2 is no digit at all: the view would tell the encoder to ignore that.");
    assert!(!may_mirror("road signs"), "A mirrored arrow points the other way.");
    assert!(may_mirror("cars"), "A mirrored car is a car.");
    Ok(())
}
