//! How much memory the process has used.

/// Largest resident set of this process in bytes; 0 where the system does not say (it is read from `/proc`).
pub fn peak_memory_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let kilobytes =
        |line: &str| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
    status.lines().find_map(kilobytes).unwrap_or(0) * 1024
}
