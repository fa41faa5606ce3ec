//! `selfsame doctor`: what this machine has, what it lacks, what to do about it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use selfsame::ops::{SelfCheck, SELF_TEST_TOLERANCE};
use selfsame::plot::Table;
use selfsame::Error;
use serde::Serialize;
use sysinfo::{Disks, System};

use crate::args::{Device, Doctor};
use crate::engine::{self, Health};
use crate::exit::Exit;
use crate::{output, private};

/// Below this much free memory a run on MNIST at batch 256 (under 1 GB) begins to swap.
const MEMORY_WANTED: u64 = 1 << 30;
/// Below this nothing but the smallest data set trains.
const MEMORY_NEEDED: u64 = 256 << 20;
/// A run folder takes a few megabytes, a data set hundreds.
const DISK_WANTED: u64 = 1 << 30;
/// Room for one checkpoint beside the one it replaces, and to spare.
const DISK_NEEDED: u64 = 64 << 20;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warn,
    Fail,
}

/// One line of the findings.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    found: String,
    /// What to do; empty when all is well.
    remedy: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, status: Status::Ok, found: found.into(), remedy: String::new() }
    }
    fn warn(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, status: Status::Warn, found: found.into(), remedy: remedy.into() }
    }
    fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, status: Status::Fail, found: found.into(), remedy: remedy.into() }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Findings {
    ok: bool,
    checks: Vec<Check>,
    /// Every operation at some size, where a device was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<SelfCheck>,
}

/// Makes the checks and prints them.
///
/// # Errors
/// Stdout that cannot be written; a failed check is exit code 1, not an error.
pub fn run(arguments: Doctor) -> Result<Exit, Error> {
    let wanted = arguments.device.unwrap_or(Device::Cpu);
    let mut checks = vec![tool("rustc"), tool("cargo"), threads(), memory(), gpu(wanted)];
    checks.extend(folder("runs folder", "free disk, runs", &arguments.out));
    match private::cache() {
        Some(cache) => checks.extend(folder("cache folder", "free disk, cache", &cache)),
        None => {
            checks.push(Check::warn("cache folder", "no home folder is known", "Set SELFSAME_CACHE_DIR."));
        }
    }
    checks.push(cells(engine::health()));
    let mut operations = Vec::new();
    if let Some(device) = arguments.device {
        let (check, found) = self_test(device);
        checks.push(check);
        operations = found;
    }
    let findings = Findings { ok: checks.iter().all(|c| c.status != Status::Fail), checks, operations };
    if arguments.json {
        output::json(&findings)?;
    } else {
        output::stdout(&text(&findings))?;
    }
    Ok(if findings.ok { Exit::Done } else { Exit::Failed })
}

fn text(findings: &Findings) -> String {
    let mut lines = Vec::new();
    for check in &findings.checks {
        let status = match check.status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        lines.push(format!("{status}  {:16}  {}", check.name, check.found));
        if !check.remedy.is_empty() {
            lines.push(format!("{:24}{}", "", check.remedy));
        }
    }
    if !findings.operations.is_empty() {
        lines.push(String::new());
        lines.push(table(&findings.operations).text());
    }
    lines.join("\n")
}

/// Runs every operation on `device`.
fn self_test(device: Device) -> (Check, Vec<SelfCheck>) {
    const NAME: &str = "operations";
    let found = match selfsame::presets::self_test(device.name()) {
        Ok(found) => found,
        Err(e) => return (Check::fail(NAME, "not tested", e.to_string()), Vec::new()),
    };
    let good = found.iter().filter(|check| check.ok).count();
    let summary = format!(
        "{good} of {} within {SELF_TEST_TOLERANCE:e} of the float64 reference on {}",
        found.len(),
        device.name()
    );
    let check = if good == found.len() {
        Check::ok(NAME, summary)
    } else {
        let bad: Vec<&str> = found.iter().filter(|check| !check.ok).map(|check| check.op.as_str()).collect();
        let remedy = "Do not trust results from this device: update its driver, or train on another.";
        Check::fail(NAME, format!("{summary}; not {}", bad.join(", ")), remedy)
    };
    (check, found)
}

/// One row for every operation and size.
fn table(operations: &[SelfCheck]) -> Table {
    let mut table = Table::new(["operation", "verdict", "value", "worst gradient", "sizes"]);
    for check in operations {
        let number = |e: f64| format!("{e:.1e}");
        // A NaN is worse than any number.
        let worse = |a: f64, b: &f64| if a.is_nan() || *b <= a { a } else { *b };
        let verdict = match &check.problem {
            Some(problem) => format!("FAIL: {problem}"),
            None if check.ok => "ok".into(),
            None => "FAIL".into(),
        };
        table.row([
            check.op.clone(),
            verdict,
            number(check.value),
            number(check.gradients.iter().fold(0.0, worse)),
            check.sizes.clone(),
        ]);
    }
    table
}

/// Whether Rust cells can run, and whether what they link is as it was made.
fn cells(found: Result<Health, String>) -> Check {
    const NAME: &str = "Rust cells";
    match found {
        Ok(Health::Whole) => Check::ok(NAME, "their library is compiled, and whole"),
        Ok(Health::Missing) => {
            Check::ok(NAME, "their library is compiled by the first session, or `selfsame warm`")
        }
        Ok(Health::Damaged(files)) => {
            let found = format!(
                "{files} {} damaged",
                if files == 1 { "file of their library is" } else { "files of their library are" }
            );
            Check::warn(NAME, found, "The next session makes it anew, and so does `selfsame warm`.")
        }
        Err(why) => Check::warn(NAME, why, "Commands run without."),
    }
}

/// A program of the toolchain and its version. The command itself runs without one.
fn tool(name: &'static str) -> Check {
    let remedy = "Needed to build from source and to use the library: https://rustup.rs";
    // Rustup would run what a file in the working folder asks for.
    match Command::new(name).arg("--version").current_dir(private::NOWHERE).output() {
        Ok(out) if out.status.success() => Check::ok(name, String::from_utf8_lossy(&out.stdout).trim()),
        Ok(out) => {
            let asked_for = std::env::var("RUSTUP_TOOLCHAIN").ok().filter(|toolchain| !toolchain.is_empty());
            let variable = asked_for
                .map(|t| format!("The variable RUSTUP_TOOLCHAIN is '{t}': unset it, or install that."));
            let found = String::from_utf8_lossy(&out.stderr).trim().to_string();
            Check::warn(name, found, variable.as_deref().unwrap_or(remedy))
        }
        Err(e) => Check::warn(name, format!("not found: {e}"), remedy),
    }
}

fn threads() -> Check {
    match thread::available_parallelism().map(usize::from) {
        Ok(1) => Check::warn("threads", "1", "Training uses every core it is given; with one it is slow."),
        Ok(n) => Check::ok("threads", n.to_string()),
        Err(e) => Check::warn("threads", format!("unknown: {e}"), "Set --threads."),
    }
}

fn memory() -> Check {
    let mut system = System::new();
    system.refresh_memory();
    // A container's limit, where there is one, is what counts.
    let limits = system.cgroup_limits();
    let total = limits.as_ref().map_or(system.total_memory(), |l| l.total_memory);
    let available =
        limits.as_ref().map_or(system.available_memory(), |l| l.free_memory.min(system.available_memory()));
    let found = format!("{} of {} available", bytes(available), bytes(total));
    let remedy = "Close other programs, or train with a smaller --batch-size or with --accumulate.";
    match available {
        _ if total == 0 => {
            Check::warn("memory", "unknown on this system", "1 GB is enough for MNIST at batch 256.")
        }
        n if n < MEMORY_NEEDED => Check::fail("memory", found, remedy),
        n if n < MEMORY_WANTED => Check::warn("memory", found, remedy),
        _ => Check::ok("memory", found),
    }
}

/// The GPU, as the driver's own tool sees it, and whether this build can use it.
fn gpu(wanted: Device) -> Check {
    let listing =
        Command::new("nvidia-smi").args(["--query-gpu=name,memory.total", "--format=csv,noheader"]).output();
    let names = match &listing {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).trim().replace('\n', "; "),
        _ => String::new(),
    };
    let rebuild = "Build with: cargo build --release --features cuda";
    match (names.is_empty(), cfg!(feature = "cuda"), wanted) {
        (true, _, Device::Cpu) => Check::ok("GPU", "none found; training runs on the CPU"),
        (true, _, Device::Cuda) => Check::fail(
            "GPU",
            "nvidia-smi finds none",
            "Install the NVIDIA driver, or train with --device cpu.",
        ),
        (false, true, _) => Check::ok("GPU", names),
        (false, false, Device::Cpu) => {
            Check::ok("GPU", format!("{names}; this build does not use it. {rebuild}"))
        }
        (false, false, Device::Cuda) => {
            Check::fail("GPU", format!("{names}, but this build has no CUDA"), rebuild)
        }
    }
}

/// Whether `folder` can be written, and how much room there is.
fn folder(name: &'static str, room: &'static str, folder: &Path) -> Vec<Check> {
    let found = folder.display().to_string();
    let there = match existing(folder) {
        Some(there) => there,
        None => {
            let remedy = "A file stands in the way, or a folder may not be read. Name another folder.";
            return vec![Check::fail(name, format!("{found}: cannot be created"), remedy)];
        }
    };
    let writable = match probe(&there) {
        Ok(()) => Check::ok(name, found),
        Err(e) => Check::fail(name, format!("{found}: {e}"), "Make it writable, or name another folder."),
    };
    vec![writable, free_disk(room, &there)]
}

/// The nearest folder on the way to `path` that exists; `None` when something that is no folder comes first.
fn existing(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().find(|p| p.symlink_metadata().is_ok())?;
    there.is_dir().then(|| there.to_path_buf())
}

/// Writes a small file in `folder` and removes it again.
fn probe(folder: &Path) -> std::io::Result<()> {
    let file = folder.join(format!(".selfsame-doctor-{}", std::process::id()));
    let written = fs::File::create_new(&file).and_then(|mut f| f.write_all(b"selfsame doctor"));
    let removed = fs::remove_file(&file);
    written.and(removed)
}

fn free_disk(name: &'static str, folder: &Path) -> Check {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let disks = Disks::new_with_refreshed_list();
    let holder = disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().components().count());
    let Some(free) = holder.map(|disk| disk.available_space()) else {
        return Check::warn(name, "unknown on this file system", "Keep 1 GB free for runs and data.");
    };
    let remedy = "Delete old runs, or name a folder on another disk.";
    match free {
        n if n < DISK_NEEDED => Check::fail(name, bytes(n), remedy),
        n if n < DISK_WANTED => Check::warn(name, bytes(n), remedy),
        n => Check::ok(name, bytes(n)),
    }
}

/// A size in the largest unit that leaves a number of 1 or more: `23.4 GB`.
fn bytes(n: u64) -> String {
    indicatif::DecimalBytes(n).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_fine_and_nothing_is_left_behind() {
        let there = tempfile::tempdir().unwrap();
        let checks = folder("runs folder", "free disk, runs", &there.path().join("a/b"));
        assert_eq!(checks[0].status, Status::Ok);
        assert_eq!(fs::read_dir(there.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_below_a_file_fails_and_says_so() {
        let there = tempfile::tempdir().unwrap();
        let file = there.path().join("file");
        fs::write(&file, "").unwrap();
        let checks = folder("runs folder", "free disk, runs", &file.join("runs"));
        assert_eq!(checks[0].status, Status::Fail);
        assert!(!checks[0].remedy.is_empty());
    }

    #[test]
    fn a_damaged_library_is_a_finding() {
        let check = cells(Ok(Health::Damaged(1)));
        assert_eq!(check.status, Status::Warn);
        assert!(check.found.contains("1 file of their library is damaged"), "{}", check.found);
        assert!(check.remedy.contains("selfsame warm"));
        let check = cells(Err("Rust cells need cargo".into()));
        assert!(check.status == Status::Warn && !check.remedy.is_empty());
    }

    #[test]
    fn every_failure_comes_with_a_remedy() {
        let checks = vec![gpu(Device::Cuda), Check::fail("x", "broken", "Mend it.")];
        let findings = Findings { ok: false, checks, operations: Vec::new() };
        assert!(text(&findings).contains("FAIL  x                 broken\n                        Mend it."));
    }

    #[test]
    fn the_table_of_operations_names_what_is_wrong() {
        let good = SelfCheck {
            op: "Relu".into(),
            sizes: "rows: 2".into(),
            value: 0.0,
            gradients: vec![1e-7, 2e-7],
            ok: true,
            problem: None,
        };
        let far = SelfCheck { op: "Gelu".into(), value: 0.5, ok: false, ..good.clone() };
        let broken = SelfCheck { op: "Add".into(), problem: Some("out of memory".into()), ..far.clone() };
        let text = table(&[good, far, broken]).text();
        let line = |op: &str| text.lines().find(|line| line.contains(op)).unwrap_or_default().to_string();
        assert!(line("Relu").contains("2.0e-7") && line("Relu").contains("ok"), "{text}");
        assert!(line("Gelu").contains("5.0e-1") && line("Gelu").contains("FAIL"), "{text}");
        assert!(line("Add").contains("FAIL: out of memory"), "{text}");
    }
}
