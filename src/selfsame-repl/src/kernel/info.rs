//! What the kernel says of itself.

use serde_json::{json, Value};

use crate::engine::rust_version;

/// The version of Jupyter's protocol that is spoken.
const PROTOCOL: &str = "5.3";

/// The answer to `kernel_info_request`. It waits for nothing: nbclient gives up on a kernel that compiles first.
pub fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL,
        "implementation": "selfsame",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            // Empty where there is no compiler, which a cell will say better.
            "version": rust_version().unwrap_or_default(),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script",
        },
        "banner": format!(
            "Selfsame {} - self-supervised learning you can watch working\n\
             Cells are Rust with selfsame::prelude::* in scope, or commands like :train simclr digits; :help lists them.",
            env!("CARGO_PKG_VERSION")
        ),
        "help_links": [{ "text": "dfdx", "url": "https://docs.rs/dfdx/0.13.0/dfdx/" }],
        "debugger": false,
        "supported_features": [],
    })
}
