"""SimCLR on digits over the seeds of the given reports: mean and deviation with 1 % of the labels, beside what it must beat."""
import json
import statistics
import sys

reports = [json.load(open(name)) for name in sys.argv[1:]]
assert len(reports) >= 3, "a mean wants three seeds at least"
share = lambda scores: scores["linear"]["by_labels"]["1%"]
rows = {
    "this run": [share(r) for r in reports],
    "random init": [share(r["baselines"]["random_init"]) for r in reports],
    "raw pixels": [share(r["baselines"]["pixels"]) for r in reports],
}
for name, values in rows.items():
    print(f"{name:12} {statistics.mean(values):.3f} +- {statistics.stdev(values):.3f}  ({', '.join(f'{v:.3f}' for v in values)})")
ours, random, pixels = (statistics.mean(values) for values in rows.values())
assert ours >= random + 0.08, "no better than the untrained encoder"
assert ours >= pixels + 0.03, "no better than pixels"
assert not any(r["alarms"] for r in reports), [r["alarms"] for r in reports]
