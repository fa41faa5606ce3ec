//! What the kernel says of itself.

use std::process::Command;

use serde_json::{json, Value};

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
            "version": rust_version(),
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

/// `1.95.0`; empty where there is no compiler, which a cell will say better.
fn rust_version() -> String {
    let said = Command::new("rustc").arg("--version").output().map(|out| out.stdout).unwrap_or_default();
    String::from_utf8_lossy(&said).split_whitespace().nth(1).unwrap_or_default().to_string()
}
