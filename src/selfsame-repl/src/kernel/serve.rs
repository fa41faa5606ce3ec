//! `selfsame kernel run`: one kernel, from its connection file to its end.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::Arc;

use selfsame::Error;
use serde_json::json;

use super::channels::{self, Inboxes};
use super::notebook::Notebook;
use super::outputs::Outputs;
use super::past::Past;
use super::server::Server;
use super::stdin::Stdin;
use super::stop::Stop;
use crate::editor::{default_history_file, Config};
use crate::engine::Settings;
use crate::exit::Exit;
use crate::repl::Shell;

/// What the library is told of who draws.
const FRONTEND: &str = "jupyter";

/// Serves the notebook that wrote `file`, until it says that it is enough.
///
/// # Errors
/// No connection file; a port that is taken; a configuration that cannot be read; a system that refuses threads or handlers.
pub fn serve(file: &Path) -> Result<Exit, Error> {
    // Notebooks have their own colours, and variables can only be set while there is one thread.
    std::env::set_var("NO_COLOR", "1");
    let _settings = Settings::own();
    let (info, config) = (channels::read(file)?, Config::load()?);
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = threads.map_err(Error::io("start", "threads"))?;

    let (shell_in, inbox) = channel();
    let (control_in, control) = channel();
    let (answers_in, answers) = channel();
    let inboxes = Inboxes { shell: shell_in, control: control_in, stdin: answers_in.clone() };
    let outbox = channels::open(&runtime, &info, inboxes)?;
    outbox.publish("status", json!({ "execution_state": "starting" }), None);

    let outputs = Outputs::new(outbox.clone());
    let stdin = Arc::new(Stdin::new(outbox.clone(), answers));
    let screen = Notebook::new(Arc::clone(&outputs), Arc::clone(&stdin));
    let past = Past::open(default_history_file().as_deref(), config.history_size.value);
    let shell = Shell::new(config, FRONTEND, true, Box::new(screen));
    let stop = Stop::new(shell.interrupter(), Arc::clone(&outputs), answers_in, outbox.clone());
    stop.listen()?;
    stop.serve(control);
    stop.when_alone();
    // Rust gets ready while the notebook opens.
    shell.session();
    let mut server = Server {
        shell,
        outputs,
        stdin,
        stop,
        outbox: outbox.clone(),
        past,
        count: 0,
        inbox,
        waiting: VecDeque::new(),
        completions: None,
    };
    server.serve();
    outbox.drain();
    runtime.shutdown_background();
    Ok(Exit::Done)
}
