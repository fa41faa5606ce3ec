//! The library as somebody else's program has it: from the README, outside the workspace, and in its packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shape_errors::library;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The blocks of a language in the README's section on the library.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = text.split("\n## The library\n").nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    section.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_string()).collect()
}

/// A crate in a folder of its own, as the README says to make one, whose dependency's path is this checkout's.
fn crate_of_ones_own(folder: &Path) {
    let manifest = blocks("toml").concat();
    let path = root().join("src/selfsame");
    let dependency = manifest.replace("selfsame/src/selfsame", path.to_str().unwrap());
    assert!(dependency.contains(path.to_str().unwrap()), "{manifest}");
    let manifest =
        format!("[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n{dependency}");
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/main.rs"), blocks("rust").concat()).unwrap();
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

#[test]
fn the_readme_s_dependency_is_all_that_a_crate_outside_the_workspace_needs() {
    let folder = tempfile::tempdir().unwrap();
    crate_of_ones_own(folder.path());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let out = Command::new(cargo)
        .args(["tree", "--offline", "--depth", "1", "--prefix", "none"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (tree, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}");
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["mine", "selfsame"], "{tree}");
}

/// Compiling everything below the library anew would take minutes, so its own build beside this test is linked.
#[test]
fn the_readme_s_program_compiles_runs_and_leaves_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    crate_of_ones_own(folder.path());
    let (library, program) = (library(), folder.path().join("mine"));
    let out = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()))
        .args(["--edition", "2021", "-Copt-level=1", "-Dwarnings", "-o"])
        .arg(&program)
        .arg("--extern")
        .arg(format!("selfsame={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", library.parent().unwrap().display()))
        .arg(folder.path().join("src/main.rs"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let ran = Command::new(&program).current_dir(folder.path()).output().unwrap();
    let (said, printed) = (String::from_utf8_lossy(&ran.stderr), String::from_utf8_lossy(&ran.stdout));
    assert!(ran.status.success(), "{said}");
    assert!(printed.contains("losses [") && printed.contains("images of 64 features"), "{printed}");
    let run = folder.path().join("runs/mine");
    assert!(run.join("metrics.jsonl").is_file() && run.join("checkpoint/latest.json").is_file());
    assert_eq!(
        selfsame::weights::header(run.join("encoder.safetensors")).unwrap().recipe,
        "SimCLR on digits"
    );
}

/// The same lines in cells: the types, then the body of `main`.
#[test]
fn the_readme_s_program_runs_in_cells() {
    let program = blocks("rust").concat();
    let (types, rest) = program.split_once("fn main() -> Result<(), selfsame::Error> {\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let body =
        rest.split("    Ok(())\n}").next().unwrap().replace("runs/mine", folder.path().to_str().unwrap());
    let ended = crate::session::script(&format!("{types}\n{body}\n"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("images of 64 features"), "{}", ended.stdout);
}

#[test]
fn published_packages_have_licences_a_readme_and_what_registries_ask_for() {
    for package in ["selfsame", "selfsame-repl", "selfsame-dylib"] {
        let folder = root().join("src").join(package);
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let (ours, its) =
                (std::fs::read(root().join(licence)).unwrap(), std::fs::read(folder.join(licence)));
            assert!(its.is_ok_and(|text| text == ours), "{licence} of {package} is the repository's");
        }
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let out = Command::new(cargo)
            .args(["package", "--list", "--allow-dirty", "--offline", "-p", package])
            .current_dir(root())
            .output()
            .unwrap();
        let listed = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        for file in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "Cargo.toml"] {
            assert!(listed.lines().any(|line| line == file), "{package} has no {file}:\n{listed}");
        }
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for key in [
            "description = ",
            "keywords = ",
            "categories = ",
            "readme = ",
            "license.workspace",
            "rust-version",
        ] {
            assert!(manifest.contains(key), "{package} says no {key}");
        }
    }
}
