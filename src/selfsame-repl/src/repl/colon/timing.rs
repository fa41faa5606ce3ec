//! How long code takes.

use std::time::Duration;

use super::super::shell::{Flow, Shell};
use super::cells::{failed, wants};

/// Repetitions of `:timeit` when it is told none.
const REPEATS: usize = 20;

/// `:time CODE`
pub(super) fn time(shell: &mut Shell, rest: &str) -> Flow {
    if rest.is_empty() {
        return wants(shell, "a cell", ":time (0..1000).sum::<i32>()");
    }
    if let Some(command) = rest.strip_prefix(':') {
        let begun = std::time::Instant::now();
        let flow = super::run(shell, command);
        shell.screen.note(&format!("took {}", in_words(begun.elapsed())));
        return flow;
    }
    if !shell.ready() {
        return Flow::Failed;
    }
    let heard = shell.session().eval(rest);
    match shell.follow(&heard, true) {
        Ok((took, ran)) => {
            let compiled = took.saturating_sub(ran);
            shell.screen.note(&format!("took {} and {} to compile", in_words(ran), in_words(compiled)));
            Flow::Go
        }
        Err(fault) => failed(shell, fault),
    }
}

/// `:timeit [N] EXPRESSION`
pub(super) fn timeit(shell: &mut Shell, rest: &str) -> Flow {
    let (first, others) = rest.split_once(' ').unwrap_or((rest, ""));
    let (repeats, code) = match first.parse::<usize>() {
        Ok(n) if !others.trim().is_empty() => (n.max(1), others.trim()),
        _ => (REPEATS, rest),
    };
    if code.is_empty() {
        return wants(shell, "an expression", ":timeit 100 (0..1000).sum::<i32>()");
    }
    let cell = format!(
        "{{\n    let mut selfsame_times = Vec::with_capacity({repeats});\n    for _ in 0..{repeats} {{\n        \
         let selfsame_begun = std::time::Instant::now();\n        let _ = std::hint::black_box({{ {code} }});\n        \
         selfsame_times.push(selfsame_begun.elapsed());\n        if selfsame::interrupted() {{ break; }}\n    }}\n    \
         selfsame_times.sort();\n    println!(\"median {{:.3?}}, best {{:.3?}}, worst {{:.3?}} of {{}} runs\", \
         selfsame_times[selfsame_times.len() / 2], selfsame_times[0], selfsame_times[selfsame_times.len() - 1], \
         selfsame_times.len());\n}}"
    );
    super::cells::ended(shell, &cell)
}

/// A time as people say it: `3.2 s`, `14 ms`.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let words = |s: f64| in_words(Duration::from_secs_f64(s));
        assert_eq!(
            (words(2.5), words(0.0125), words(4e-6)),
            ("2.50 s".into(), "12.5 ms".into(), "4.0 µs".into())
        );
    }
}
