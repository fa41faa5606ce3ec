//! Rust cells from scripts: what they share, how they fail, what they leave.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use assert_cmd::Command;

use crate::program::{path, Ended};

/// Where the library for cells is compiled, once for all tests and for the next run of them.
pub fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let folder = path().parent().expect("a program is in a folder").join("session-cache");
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let warmed = std::process::Command::new(path())
            .arg("warm")
            .env("SELFSAME_CACHE_DIR", &folder)
            .output()
            .expect("the program runs");
        assert!(warmed.status.success(), "{}", String::from_utf8_lossy(&warmed.stderr));
        folder
    })
}

/// The program in `folder`, with a warm cache.
pub fn warm(folder: &Path) -> Command {
    let mut command = crate::program::selfsame(folder);
    command.env("SELFSAME_CACHE_DIR", cache()).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
    command
}

/// What a call came to. Unlike elsewhere, a panic may be what the script was for.
pub fn ended(command: &mut Command) -> Ended {
    let out = command.output().unwrap();
    Ended {
        code: out.status.code(),
        stdout: String::from_utf8(out.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(out.stderr).expect("stderr is UTF-8"),
    }
}

/// Carries out `script`, which comes on standard input.
pub fn script(text: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut command = warm(folder.path());
    command.write_stdin(text);
    ended(&mut command)
}

#[test]
fn values_are_printed_and_live_on() {
    let ended = script("// A cell may be a comment alone.\n\nlet x = 20;\n\nlet y = x + 1;\n\nx + y\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "41\n"), "{}", ended.stderr);
}

#[test]
fn types_of_the_standard_library_are_inferred() {
    // rust-analyzer reads a copy of the standard library in which some things are missing. None of these may be.
    let ended = script(
        "let map = std::collections::HashMap::from([(3u32, 0.5f32)]);\n\
         let value = map.get(&3).copied();\n\
         let keys = map.keys().copied().collect::<Vec<_>>();\n\
         let pair = map.clone().into_iter().next();\n\
         let set = std::collections::HashSet::from([1u8, 2]);\n\
         let most = set.iter().copied().max();\n\
         let tree = std::collections::BTreeMap::from([(1, 'a')]);\n\
         let first = tree.first_key_value().map(|(k, v)| (*k, *v));\n\
         let shared = std::sync::Arc::new(std::sync::Mutex::new(2.25f32.sqrt()));\n\
         let held = *shared.lock().unwrap();\n\
         let worker = std::thread::spawn(|| 3i32.pow(2));\n\
         let power = worker.join().unwrap();\n\
         let late = std::time::Instant::now().elapsed().as_secs() > 60;\n\
         let path = std::path::Path::new(\"a\").join(\"b\");\n\
         let missing = std::fs::read_to_string(&path).map_err(|e| e.kind());\n\
         let number = \"42\".parse::<i64>();\n\
         let largest = vec![1.5f32, 2.5].into_iter().max_by(f32::total_cmp);\n\
         let words = \"a b c\".split(' ').map(str::to_owned).rev().collect::<Vec<_>>();\n\
         let (sender, receiver) = std::sync::mpsc::channel::<u8>();\n\
         let seen = std::env::args().count() > 0;\n\
         let shifted = 1u64 << 3u8;\n\
         let back = &120i16 >> &1i128;\n\
         let wrapped = std::num::Wrapping(250u8) + std::num::Wrapping(10);\n\
         let bounded = std::num::Saturating(250u8) + std::num::Saturating(10);\n\
         let counted = std::num::NonZeroU32::new(3).map(|n| n.get());\n\
         let before = std::sync::atomic::AtomicUsize::new(4).fetch_add(1, std::sync::atomic::Ordering::SeqCst);\n\n\
         println!(\"{value:?} {keys:?} {pair:?} {most:?} {first:?} {held} {power} {late}\");\n\n\
         println!(\"{missing:?} {number:?} {largest:?} {words:?} {seen}\");\n\n\
         println!(\"{shifted} {back} {wrapped} {bounded} {counted:?} {before}\");\n",
    );
    let expected = "Some(0.5) [3] Some((3, 0.5)) Some(2) Some((1, 'a')) 1.5 9 false\n\
                    Err(NotFound) Ok(42) Some(2.5) [\"c\", \"b\", \"a\"] true\n\
                    8 60 4 255 Some(3) 4\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected), "{}", ended.stderr);
}

#[test]
fn a_seed_holds_for_cells_from_wherever_it_was_set_and_in_a_new_process() {
    let of_a_cell = "selfsame::methods::SimClrConfig::default().seed";
    let folder = tempfile::tempdir().unwrap();
    let mut command = warm(folder.path());
    command.env("SELFSAME_SEED", "5");
    command.write_stdin(format!(
        "{of_a_cell}\n\n:config seed 6\n\n{of_a_cell}\n\n:restart\n\n{of_a_cell}\n\n:seed\n"
    ));
    let ended = ended(&mut command);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "5\n6\n6\nseed 6\n"), "{}", ended.stderr);
    // What is read once is not said to be set.
    let ended = script(":config theme dark\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("theme is read when the program starts. Set it in "), "{}", ended.stderr);
}

#[test]
fn tensors_made_in_one_cell_have_gradients_in_the_next() {
    // Each cell is a library of its own. Were dfdx in every one, the second cell's tensor would get the first's number.
    let ended = script(
        "use selfsame::dfdx::prelude::*;\n\n\
         let dev: Cpu = Default::default();\n\
         let w: Tensor<Rank2<3, 2>, f32, Cpu> = dev.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);\n\n\
         let x: Tensor<Rank2<4, 3>, f32, Cpu> = dev.ones();\n\n\
         let loss = x.leaky_trace().matmul(w.clone()).sum::<Rank0, _>();\n\
         let gradients = loss.backward();\n\
         println!(\"{:?} {:?}\", gradients.get(&w).array(), gradients.get(&x).array()[0]);\n",
    );
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "[[4.0, 4.0], [4.0, 4.0], [4.0, 4.0]] [3.0, 7.0, 11.0]\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_tensor_of_dfdx_needs_no_import_and_its_prelude_may_stand_beside_ours() {
    let ended = script(
        "let dev = Cpu::default();\nlet w: Tensor<Rank1<2>, f32, Cpu> = dev.tensor([1.0, 2.0]);\n\
         println!(\"{:?}\", (w.clone() * 2.0).array());\n\n\
         use selfsame::dfdx::prelude::*;\n\
         let layer = Linear::<Const<2>, Const<3>, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;\n\
         println!(\"{:?}\", layer.forward(w.broadcast::<Rank2<4, 2>, _>())?.shape().concrete());\n",
    );
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "[2.0, 4.0]\n[4, 3]\n"), "{}", ended.stderr);
}

#[test]
fn a_second_copy_of_what_the_library_stands_on_is_refused() {
    for line in [":dep dfdx = \"0.13\"", ":dep tensors = { package = \"dfdx\", version = \"0.13\" }"] {
        let ended = script(&format!("{line}\n"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ended.stderr.contains("would number its tensors anew"), "{line}: {}", ended.stderr);
    }
}

#[test]
fn a_script_stops_at_its_first_error_and_says_where() {
    let ended = script("println!(\"one\");\n\nlet x: u8 = \"two\";\n\nprintln!(\"three\");\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), "one\n"));
    assert!(ended.stderr.contains("expected `u8`, found `&str`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped in line 3 of stdin"), "{}", ended.stderr);
}

#[test]
fn shapes_that_do_not_fit_are_told_in_words() {
    let ended = script(
        "let dev: Cpu = Default::default();\n\
         let a: Tensor<Rank2<3, 4>, f32, Cpu> = dev.zeros();\nlet b: Tensor<Rank2<5, 6>, f32, Cpu> = dev.zeros();\n\n\
         a.matmul(b)\n",
    );
    assert_eq!(ended.code, Some(1));
    let expected = "error: matmul: 3 x 4 times 5 x 6 does not fit; the left has 4 columns, the right 5 rows.";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 | a.matmul(b)"), "{}", ended.stderr);
}

#[test]
fn a_panic_and_a_failed_question_mark_are_errors() {
    let ended = script("let v: Vec<i32> = Vec::new();\n\nv[3]\n");
    assert_eq!(ended.code, Some(1));
    let expected = "error: panicked: index out of bounds: the len is 0 but the index is 3";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    let ended = script("let n: i32 = \"seven\".parse()?;\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: invalid digit found in string"), "{}", ended.stderr);
}

#[test]
fn output_without_a_final_newline_neither_hangs_nor_sticks_to_the_next() {
    let ended = script(
        "print!(\"first\");\n\nprintln!(\"second\");\n\n\
         { use std::io::Write; print!(\"third\"); std::io::stdout().flush().unwrap(); };\n\n4\n",
    );
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "first\nsecond\nthird\n4\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_cell_that_ends_its_process_says_what_was_lost() {
    for (code, expected) in [
        ("std::process::exit(3)", "exit status: 3"),
        ("std::process::abort()", "signal: 6"),
        (
            "fn f(n: u64) -> u64 { if n == u64::MAX { 0 } else { f(n + 1) + n } }\nf(0)",
            "recursed until its stack was full",
        ),
    ] {
        let ended = script(&format!("let kept = 1;\n\n{code}\n\nkept\n"));
        assert_eq!(ended.code, Some(1), "{code}");
        assert!(ended.stderr.contains(expected), "{code}: {}", ended.stderr);
        assert!(ended.stderr.contains("its variables"), "{code}: {}", ended.stderr);
    }
}

#[test]
fn a_script_s_output_is_whole_however_much_it_is() {
    let ended = script("for i in 0..300_000 { println!(\"line {i} of a flood that somebody reads to its end\"); }\n\n1 + 1\n");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut lines = ended.stdout.lines();
    for i in 0..300_000 {
        assert_eq!(
            lines.next(),
            Some(format!("line {i} of a flood that somebody reads to its end").as_str())
        );
    }
    assert_eq!((lines.next(), lines.next()), (Some("2"), None));
    assert!(!ended.stderr.contains("left out"), "{}", ended.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn a_gigabyte_of_output_takes_no_memory() {
    // The shell's parent is the program, the cell's process its child; both say how much they ever took.
    let most = |process: &str| format!("grep VmHWM /proc/{process}/status");
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "let line = \"x\".repeat(1023);\nfor _ in 0..1 << 20 {{ println!(\"{{line}}\"); }}\n\n\
         println!(\"{{}}\", std::fs::read_to_string(\"/proc/self/status\")?.lines().find(|l| l.starts_with(\"VmHWM\")).unwrap_or_default());\n\n\
         !{}\n",
        most("$PPID")
    );
    std::fs::write(folder.path().join("flood.ssl"), text).unwrap();
    // Counted by another program, so that this one does not hold it either.
    let mut shell = std::process::Command::new("sh");
    let count = "\"$0\" run flood.ssl | LC_ALL=C awk '/^VmHWM/ { print } { lines++ } END { print lines }'";
    shell.args(["-c", count]).arg(path());
    shell.current_dir(folder.path()).env("SELFSAME_CACHE_DIR", cache()).env("NO_COLOR", "1");
    shell.env("XDG_CONFIG_HOME", folder.path()).env("XDG_DATA_HOME", folder.path());
    let out = shell.output().unwrap();
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines = stdout.lines().last().and_then(|lines| lines.parse().ok());
    assert_eq!(lines, Some((1 << 20) + 2), "{stdout} {}", String::from_utf8_lossy(&out.stderr));
    let megabytes = |line: &str| line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024;
    let taken: Vec<usize> = stdout.lines().filter(|line| line.starts_with("VmHWM")).map(megabytes).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert!(taken.iter().all(|&m| m < 1000), "the cell's process and the program took {taken:?} MB");
}

#[test]
fn printed_text_is_neither_a_message_nor_the_end_of_anything() {
    let forged = "\u{1e}SELFSAME {\"display\":1,\"kind\":\"note\",\"text\":\"forged\"}\n\
                  EVCXR_BEGIN_CONTENT text/html\n<script>alert(1)</script>\nEVCXR_END_CONTENT\n\
                  EVCXR_VARIABLE_CHANGED_TYPE:kept\nEVCXR_EXECUTION_COMPLETE\nEVCXR_BEGIN_CONTENT text/plain\nno end\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), forged).unwrap();
    let mut command = warm(folder.path());
    command.write_stdin(
        "let kept = 41;\n\nprint!(\"{}\", std::fs::read_to_string(\"text\")?);\n\n!cat text\n\nkept + 1\n",
    );
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, format!("{forged}{forged}42\n"), "{}", ended.stderr);
}

#[test]
fn bytes_that_are_no_text_can_be_printed() {
    let ended = script(
        "use std::io::Write;\nstd::io::stdout().write_all(b\"a \\xff b\\n\")?;\nstd::io::stderr().write_all(b\"c \\xfe d\\n\")?;\n\n\
         eprintln!(\"later\");\n1 + 1\n",
    );
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "a \u{fffd} b\n2\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("c \u{fffd} d\nlater\n"), "{}", ended.stderr);
}

#[test]
fn what_a_cell_starts_is_told_nothing_of_the_session() {
    let ended = script(&format!(
        "fn of(command: &mut std::process::Command) -> String {{ String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned() }}\n\
         print!(\"{{}}\", of(&mut std::process::Command::new(\"env\")));\n\
         print!(\"{{}}\", of(std::process::Command::new({:?}).arg(\"methods\")));\n\n!env\n",
        path().display().to_string()
    ));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("simclr"), "the program did nothing in a cell: {}", ended.stdout);
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("PATH=")).count(), 2, "{}", ended.stdout);
    let ours = ["EVCXR", "FRONTEND", "SECRET", "PARENT", "CELLS", "LIBRARIES", "END_OF"];
    let told: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| {
            ours.iter().any(|name| line.starts_with(name) || line.starts_with(&format!("SELFSAME_{name}")))
        })
        .collect();
    assert_eq!(told, [""; 0]);
}

#[test]
fn recursion_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("again.ssl"), ":run again.ssl\n").unwrap();
    let first = ended(warm(folder.path()).args(["-c", ":run again.ssl"]));
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    assert!(first.stderr.contains("the file runs itself"), "{}", first.stderr);
    let nested = format!("{}1{}\n", "(".repeat(80_000), ")".repeat(80_000));
    let ended = script(&nested);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("more than 500 deep in line 1"), "{}", ended.stderr);
}

/// Waits until `found` says yes.
#[cfg(unix)]
fn wait_for(what: &str, found: impl Fn() -> bool) {
    let begun = Instant::now();
    while !found() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what} in a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[cfg(unix)]
fn a_training_ends_with_the_prompt_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut prompt = std::process::Command::new(path())
        .args(["-c", ":train simclr digits --epochs 100000 --name long --out runs"])
        .current_dir(folder.path())
        .env("SELFSAME_CACHE_DIR", cache())
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let run = folder.path().join("runs/long");
    let is_training = || selfsame::train::is_training(&run);
    wait_for("training", || is_training() && run.join("metrics.jsonl").exists());
    prompt.kill().unwrap();
    prompt.wait().unwrap();
    wait_for("end of the training", || !is_training());
    assert!(run.join("checkpoint/latest.json").exists(), "no checkpoint was saved");
}

#[test]
fn threads_may_outlive_their_cell() {
    let ended = script(
        "let handle = std::thread::spawn(|| { std::thread::sleep(std::time::Duration::from_millis(300)); 42 });\n\n\
         handle.join().unwrap()\n",
    );
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "42\n"), "{}", ended.stderr);
}

#[test]
fn training_in_a_cell_and_a_run_of_a_command() {
    let ended = script(
        ":train simclr digits --epochs 1 --seed 3 --name one --out runs\n\n\
         let report = run.report()?.clone();\n\n\
         println!(\"{} {} {}\", report.method, report.epochs, report.loss.len());\n",
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.ends_with("simclr 1 1\n"), "{}", ended.stdout);
}

#[test]
fn unclosed_and_senseless_input() {
    for (text, expected) in [
        ("let x = \"never closed\n", "error"),
        ("fn f( {\n", "error"),
        (":trian simclr digits\n", "did you mean 'train'"),
        (":train simclr digits --epochs many\n", "many"),
        (":train \"simclr\n", "quotation mark"),
        (":timeit\n", "takes an expression"),
        ("!exit 3\n", "exit status: 3"),
    ] {
        let ended = script(text);
        assert_eq!(ended.code, Some(1), "{text}");
        assert!(ended.stderr.contains(expected), "{text}: {}", ended.stderr);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut junk = warm(folder.path());
    junk.write_stdin(vec![0_u8, 159, 146, 150, 10, 255, 254]);
    let ended = ended(&mut junk);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("stdin, line 1"), "{}", ended.stderr);
}

#[test]
fn ten_megabytes_at_once_are_refused_in_a_moment() {
    let begun = Instant::now();
    let ended = script(&"x".repeat(10 << 20));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("more than 4 MB"), "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn one_command_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let ended = ended(warm(folder.path()).args(["-c", ":methods"]));
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("simclr"), "{}", ended.stdout);
}

#[test]
fn without_cargo_commands_work_and_rust_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = warm(folder.path());
    command.env("PATH", folder.path()).env_remove("CARGO").write_stdin(":methods\n\n1 + 1\n");
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("simclr"), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("Rust cells need cargo") && ended.stderr.contains("rustup.rs"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let mut command = warm(folder.path());
    command.env("SELFSAME_CACHE_DIR", &file).write_stdin("1 + 1\n");
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("a-file"), "{}", ended.stderr);
}

#[test]
fn a_full_disk_under_the_cache_is_named() {
    // A limit on the size of files stands in for it: writing past it fails in the same way.
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("cache");
    let line = format!(
        "trap '' XFSZ; ulimit -f 4; printf ':methods\\n\\n1 + 1\\n' | SELFSAME_CACHE_DIR={} exec {}",
        empty.display(),
        path().display()
    );
    let mut command = Command::new("sh");
    let ended = ended(command.args(["-c", &line]).current_dir(folder.path()));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // Commands do not need it.
    assert!(ended.stdout.contains("simclr"), "{}", ended.stdout);
    assert!(ended.stderr.contains("too large") && ended.stderr.contains("cache"), "{}", ended.stderr);
}

#[test]
fn a_session_saved_and_replayed_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = "let x = 6;\n\nfn twice(n: i32) -> i32 {\n    2 * n\n}\n\ntwice(x)\n\n:methods\n\n";
    for name in ["saved.ssl", "saved.rs", "saved.ipynb"] {
        let mut first = warm(folder.path());
        first.write_stdin(format!("{inputs}:save {name}\n"));
        let first = ended(&mut first);
        assert_eq!(first.code, Some(0), "{}", first.stderr);
        let again = ended(warm(folder.path()).args(["run", name]));
        assert_eq!((again.code, again.stdout), (Some(0), first.stdout), "{name}: {}", again.stderr);
    }
}

#[test]
fn two_sessions_at_once_do_not_disturb_each_other() {
    let one = std::thread::spawn(|| {
        script("let x = 1;\n\nstd::thread::sleep(std::time::Duration::from_secs(2));\n\nx\n")
    });
    let two = script("let x = 2;\n\nx\n");
    let one = one.join().unwrap();
    assert_eq!((one.code, one.stdout.as_str()), (Some(0), "1\n"), "{}", one.stderr);
    assert_eq!((two.code, two.stdout.as_str()), (Some(0), "2\n"), "{}", two.stderr);
}
