//! Asking the system's allocator to keep what is freed.

/// Tells the C library's allocator to keep large freed blocks for the next step instead of handing them back to the system.
///
/// Tensors of a training step are tens of megabytes and live for a step. By default glibc maps each anew and unmaps it, and
/// the system has to clear every page again: about a fifth of a vision transformer's step. A program that trains calls
/// this once at its start; the `selfsame` command does. The process then keeps the memory of its largest moment. On systems
/// without glibc nothing happens, and nothing needs to where the program has an allocator of its own.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers and only changes the allocator's settings, under its own lock.
    unsafe {
        // No block has a mapping of its own, and the top of the heap is not given back.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}
