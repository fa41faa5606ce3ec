//! How much memory the process has used, and how much there is.

use std::fs::read_to_string;

/// Largest resident set of this process in bytes; 0 where the system does not say (it is read from `/proc`).
pub fn peak_memory_bytes() -> u64 {
    let Ok(status) = read_to_string("/proc/self/status") else { return 0 };
    kilobytes(&status, "VmHWM:").unwrap_or(0)
}

/// Lets [`peak_memory_bytes`] count from now on, so that several runs of one process each have their own; without effect where
/// the system cannot.
pub(crate) fn reset_peak_memory() {
    // Linux: 5 sets the high-water mark to what is resident now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Bytes of memory that this process may still get: what the machine has free, what is left of the limits of the control groups
/// it is in (a container's), and of its own address space (`ulimit -v`), whichever is least. `None` where the system does
/// not say.
pub fn available_memory_bytes() -> Option<u64> {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| kilobytes(&text, "MemAvailable:"));
    let group = read_to_string("/proc/self/cgroup").ok().and_then(|text| of_groups(&text));
    [machine, group, of_address_space()].into_iter().flatten().min()
}

/// The bytes in the line of `text` that begins with `name`, which counts kilobytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?;
    number.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What is left of the tightest memory limit of the control groups listed in `groups`, lines of
/// `hierarchy:controllers:path`, and of those above them.
fn of_groups(groups: &str) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "anon"),
            c if c.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "total_rss")
            }
            _ => continue,
        };
        // Inside a container the path may be the host's, where nothing is; the root is then the container's own group.
        for above in std::path::Path::new(path).ancestors() {
            let folder = std::path::Path::new(root).join(above.strip_prefix("/").unwrap_or(above));
            let Ok(limit) = read_to_string(folder.join(limit)) else { continue };
            let Ok(limit) = limit.trim().parse::<u64>() else { continue };
            // The file cache counts as used there, but gives way.
            let used = read_to_string(folder.join("memory.stat")).ok().and_then(|text| counted(&text, used));
            let left = limit.saturating_sub(used.unwrap_or(0));
            least = Some(least.map_or(left, |least: u64| least.min(left)));
        }
    }
    least
}

/// The number behind `name` in lines of a name and a number.
fn counted(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// What is left of a limit on the address space.
fn of_address_space() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most = line.split_whitespace().next()?.parse::<u64>().ok()?;
    let status = read_to_string("/proc/self/status").ok()?;
    Some(most.saturating_sub(kilobytes(&status, "VmSize:")?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_writes_is_read() {
        assert_eq!(kilobytes("MemFree: 3 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12 * 1024));
        assert_eq!(counted("anon 77\nanon_thp 5\n", "anon"), Some(77));
        assert_eq!(of_groups("garbage\n"), None);
        if cfg!(target_os = "linux") {
            let free = available_memory_bytes().unwrap();
            assert!(free > 1 << 20, "{free}");
            assert!(peak_memory_bytes() > 0);
        }
    }
}
