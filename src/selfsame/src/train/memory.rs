//! How much memory the process has used.

/// Largest resident set of this process in bytes; 0 where the system does not say (it is read from `/proc`).
pub fn peak_memory_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let kilobytes =
        |line: &str| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
    status.lines().find_map(kilobytes).unwrap_or(0) * 1024
}

/// Lets [`peak_memory_bytes`] count from now on, so that several runs of one process each have their own; without effect where
/// the system cannot.
pub(crate) fn reset_peak_memory() {
    // Linux: 5 sets the high-water mark to what is resident now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
