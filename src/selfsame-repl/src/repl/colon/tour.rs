//! A guided first session: what to type, in order, and why.

use super::super::shell::{Flow, Shell};
use crate::editor::Input;

/// One step: what is said, then the input that is carried out.
struct Step {
    heading: &'static str,
    text: &'static str,
    input: &'static str,
    /// The input is meant to fail.
    fails: bool,
}

static STEPS: &[Step] = &[
    Step {
        heading: "The data",
        text: "Selfsame brings 1,797 handwritten digits of 8x8 pixels. They have labels, which training will not look at.",
        input: ":data info digits",
        fails: false,
    },
    Step {
        heading: "Two views of one image",
        text: "Nearly every objective shows an image twice, changed at random, and asks that the encoder say the same of both. \
               What is changed is what the encoder learns to ignore.",
        input: ":views digits",
        fails: false,
    },
    Step {
        heading: "Training without labels",
        text: "SimCLR pulls the two views together and pushes all other images away. Watch three things: the loss falls, \
               kNN accuracy (judged with labels, on the side) rises, and the rank says how many dimensions are used. Ctrl-C \
               stops after the step under way and keeps everything.",
        input: ":train simclr digits --epochs 8",
        fails: false,
    },
    Step {
        heading: "Is it better than nothing?",
        text: "The table above holds the run against the same encoder untrained, raw pixels, PCA and training with labels. \
               From Rust, `run` is the run; its report is a value like any other.",
        input: "run.report()?",
        fails: false,
    },
    Step {
        heading: "What it sees as alike",
        text: "Test digits, and beside each the training digits whose embeddings are nearest.",
        input: ":neighbors run",
        fails: false,
    },
    Step {
        heading: "A collapse, on purpose",
        text: "With the temperature at 1000 all similarities weigh the same, and nothing can be learned. A run says so, with \
               the cause and a remedy.",
        input: ":train simclr digits --epochs 2 --temperature 1000 --name tour-collapse",
        fails: false,
    },
    Step {
        heading: "Shapes are types",
        text: "Everything that is not a command is Rust. This linear layer takes 784 features and the images are flattened to \
               783: the compiler says no, before anything runs. This error is meant to be.",
        input: "let dev = Cpu::default();\n\
                let layer: Linear<Const<784>, Const<10>, Cpu> = Linear::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;\n\
                let x: Tensor<(usize, Const<783>), f32, Cpu> = dev.zeros_like(&(4, Const));\nlayer.forward(x)?",
        fails: true,
    },
    Step {
        heading: "Where to go from here",
        text: "`:help` lists the commands, `:methods` the objectives, `:collapse --list` the ways to spoil a run. Tab completes, \
               `?name` explains, `:save session.ipynb` makes a notebook of what you did.",
        input: ":methods",
        fails: false,
    },
];

/// `:tour`
pub(super) fn tour(shell: &mut Shell, _: &str) -> Flow {
    // The first Rust of the tour comes in minutes; until then it can be made ready.
    shell.session();
    let total = STEPS.len();
    for (at, step) in STEPS.iter().enumerate() {
        shell.screen.line("");
        shell.screen.heading(&format!("{} of {total}: {}", at + 1, step.heading));
        shell.screen.paragraph(step.text);
        shell.screen.line("");
        for line in step.input.lines() {
            shell.screen.line(&format!("    {line}"));
        }
        shell.screen.line("");
        if shell.interactive {
            match shell.screen.ask("Enter runs it, s skips it, q leaves the tour: ", false).trim() {
                "q" | "quit" | ":quit" => return Flow::Go,
                "s" | "skip" => continue,
                _ => {}
            }
        }
        let input = Input { text: step.input.to_string(), line: 1 };
        let flow = shell.input(&input, "tour");
        match (flow, step.fails) {
            (Flow::Quit(code), _) => return Flow::Quit(code),
            (Flow::Failed, false) if !shell.interactive => return Flow::Failed,
            (Flow::Go, true) => {
                shell.screen.failure("this step is meant to fail, and did not");
                return Flow::Failed;
            }
            _ => {}
        }
    }
    shell.screen.note("That was the tour.");
    Flow::Go
}
