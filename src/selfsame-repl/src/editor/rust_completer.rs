//! Rust proposals, which come from a session that may be busy for seconds.

/// Who knows what may stand in a piece of Rust. Neither call may block.
pub trait RustCompleter: Send {
    /// Asks what may stand at byte `at` of `source`. A later request makes an earlier one pointless.
    fn request(&self, id: u64, source: &str, at: usize);

    /// An answer that has come.
    fn poll(&self) -> Option<RustAnswer>;

    /// Whether an answer can be expected: the session has started and runs no cell.
    fn is_ready(&self) -> bool {
        true
    }
}

/// The answer to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RustAnswer {
    /// The request's number.
    pub id: u64,
    /// Where what a proposal replaces begins, in bytes of the source.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The proposals.
    pub items: Vec<RustProposal>,
}

/// Something that may stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RustProposal {
    /// What is put in.
    pub code: String,
    /// `function`, `class`, `module`, `instance`, `keyword`.
    pub kind: String,
    /// What it looks like in full: `embed(part) -> Result<Embeddings>`.
    pub label: String,
}

/// Nobody: for a session that has no Rust.
impl RustCompleter for () {
    fn request(&self, _id: u64, _source: &str, _at: usize) {}
    fn poll(&self) -> Option<RustAnswer> {
        None
    }
    fn is_ready(&self) -> bool {
        false
    }
}
