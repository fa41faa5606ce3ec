//! What the program says when the system gives it no more memory.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator. Where that has nothing left to give, a line says what to do about it and the process ends; the standard
/// library would abort it with the number of bytes alone.
pub struct SystemOrTheEnd;

// SAFETY: every function hands its arguments to `System`, whose contract with the caller is the same, and gives back what that
// gave. Where it gave nothing the process ends, which unwinds nothing and allocates nothing.
unsafe impl GlobalAlloc for SystemOrTheEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        given(unsafe { System.alloc(layout) }, layout.size())
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `block` was given by this allocator, which is to say by `System`, for `layout`.
        given(unsafe { System.realloc(block, layout, size) }, size)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[inline(always)]
fn given(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        end(size);
    }
    block
}

/// Says so without allocating, and ends the process as a command that failed.
#[cold]
fn end(size: usize) -> ! {
    use std::io::Write;
    let mut line = [0u8; 512];
    let mut rest = &mut line[..];
    // It fits.
    let _ = writeln!(
        rest,
        "error: out of memory: the system has not {size} bytes more. Lower --batch-size or raise --accumulate, or lower the widths \
         and counts of --projector-dim and --set. A run keeps its last checkpoint: selfsame train --resume RUN goes on from it."
    );
    let length = 512 - rest.len();
    #[cfg(unix)]
    // SAFETY: `line` has `length` bytes or more; a descriptor that is closed makes the call fail. Ending the process at once takes
    // any number. Neither a lock, which this thread may hold, nor anything that runs at an exit is in the way.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), length);
        libc::_exit(1)
    }
    #[cfg(not(unix))]
    {
        let _ = std::io::stderr().write_all(&line[..length]);
        std::process::abort()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    const ASKING: &str = "SELFSAME_TEST_ASKS_FOR_TOO_MUCH";

    #[test]
    fn more_memory_than_there_is_ends_in_one_line() {
        if std::env::var_os(ASKING).is_some() {
            std::hint::black_box(Vec::<u8>::with_capacity(1 << 60));
            return;
        }
        let this = "exhausted::tests::more_memory_than_there_is_ends_in_one_line";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--exact", this, "--nocapture"]).env(ASKING, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error: out of memory: the system has not 1152921504606846976 bytes more."),
            "{said}"
        );
        assert!(
            said.trim_end().ends_with("--resume RUN goes on from it.") && said.lines().count() == 1,
            "{said}"
        );
    }
}
