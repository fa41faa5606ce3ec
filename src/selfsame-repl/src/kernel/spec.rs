//! What Jupyter is told of the kernel: `kernel.json` and a picture.

use std::path::Path;

use serde_json::{json, Value};

/// The name under which notebooks know the kernel.
pub const DEFAULT_NAME: &str = "selfsame";

/// Two views of one thing.
pub const LOGO: &str = "\
<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" width=\"64\" height=\"64\">\
<rect width=\"64\" height=\"64\" rx=\"12\" fill=\"#14171C\"/>\
<circle cx=\"25\" cy=\"32\" r=\"15\" fill=\"none\" stroke=\"#4AA3DF\" stroke-width=\"5\"/>\
<circle cx=\"39\" cy=\"32\" r=\"15\" fill=\"none\" stroke=\"#E69F00\" stroke-width=\"5\"/></svg>\n";

/// The file `kernel.json` of the kernel called `name`, which is carried out by `program`.
pub fn kernel_json(name: &str, program: &Path) -> Value {
    let title = match name {
        DEFAULT_NAME => "Selfsame (Rust)".to_string(),
        other => format!("Selfsame (Rust), {other}"),
    };
    json!({
        "argv": [program, "kernel", "run", "{connection_file}"],
        "display_name": title,
        "language": "rust",
        "interrupt_mode": "message",
        "metadata": { "debugger": false },
    })
}

/// The program a `kernel.json` starts, if it is one of ours.
pub fn program(spec: &Value) -> Option<&Path> {
    let words: Vec<&str> = spec["argv"].as_array()?.iter().filter_map(Value::as_str).collect();
    match words.as_slice() {
        [program, "kernel", "run", _] => Some(Path::new(*program)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_specs_are_known_from_others() {
        let spec = kernel_json("selfsame", Path::new("/bin/selfsame"));
        assert_eq!(program(&spec), Some(Path::new("/bin/selfsame")));
        assert_eq!(spec["display_name"], "Selfsame (Rust)");
        assert_eq!(kernel_json("two", Path::new("/x"))["display_name"], "Selfsame (Rust), two");
        assert_eq!(program(&json!({ "argv": ["python", "-m", "ipykernel", "-f"] })), None);
        assert_eq!(program(&json!({})), None);
    }
}
