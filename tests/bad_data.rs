//! Missing, cut and inconsistent files: exit code 1, the file named, nothing left behind.

use std::fs;
use std::path::Path;

use crate::program::call;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";

fn idx_images(magic: u32, count: u32, height: u32, width: u32, pixels: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = [magic, count, height, width].iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend((0..pixels).map(|i| (i * 37 % 251) as u8));
    bytes
}

fn idx_labels(count: u32, labels: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = [2049, count].iter().flat_map(|n: &u32| n.to_be_bytes()).collect();
    bytes.extend((0..labels).map(|i| (i % 10) as u8));
    bytes
}

/// A small set in MNIST's form, whole.
fn write_mnist(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (part, n) in [("train", 60), ("t10k", 20)] {
        fs::write(
            folder.join(format!("{part}-images-idx3-ubyte")),
            idx_images(2051, n, 28, 28, n as usize * 784),
        )
        .unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx_labels(n, n as usize)).unwrap();
    }
}

/// Puts `bytes` in the place of one file of a whole set, and wants the file and `parts` in the message.
#[track_caller]
fn refused_idx(file: &str, bytes: &[u8], parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("m"));
    let plain = folder.path().join("m").join(file.trim_end_matches(".gz"));
    fs::remove_file(plain).unwrap();
    fs::write(folder.path().join("m").join(file), bytes).unwrap();
    for line in ["data info mnist:m", "train simclr mnist:m --epochs 1"] {
        let ended = call(folder.path(), line);
        ended.fails(1, &[file]);
        ended.fails(1, parts);
    }
    assert!(!folder.path().join("runs").exists(), "a run was started");
}

#[test]
fn the_whole_set_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("m"));
    let info = call(folder.path(), "data info mnist:m");
    assert!(info.succeeds().contains("1x28x28"), "{}", info.stdout);
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for form in ["mnist", "cifar10", "cifar100", "folder"] {
        for command in ["data info", "train simclr"] {
            call(folder.path(), &format!("{command} {form}:nowhere")).fails(1, &["nowhere"]);
        }
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    call(folder.path(), "data info mnist:empty").fails(1, &["empty", TRAIN_IMAGES]);
    call(folder.path(), "data info cifar10:empty").fails(1, &["empty", "data_batch_1.bin"]);
    call(folder.path(), "data info folder:empty").fails(1, &["empty", "PNG"]);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn gzip_that_is_none_or_is_cut() {
    // The beginning of a gzip stream of eight stored bytes, then nothing.
    let cut = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 8, 0, 0xf7, 0xff, 0, 0, 8];
    refused_idx("train-images-idx3-ubyte.gz", &cut, &["expected"]);
    refused_idx("train-images-idx3-ubyte.gz", b"<html>not found</html>", &["expected"]);
}

#[test]
fn idx_headers_that_are_wrong() {
    refused_idx(
        TRAIN_IMAGES,
        &idx_images(2049, 60, 28, 28, 60 * 784),
        &["byte 0", "0x00000803", "0x00000801"],
    );
    refused_idx(TRAIN_IMAGES, &idx_images(2051, 60, 32, 32, 60 * 1024), &["28x28", "32x32"]);
    refused_idx(TRAIN_IMAGES, &idx_images(2051, 0, 28, 28, 0), &["zero images"]);
    refused_idx(TRAIN_IMAGES, &idx_images(2051, 61, 28, 28, 60 * 784), &["expected"]);
    refused_idx(TRAIN_IMAGES, &idx_images(2051, u32::MAX, 28, 28, 784), &["expected"]);
    refused_idx(TRAIN_IMAGES, &idx_images(2051, 59, 28, 28, 60 * 784), &["expected"]);
    refused_idx(TRAIN_IMAGES, &[0, 0, 8], &["expected"]);
    refused_idx(TRAIN_IMAGES, &[], &["expected"]);
}

#[test]
fn labels_that_do_not_go_with_the_images() {
    refused_idx(TRAIN_LABELS, &idx_labels(59, 59), &["59", "60"]);
    refused_idx(TRAIN_LABELS, &idx_labels(60, 59), &["expected"]);
}

#[test]
fn cifar_files_of_a_wrong_length() {
    let folder = tempfile::tempdir().unwrap();
    let write = |last: usize| {
        fs::create_dir_all(folder.path().join("c")).unwrap();
        for name in
            ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        {
            let length = if name == "data_batch_3" { last } else { 20 * 3073 };
            let bytes: Vec<u8> =
                (0..length).map(|i| if i % 3073 == 0 { (i / 3073 % 10) as u8 } else { 80 }).collect();
            fs::write(folder.path().join(format!("c/{name}.bin")), bytes).unwrap();
        }
    };
    write(20 * 3073 - 1);
    call(folder.path(), "data info cifar10:c").fails(1, &["data_batch_3.bin", "3073"]);
    write(0);
    call(folder.path(), "data info cifar10:c").fails(1, &["data_batch_3.bin"]);
}

#[test]
fn an_image_that_cannot_be_decoded_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        fs::create_dir_all(folder.path().join("f").join(class)).unwrap();
        for i in 0..20 {
            let file = folder.path().join(format!("f/{class}/{i}.png"));
            image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 7, y as u8 * 7, i]))
                .save(file)
                .unwrap();
        }
    }
    let whole = fs::read(folder.path().join("f/b/7.png")).unwrap();
    for damaged in [&whole[..40], b"no picture"] {
        for i in 0..20 {
            fs::write(folder.path().join(format!("f/b/{i}.png")), damaged).unwrap();
        }
        call(folder.path(), "train simclr folder:f --epochs 1 --batch-size 8").fails(1, &["f/b/", ".png"]);
        if folder.path().join("runs").exists() {
            fs::remove_dir_all(folder.path().join("runs")).unwrap();
        }
    }
}
