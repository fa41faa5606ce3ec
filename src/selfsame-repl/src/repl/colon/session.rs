//! Commands that change how the session runs.

use super::super::shell::{Flow, Shell};
use super::cells::failed;

/// `:seed [N]`
pub(super) fn seed(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        let text = shell
            .config
            .seed
            .value
            .map_or("0, unless a command says otherwise".to_string(), |s| s.to_string());
        shell.screen.line(&format!("seed {text}"));
        return Flow::Go;
    }
    let Ok(seed) = rest.parse::<u64>() else {
        shell
            .screen
            .failure(&format!("the seed is '{rest}'. Expected a whole number, 0 or more, as in `:seed 7`."));
        return Flow::Failed;
    };
    shell.set_seed(seed);
    Flow::Go
}

/// `:threads [N]`
pub(super) fn threads(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = shell.config.threads.value.unwrap_or(cores);
        shell.screen.line(&format!("{threads} threads, {cores} cores"));
        return Flow::Go;
    }
    let Some(threads) = rest.parse::<usize>().ok().filter(|n| *n > 0) else {
        shell
            .screen
            .failure(&format!("the number of threads is '{rest}'. Expected 1 or more, as in `:threads 2`."));
        return Flow::Failed;
    };
    if let Some(words) = selfsame::session::fewer_threads(threads) {
        shell.screen.line(&words);
    }
    shell.set_threads(selfsame::session::useful_threads(threads));
    Flow::Go
}

/// `:restart`
pub(super) fn restart(shell: &mut Shell, _: &str) -> Flow {
    anew(shell, false, "A new process; imports and items are still there, variables are not.")
}

/// `:clear`
pub(super) fn clear(shell: &mut Shell, _: &str) -> Flow {
    anew(shell, true, "Everything is forgotten; the library is in scope.")
}

fn anew(shell: &mut Shell, forget: bool, done: &str) -> Flow {
    match shell.session().clone().restart(forget) {
        Ok(()) => {
            shell.tell_again();
            shell.screen.note(done);
            Flow::Go
        }
        Err(fault) => failed(shell, fault),
    }
}

/// `:status`
pub(super) fn status(shell: &mut Shell, _: &str) -> Flow {
    let status = shell.session().status();
    match &status {
        crate::engine::Status::Unavailable(why) => shell.screen.line(why),
        other => shell.screen.line(&format!("Rust: {other}")),
    }
    Flow::Go
}

/// `:quit`
pub(super) fn quit(_: &mut Shell, _: &str) -> Flow {
    Flow::Quit(0)
}
