//! What is obeyed and what is not, and who gets in: files of the working folder and above the cache, other users, what
//! killed sessions leave, and damage.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;

use crate::program::{path, selfsame, Ended};
use crate::session::{ended, warm};

/// A folder of somebody who would like to run a program as whoever works in it: each file names one that leaves a mark.
struct Trap {
    folder: tempfile::TempDir,
}

impl Trap {
    fn new() -> Trap {
        let trap = Trap { folder: tempfile::tempdir().unwrap() };
        let at = trap.folder.path();
        let mark = trap.mark();
        let script = format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexec \"$@\"\n", mark.display());
        for program in ["wrapper", "toolchain/bin/rustc", "toolchain/bin/cargo"] {
            write(&at.join(program), &script);
            executable(&at.join(program));
        }
        write(&at.join("toolchain/lib/empty"), "");
        let (wrapper, toolchain) = (at.join("wrapper"), at.join("toolchain"));
        let place = trap.place();
        write(
            &place.join("evcxr.toml"),
            &format!("[evcxr]\nsccache = {wrapper:?}\nprelude = \"panic!()\"\n"),
        );
        let cargo = format!(
            "[build]\nrustc-wrapper = {wrapper:?}\ntarget-dir = \"elsewhere\"\ntarget = \"none\"\n\n\
             [profile.dev]\npanic = \"abort\"\n\n[net]\noffline = true\n\n[env]\nSELFSAME_THREADS = \"no\"\n"
        );
        write(&place.join(".cargo/config.toml"), &cargo);
        write(&place.join("rust-toolchain.toml"), &format!("[toolchain]\npath = {toolchain:?}\n"));
        write(&place.join("Cargo.toml"), "[workspace]\nmembers = [\"nothing\"]\n");
        write(&place.join("rustfmt.toml"), "max_width = 1\n");
        write(&place.join(".env"), "SELFSAME_SEED=no\n");
        write(&place.join("config.json"), "no");
        write(&place.join("config.toml"), "theme = \"no\"\n");
        write(&place.join("init.evcxr"), ":dep no = \"1\"\n");
        write(&place.join("prelude.rs"), "panic!();\n");
        trap
    }

    /// Where the files are.
    fn place(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join("mark")
    }

    #[track_caller]
    fn is_not_sprung(&self) {
        let mark = fs::read_to_string(self.mark()).unwrap_or_default();
        assert_eq!(mark, "", "programs that files here name were run");
    }
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

#[cfg(unix)]
fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Cargo, which runs this test, says with which toolchain; a user's shell does not.
fn without_cargo(command: &mut Command) {
    for name in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC"] {
        command.env_remove(name);
    }
}

#[test]
fn nothing_in_the_working_folder_is_obeyed() {
    let trap = Trap::new();
    for folder in [trap.place(), trap.place().join("below")] {
        fs::create_dir_all(&folder).unwrap();
        let mut command = warm(&folder);
        without_cargo(&mut command);
        command.env("XDG_CONFIG_HOME", trap.folder.path()).env("XDG_DATA_HOME", trap.folder.path());
        // The folder is still the one that cells and commands work in.
        command.write_stdin(
            "1 + 1\n\nstd::env::current_dir().unwrap().ends_with(\"elsewhere\")\n\n:restart\n\n3 + 4\n",
        );
        let ended = ended(&mut command);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "2\nfalse\n7\n"), "{}", ended.stderr);
        trap.is_not_sprung();
        let mut doctor = selfsame(&folder);
        without_cargo(&mut doctor);
        assert!(doctor.arg("doctor").output().unwrap().status.success());
        trap.is_not_sprung();
    }
}

#[test]
fn cells_work_in_the_folder_the_program_was_started_in() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("it/src/lib.rs"), "pub fn answer() -> i32 { 42 }\n");
    write(&folder.path().join("it/Cargo.toml"), "[package]\nname = \"it\"\nversion = \"1.0.0\"\n");
    let here = folder.path().canonicalize().unwrap();
    let mut command = warm(folder.path());
    command.write_stdin(":dep it = { path = \"it\" }\n\nit::answer()\n\nstd::env::current_dir().unwrap()\n");
    let ended = ended(&mut command);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), format!("42\n{here:?}\n").as_str()),
        "{}",
        ended.stderr
    );
}

/// A session whose cache is `cache`, which there was not before; with a crate of its own and a restart.
#[track_caller]
fn begins(cache: &Path, trap: Option<&Trap>) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("it/src/lib.rs"), "pub fn answer() -> i32 { 42 }\n");
    write(&folder.path().join("it/Cargo.toml"), "[package]\nname = \"it\"\nversion = \"1.0.0\"\n");
    let mut command = warm(folder.path());
    without_cargo(&mut command);
    command.env("SELFSAME_CACHE_DIR", cache);
    command.write_stdin(
        "let a: Vec<f32> = vec![0.5; 3];\n\na.iter().sum::<f32>()\n\n\
         :dep it = { path = \"it\" }\n\nit::answer()\n\nstd::env::current_dir().is_ok()\n",
    );
    let ended = ended(&mut command);
    if let Some(trap) = trap {
        trap.is_not_sprung();
    }
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1.5\n42\ntrue\n"), "{}", ended.stderr);
    ended
}

#[test]
fn a_cache_stands_for_itself_under_a_workspace_and_beside_settings_of_cargo() {
    let trap = Trap::new();
    begins(&trap.place(), Some(&trap));
}

#[test]
fn a_cache_may_have_spaces_and_any_letters_in_its_name() {
    let root = tempfile::tempdir().unwrap();
    begins(&root.path().join("Jané Doe's \"größe\", 日本 e\u{301}"), None);
}

#[cfg(unix)]
#[test]
fn a_cache_may_lie_behind_a_link() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("real/deep")).unwrap();
    std::os::unix::fs::symlink(root.path().join("real/deep"), root.path().join("link")).unwrap();
    begins(&root.path().join("link/cache"), None);
}

#[cfg(unix)]
#[test]
fn what_a_session_makes_is_for_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let cache = crate::session::cache().join("cells");
    let mut command = warm(folder.path());
    command.env("TMPDIR", &temporary);
    command.write_stdin(format!(
        "1 + 1\n\n!stat -c %a '{0}' '{0}'/settings '{0}'/settings/session-* 2>/dev/null || true\n\n!ls -A {1}\n\n\
         !echo \"${{EVCXR_CONFIG_DIR-unset}} ${{__CARGO_TEST_ROOT-unset}} ${{RUST_SRC_PATH-unset}}\"\n\n\
         [\"EVCXR_CONFIG_DIR\", \"__CARGO_TEST_ROOT\", \"RUST_SRC_PATH\"].iter().all(|name| std::env::var(name).is_err())\n",
        cache.display(),
        temporary.display()
    ));
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let modes: Vec<&&str> = lines.iter().filter(|line| line.len() == 3).collect();
    assert!(modes.len() >= 3 && modes.iter().all(|mode| **mode == "700"), "{}", ended.stdout);
    assert!(lines.contains(&"unset unset unset"), "what is ours is not a command's: {}", ended.stdout);
    assert_eq!(lines.last(), Some(&"true"), "nor a cell's: {}", ended.stdout);
    assert!(!ended.stdout.contains("selfsame-"), "nothing is in the folder all share: {}", ended.stdout);
}

#[cfg(unix)]
#[test]
fn a_killed_session_leaves_nothing_behind_for_long() {
    let root = tempfile::tempdir().unwrap();
    let settings = root.path().join("cells/settings");
    let there = || fs::read_dir(&settings).map_or(0, Iterator::count);
    let mut killed = Process::new(path())
        .env("SELFSAME_CACHE_DIR", root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while there() == 0 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(there(), 1, "it was killed before it had a folder, or has removed it");
    let folder = tempfile::tempdir().unwrap();
    let mut command = warm(folder.path());
    let next = ended(command.env("SELFSAME_CACHE_DIR", root.path()).write_stdin("1 + 1\n"));
    assert_eq!((next.code, next.stdout.as_str()), (Some(0), "2\n"), "{}", next.stderr);
    assert_eq!(there(), 0);
}

/// A user who is nobody's, and a command as that user; `None`, said on stderr, where this test may not become one.
fn as_another(program: &Path) -> Option<Process> {
    let root = Process::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    let can = root && Process::new("setpriv").arg("--version").output().is_ok_and(|out| out.status.success());
    if !can {
        crate::skip::skip("only root, with setpriv, can do what another user does");
        return None;
    }
    let mut command = Process::new("setpriv");
    command.args(["--reuid=54321", "--regid=54321", "--clear-groups"]).arg(program);
    Some(command)
}

#[test]
fn another_users_cache_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    fs::create_dir(&shared).unwrap();
    for path in [folder.path(), &shared] {
        let mode = if path == shared { "1777" } else { "755" };
        assert!(Process::new("chmod").arg(mode).arg(path).status().unwrap().success());
    }
    let Some(mut other) = as_another(Path::new("mkdir")) else { return };
    assert!(other.arg("-p").arg(shared.join("cells/settings")).status().unwrap().success());
    let mut command = warm(folder.path());
    let ended = ended(command.env("SELFSAME_CACHE_DIR", &shared).write_stdin(":methods\n\n1 + 1\n"));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("simclr"), "commands need no cache: {}", ended.stdout);
    assert!(
        ended.stderr.contains("belongs to another user (number 54321)")
            && ended.stderr.contains("SELFSAME_CACHE_DIR"),
        "{}",
        ended.stderr
    );
    let left = fs::read_dir(shared.join("cells/settings")).unwrap().count();
    assert_eq!(left, 0, "nothing is written there");
}

#[test]
fn without_a_home_cells_say_what_to_set_and_use_no_folder_that_all_share() {
    // A user whom the system knows nothing of.
    let folder = tempfile::tempdir().unwrap();
    assert!(Process::new("chmod").arg("1777").arg(folder.path()).status().unwrap().success());
    let Some(mut other) = as_another(path()) else { return };
    other.args(["-c", "1 + 1"]).current_dir(folder.path()).env("TMPDIR", folder.path()).env_remove("HOME");
    for name in ["SELFSAME_CACHE_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        other.env_remove(name);
    }
    let out = other.output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("SELFSAME_CACHE_DIR") && said.contains("no home folder is known"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_library_is_made_anew_in_one_line() {
    let root = tempfile::tempdir().unwrap();
    let call = |words: &[&str], input: &str| {
        let mut command = warm(root.path());
        ended(command.env("SELFSAME_CACHE_DIR", root.path().join("cache")).args(words).write_stdin(input))
    };
    let warmed = call(&["warm"], "");
    assert_eq!(warmed.code, Some(0), "{}", warmed.stderr);
    assert!(call(&["doctor"], "").stdout.contains("their library is compiled, and whole"));
    let mut session =
        fs::read_dir(root.path().join("cache/cells")).unwrap().map(|entry| entry.unwrap().path());
    let session = session.find(|path| path.join("slot-0").is_dir()).unwrap();
    let library = || {
        let mut files =
            fs::read_dir(session.join("slot-0/compiled")).unwrap().map(|entry| entry.unwrap().path());
        files.find(|file| file.to_string_lossy().contains("libselfsame_dylib.")).unwrap()
    };
    // A power cut, a kill while it was linked, and a disk that was full.
    fs::write(library(), "").unwrap();
    fs::create_dir_all(session.join("slot-0/linking/rmeta")).unwrap();
    fs::write(session.join("library/Cargo.lock"), "[[package]]\nname =").unwrap();
    write(&session.join("slot-0/cells/Cargo.lock"), "[[pack");
    fs::remove_file(session.join("standard-library/core/src/lib.rs")).unwrap();
    let found = call(&["doctor"], "").stdout;
    assert!(found.contains("1 file of their library is damaged"), "{found}");
    let mended = call(&[], "1 + 1\n");
    assert_eq!((mended.code, mended.stdout.as_str()), (Some(0), "2\n"), "{}", mended.stderr);
    assert_eq!(mended.stderr.matches("is made anew").count(), 1, "{}", mended.stderr);
    let next = call(&[], "1 + 1\n");
    assert_eq!((next.code, next.stdout.as_str()), (Some(0), "2\n"), "{}", next.stderr);
    assert!(!next.stderr.contains("anew"), "{}", next.stderr);
    // Other bytes in the middle, as many as before.
    let mut bytes = fs::read(library()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0);
    fs::write(library(), &bytes).unwrap();
    let warmed = call(&["warm"], "");
    assert!(warmed.code == Some(0) && warmed.stderr.contains("is made anew"), "{}", warmed.stderr);
    assert!(call(&["doctor"], "").stdout.contains("their library is compiled, and whole"));
}
