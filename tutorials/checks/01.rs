//! Checks of lesson 1: `selfsame check 01`.

fn main() -> Result<(), selfsame::Error> {
    //# turned_left
    //? Which old pixel comes to row 0, column 0? The last of the old row 0.
    //? The new pixel (y, x) is the old pixel in row x and column side - 1 - y.
    let small = turned_left(&[1.0, 2.0, 3.0, 4.0], 2);
    assert!(small == [2.0, 4.0, 1.0, 3.0], "Rows 1 2 and 3 4 turned to the left are 2 4 and 1 3; yours is {small:?}.");
    let image: Vec<f32> = (0..9).map(|v| v as f32).collect();
    let mut around = image.clone();
    for _ in 0..4 {
        around = turned_left(&around, 3);
    }
    assert!(around == image, "Four turns are no turn; yours made {around:?} of {image:?}.");

    //# rotation_task
    //? Two loops: over images, and over the turns 0 to 3. Push a clone, then turn.
    //? The first entry of each image is the image itself with label 0.
    let task = rotation_task(&[vec![1.0, 2.0, 3.0, 4.0], vec![0.0; 4]], 2);
    assert!(task.len() == 8, "Two images make eight labelled ones; yours are {}.", task.len());
    let labels: Vec<u32> = task.iter().map(|(_, label)| *label).collect();
    assert!(labels == [0, 1, 2, 3, 0, 1, 2, 3], "Labels count the turns of each image; yours are {labels:?}.");
    assert!(task[0].0 == [1.0, 2.0, 3.0, 4.0], "Label 0 belongs to the image as it is; yours has {:?}.", task[0].0);
    assert!(task[2].0 == [4.0, 3.0, 2.0, 1.0], "Two turns put it upside down; yours has {:?}.", task[2].0);

    //# hours_of_labelling
    //? Images times share is the number of labels; an hour has 3600 seconds.
    //? `images as f64 * share * seconds / 3600.0`.
    let all = hours_of_labelling(1_000_000, 1.0, 3.6);
    assert!((all - 1000.0).abs() < 1e-6, "A million labels of 3.6 seconds are 1000 hours; yours is {all}.");
    let few = hours_of_labelling(1_000_000, 0.01, 3.6);
    assert!((few - 10.0).abs() < 1e-6, "One in a hundred is 10 hours; yours is {few}.");
    Ok(())
}
