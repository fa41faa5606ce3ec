//! Tests that need a process of their own: what they do to it (hooks, signals, environment) would reach the others.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

use super::{Message, SECRET, VARIABLE};

const IN_CHILD: &str = "SELFSAME_TEST_CHILD";
/// What the messages of such a process carry.
const KNOWN: &str = "known-to-the-test";

/// What a child left behind.
#[derive(Debug)]
pub(crate) struct Left(Output);

impl Left {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    /// The messages among its output, in order.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.stdout().lines().filter_map(|line| Message::parse(line, KNOWN)).map(|m| m.unwrap()).collect()
    }
}

/// Whether this process is one that [`command`] started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(IN_CHILD).is_some()
}

/// This test program again, running the one test called `name` for a face.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(IN_CHILD, "1").env(VARIABLE, "repl").env(SECRET, KNOWN).env_remove("EVCXR_IS_RUNTIME");
    command
}

/// Does `work` in a process of its own, in which the test called `name` calls this too; `None` in that process.
pub(crate) fn child(name: &str, work: impl FnOnce()) -> Option<Left> {
    if is_child() {
        work();
        return None;
    }
    let output = command(name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Left(output))
}
