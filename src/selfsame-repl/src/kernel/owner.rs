//! Whoever started the kernel: Jupyter, which may be gone without a word.

use crate::engine::parent_process;

/// The variable in which Jupyter names its own process.
const JUPYTER: &str = "JPY_PARENT_PID";

/// Says, whenever it is asked, whether Jupyter is still there: the process that started this one, and the one that Jupyter names,
/// where there is something between the two.
pub fn is_there() -> impl Fn() -> bool + Send + 'static {
    let parent = parent_process();
    let named = std::env::var(JUPYTER).ok().and_then(|id| id.parse().ok());
    // A number from another machine or container means nobody here.
    let named = named.filter(|id| exists(*id));
    move || parent_process() == parent && named.is_none_or(exists)
}

/// Whether there is a process of that number, whoever's it is.
fn exists(id: libc::pid_t) -> bool {
    // SAFETY: signal 0 is sent to nobody.
    let reached = id > 0 && unsafe { libc::kill(id, 0) } == 0;
    reached || (id > 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_there_until_it_is_not() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let id = child.id() as libc::pid_t;
        assert!(exists(id) && exists(1) && !exists(0) && !exists(-1));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!exists(id));
    }
}
