#!/usr/bin/env python3
"""How long the REPL makes people wait, measured at a real terminal (tmux).

    python3 benches/repl.py --selfsame target/release/selfsame [--cold] [--json FILE] [--rounds N]

Each figure is the time from a key to what it was pressed for standing on the screen, the median of some rounds. The
screen is looked at when the program has written something, to within five milliseconds: looking costs a processor as much
as it takes, and there may be no more than two. --cold also measures a first start, with an empty cache; a program that does
not stand where cargo built it compiles for minutes then. Where evcxr (the stock REPL) is on the PATH, or given by --evcxr,
the same is measured there.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

LOOK_EVERY = 0.005
# Whether or not something was written.
LOOK_ANYWAY = 0.25


class Terminal:
    """A program in a tmux window of its own."""

    def __init__(self, command, folder, environment):
        self.socket = f"selfsame-bench-{os.getpid()}-{time.monotonic_ns()}"
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        self.written = os.path.join(folder, "written")
        with open(self.written, "w"):
            pass
        self.begun = time.monotonic()
        self.tmux("new-session", "-d", "-x", "100", "-y", "40", "-c", folder, *variables, command)
        self.tmux("pipe-pane", f"cat >> '{self.written}'")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-200")

    def wait(self, seen, timeout):
        """Seconds until `seen(screen)`; raises when it never comes."""
        since, looked, size = time.monotonic(), 0.0, -1
        while time.monotonic() - since < timeout:
            now = os.path.getsize(self.written)
            if now != size or time.monotonic() - looked > LOOK_ANYWAY:
                looked, size = time.monotonic(), now
                if seen(self.screen()):
                    return time.monotonic() - since
            time.sleep(LOOK_EVERY)
        raise TimeoutError(f"not seen in {timeout} s:\n{self.screen()}")

    def type(self, text):
        for line in text.split("\n"):
            self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def ask(self, text, seen, timeout=120):
        """Types `text` and waits for `seen`, which must not be on the screen yet."""
        self.tmux("clear-history")
        self.type(text)
        return self.wait(seen, timeout)

    def close(self):
        self.tmux("kill-server")


def after_input(marker):
    """Whether `marker` stands on a line of its own: the answer, not what was typed."""
    return lambda screen: any(line.strip() == marker for line in screen.splitlines())


TENSOR = (
    'let t{n}: selfsame::dfdx::tensor::Tensor<(Const<3>, Const<4>), f32, Cpu> = '
    "selfsame::dfdx::prelude::ZerosTensor::zeros(&Cpu::default()); "
    'println!("made-{n}")'
)
TYPED = (
    "let dev = Cpu::default(); "
    "let mut method{n} = SimClr::<Vit<Image<1, 8, 8>, 2, 64, 2, 4, Cpu>, 32, Cpu>::new(&dev, SimClrConfig::default())?; "
    "let data = Digits::load()?; let v = views::glyphs(Size::of::<Image<1, 8, 8>>()); "
    "let fitted{n} = Trainer::new(&dev).epochs(1).batch_size(1200).fit(&mut method{n}, &data, &v)?; "
    'println!("fitted-{n}")'
)
WRONG = (
    "use selfsame::dfdx::prelude::*; let a{n}: Tensor<Rank2<3, 4>, f32, Cpu> = Cpu::default().zeros(); "
    "let b{n}: Tensor<Rank2<5, 6>, f32, Cpu> = Cpu::default().zeros(); a{n}.matmul(b{n})"
)


def selfsame(arguments, environment, cold):
    figures = {}
    folder = tempfile.mkdtemp()
    terminal = Terminal(arguments.selfsame, folder, environment)
    try:
        prompt = lambda screen: "selfsame>" in screen
        terminal.wait(prompt, 30)
        figures["prompt visible"] = time.monotonic() - terminal.begun
        sums = iter(range(100, 10_000))
        n = next(sums)
        terminal.ask(f"{n} + 1", after_input(str(n + 1)), 900 if cold else 120)
        figures["Rust ready and 1 + 1 answered"] = time.monotonic() - terminal.begun
        if cold:
            return figures
        times = []
        for _ in range(5):
            n = next(sums)
            times.append(terminal.ask(f"{n} + 1", after_input(str(n + 1))))
        figures["1 + 1"] = statistics.median(times)
        times = []
        for _ in range(5):
            n = next(sums)
            times.append(terminal.ask(TENSOR.format(n=n), after_input(f"made-{n}")))
        figures["a tensor"] = statistics.median(times)
        n = next(sums)
        figures["a typed ViT, SimCLR, one step"] = terminal.ask(TYPED.format(n=n), after_input(f"fitted-{n}"))
        times = []
        for _ in range(3):
            n = next(sums)
            terminal.tmux("clear-history")
            terminal.tmux("send-keys", "C-l")
            time.sleep(0.3)
            times.append(terminal.ask(WRONG.format(n=n), lambda screen: "does not fit" in screen))
        figures["a shape error"] = statistics.median(times)
        terminal.tmux("send-keys", "C-l")
        time.sleep(0.3)
        figures[":train, first step"] = terminal.ask(
            f":train simclr digits --epochs 1 --name speed-{time.monotonic_ns()}", lambda screen: "loss" in screen)
    finally:
        terminal.close()
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def stock(program):
    figures = {}
    folder = tempfile.mkdtemp()
    terminal = Terminal(program, folder, {"EVCXR_CONFIG_DIR": folder})
    try:
        terminal.wait(lambda screen: ">>" in screen, 60)
        figures["prompt visible"] = time.monotonic() - terminal.begun
        terminal.ask("101 + 1", after_input("102"))
        figures["Rust ready and 1 + 1 answered"] = time.monotonic() - terminal.begun
        figures["1 + 1"] = statistics.median(terminal.ask(f"{n} + 1", after_input(str(n + 1))) for n in range(200, 205))
    finally:
        terminal.close()
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--selfsame", default="target/release/selfsame")
    parser.add_argument("--evcxr", default=shutil.which("evcxr"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    arguments.selfsame = os.path.abspath(arguments.selfsame)
    environment = {name: os.environ[name] for name in ("SELFSAME_CACHE_DIR",) if name in os.environ}
    subprocess.run([arguments.selfsame, "warm"], check=True)
    rounds = [selfsame(arguments, environment, False) for _ in range(arguments.rounds)]
    table = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    if arguments.cold:
        cache = tempfile.mkdtemp()
        found = selfsame(arguments, {**environment, "SELFSAME_CACHE_DIR": cache}, True)
        table["first start ever, until Rust answers"] = found["Rust ready and 1 + 1 answered"]
        shutil.rmtree(cache, ignore_errors=True)
    peer = stock(arguments.evcxr) if arguments.evcxr else {}
    print("| from a key to the screen | selfsame | evcxr |\n|---|---|---|")
    for name, seconds in table.items():
        other = f"{peer[name]:.2f} s" if name in peer else "-"
        print(f"| {name} | {seconds:.2f} s | {other} |")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"selfsame": table, "evcxr": peer}, file, indent=1)


if __name__ == "__main__":
    main()
