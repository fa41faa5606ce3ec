#!/usr/bin/env python3
"""`selfsame bench` beside peer.py, alternately, in one table.

    compare.py [WORKLOAD ...] [--rounds N] [--steps N] [--threads N] [--selfsame PROGRAM] [--json FILE]

Each round runs ours, the peer as it is and the peer through torch.compile, one after the other, so that a machine that
becomes slower becomes slower for all three. A row has the median of the rounds' medians and, of the peer, the faster of
its ways. The ratio is ours over the peer's: above 1 we are faster. Do nothing else on the machine meanwhile.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

# The ratio each workload is meant to reach.
TARGETS = {
    "simclr-vit": 1.5,
    "simclr-cnn": 1.5,
    "mae-vit": 1.5,
    "gpt-char": 1.5,
    "vicreg-mlp": 1.3,
    "augment": 20.0,
    "e2e-simclr": 3.0,
    "knn": 2.0,
    "probe": 1.0,
}
# Workloads whose peer is a network, which torch.compile may make faster.
COMPILED = {"simclr-vit", "simclr-cnn", "mae-vit", "gpt-char", "vicreg-mlp", "e2e-simclr"}
# The other ways in which the peer can do a workload.
ALSO = {"augment": "augment-fast"}


def call(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def ways(workload, options):
    """The commands that do a workload: ours and each of the peer's."""
    common = ["--steps", options.steps, "--threads", options.threads]
    peer = [sys.executable, Path(__file__).with_name("peer.py")]
    commands = {"selfsame": [options.selfsame, "bench", workload, "--json", *common]}
    commands["eager"] = [*peer, workload, *common]
    if workload in COMPILED and not options.eager:
        commands["compiled"] = [*peer, workload, *common, "--compile"]
    if workload in ALSO:
        commands["v2"] = [*peer, ALSO[workload], *common]
    return commands


def measure(workload, options):
    commands = ways(workload, options)
    runs = {way: [] for way in commands}
    for number in range(options.rounds):
        for way, command in commands.items():
            found = call(command)
            runs[way].append(found)
            print(f"{workload}, round {number + 1}, {way}: {found['median']:.4g} {found['unit']}", file=sys.stderr)
    return summary(workload, runs)


def summary(workload, runs):
    middle = lambda way, key: statistics.median(run[key] for run in runs[way] if run.get(key) is not None)
    largest = lambda way: max((run.get("peak_memory_bytes") or 0) for run in runs[way])
    unit = runs["selfsame"][0]["unit"]
    medians = {way: middle(way, "median") for way in runs}
    peers = [way for way in medians if way != "selfsame"]
    best = min(peers, key=medians.get) if unit == "seconds" else max(peers, key=medians.get)
    ours, peer = medians["selfsame"], medians[best]
    share = runs["selfsame"][0].get("share_of_peak")
    return dict(
        workload=workload,
        unit=unit,
        selfsame=ours,
        peer=peer,
        peer_way=best,
        ratio=peer / ours if unit == "seconds" else ours / peer,
        target=TARGETS[workload],
        share_of_peak=None if share is None else middle("selfsame", "share_of_peak"),
        memory_bytes=largest("selfsame"),
        peer_memory_bytes=largest(best),
        all_medians=medians,
        runs=runs,
    )


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows):
    headers = ["workload", "unit", "selfsame", "peer", "peer's way", "ratio", "target", "of sgemm peak", "MB", "peer's MB"]
    cells = [headers]
    for row in rows:
        share = row["share_of_peak"]
        reached = "" if row["ratio"] >= row["target"] else " <"
        cells.append(
            [
                row["workload"],
                row["unit"],
                number(row["selfsame"]),
                number(row["peer"]),
                row["peer_way"],
                f"{row['ratio']:.2f}",
                f"{row['target']:g}{reached}",
                "-" if share is None else f"{100 * share:.0f} %",
                number(row["memory_bytes"] / 1e6),
                number(row["peer_memory_bytes"] / 1e6),
            ]
        )
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    left = {0, 1, 4}
    lines = []
    for row in cells:
        aligned = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(aligned).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--eager", action="store_true", help="leave torch.compile out")
    parser.add_argument("--selfsame", default="selfsame", help="the program (default: selfsame on the PATH)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run as well")
    options = parser.parse_args()
    unknown = set(options.workloads) - set(TARGETS)
    if unknown:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    rows = []
    for workload in options.workloads or TARGETS:
        rows.append(measure(workload, options))
        if options.json:
            # After each workload: a long comparison that is cut short keeps what it has.
            options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    if any(row["ratio"] < row["target"] for row in rows):
        print("< below its target")


if __name__ == "__main__":
    main()
