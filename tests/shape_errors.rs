//! What the compiler says when shapes do not fit: both of them, in words.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The newest build of the library beside this test's own program.
pub fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let built = |path: &Path| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("libselfsame-") && name.ends_with(".rlib")
        })
        .max_by_key(|path| built(path))
        .expect("cargo builds the library before this test")
}

/// Compiles a program around `body` and returns what rustc says, which must be an error.
fn refused(body: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("program.rs");
    let program = format!(
        "use selfsame::prelude::*;\nfn main() {{ run().unwrap(); }}\nfn run() -> Result<(), selfsame::Error> {{\n\
         let dev = Cpu::default();\n{body}\nOk(())\n}}\n"
    );
    std::fs::write(&source, program).unwrap();
    let library = library();
    let output = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()))
        .args(["--edition", "2021", "--emit", "obj", "-o"])
        .arg(folder.path().join("program.o"))
        .arg("--extern")
        .arg(format!("selfsame={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", library.parent().unwrap().display()))
        .arg(&source)
        .output()
        .unwrap();
    assert!(!output.status.success(), "this must not compile:\n{body}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_patch_that_does_not_divide_the_image() {
    let said = refused(
        "Vit::<Image<1, 28, 28>, 5, 128, 4, 4, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;",
    );
    assert!(said.contains("patch 5 does not divide height 28"), "{said}");
}

#[test]
fn heads_that_do_not_divide_the_width() {
    let said = refused(
        "Vit::<Image<1, 28, 28>, 4, 128, 4, 3, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;",
    );
    assert!(said.contains("3 heads do not divide width 128"), "{said}");
}

#[test]
fn features_that_cannot_be_halved_often_enough() {
    let said =
        refused("ConvNet::<Image<3, 32, 32>, 100, 4, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;");
    assert!(said.contains("100 features cannot be halved 3 times, as 4 stages need"), "{said}");
}

#[test]
fn data_of_another_shape_than_the_encoder_takes() {
    let said = refused(
        "let mut simclr = SimClr::<ConvNet<Image<3, 32, 32>, 64, 3, Cpu>, 32, Cpu>::new(&dev, Default::default())?;\n\
         Trainer::new(&dev).fit(&mut simclr, &Digits::load()?, &views::glyphs(Size::of::<Image<1, 8, 8>>()))?;",
    );
    // The compiler may write types with their path.
    let said = said.replace("selfsame::shape::", "");
    let expected = "the encoder takes Image<3, 32, 32>, the data are a Dataset<Image<1, 8, 8>>";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_head_for_other_features_than_the_encoder_gives() {
    let said = refused(
        "let rng = &mut selfsame::random::stream(&[0]);\n\
         let encoder = ConvNet::<Image<1, 8, 8>, 128, 3, Cpu>::new(&dev, rng)?;\n\
         let head = Projector::<Const<256>, Const<256>, Const<64>, Cpu>::new(&dev, Const, Const, Const, rng)?;\n\
         let images = dfdx_images(&dev);\n\
         head.forward(encoder.forward(images, Mode::Eval)?, Mode::Eval)?;\n\
         fn dfdx_images(_: &Cpu) -> selfsame::nn::Images<Image<1, 8, 8>, Cpu> { unimplemented!() }",
    );
    assert!(said.contains("256") && said.contains("128"), "{said}");
}

#[test]
fn a_convolution_that_ends_in_another_size() {
    let said = refused(
        "let rng = &mut selfsame::random::stream(&[0]);\n\
         let conv = Conv2d::<Const<1>, Const<8>, 3, 2, 1, Cpu>::new(&dev, Const, Const, rng)?;\n\
         fn images(_: &Cpu) -> selfsame::nn::Images<Image<1, 28, 28>, Cpu> { unimplemented!() }\n\
         let _: selfsame::nn::Images<Image<8, 13, 13>, Cpu> = conv.forward(images(&dev))?;",
    );
    let expected = "a 3x3 kernel with stride 2 and padding 1 turns 28 into 14, not 13";
    assert!(said.contains(expected), "{said}");
}
