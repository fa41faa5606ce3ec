//! Reading what a session process tells of its cells, as fast as a face takes it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::record::Record;
use super::session::Shared;

/// A process that has ended has written all it will; this long it is waited for that it has been read.
const PATIENCE: Duration = Duration::from_secs(5);

/// The end of the pipe that we read.
#[derive(Debug)]
pub struct Listener {
    pipe: File,
    /// Something was read and is not passed on yet.
    busy: AtomicBool,
    /// Nothing more will come.
    closed: AtomicBool,
}

/// Begins to read on a thread of its own, for `shared`; the other end is for the processes that write. It ends when that end is
/// closed everywhere.
///
/// # Errors
/// The system has no descriptors left.
pub fn listen(shared: Arc<Shared>) -> io::Result<(Arc<Listener>, OwnedFd)> {
    let (pipe, writer) = io::pipe()?;
    let pipe = File::from(OwnedFd::from(pipe));
    let listener = Arc::new(Listener { pipe, busy: AtomicBool::new(false), closed: AtomicBool::new(false) });
    let own = Arc::clone(&listener);
    std::thread::Builder::new().name("output".into()).spawn(move || {
        own.read(&shared);
        own.closed.store(true, Ordering::SeqCst);
    })?;
    Ok((listener, writer.into()))
}

impl Listener {
    fn read(&self, shared: &Shared) {
        let (mut chunk, mut open) = (vec![0; 64 << 10], Vec::new());
        loop {
            // Nothing is taken out of the pipe before it is said that somebody has it.
            self.wait();
            self.busy.store(true, Ordering::SeqCst);
            let Ok(read @ 1..) = (&self.pipe).read(&mut chunk) else {
                return self.busy.store(false, Ordering::SeqCst);
            };
            for piece in chunk[..read].split_inclusive(|b| *b == b'\n') {
                open.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
                if piece.ends_with(b"\n") {
                    if let Some(record) = Record::parse(&open) {
                        shared.arrived(record);
                    }
                    open.clear();
                }
            }
            self.busy.store(false, Ordering::SeqCst);
        }
    }

    fn wait(&self) {
        let mut poll = libc::pollfd { fd: self.pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd, which lives through the call.
        unsafe { libc::poll(&raw mut poll, 1, -1) };
    }

    /// Whether nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Waits until everything a process has written that is no more has been passed on.
    pub fn settle(&self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && !self.is_closed() {
            if super::relay::waiting(self.pipe.as_raw_fd()) == Some(0) && !self.busy.load(Ordering::SeqCst) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
