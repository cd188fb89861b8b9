"""Runs beside others: at pocket scale, by Welch's test, bfloat16 beside float32 and the ideas of
docs/VARIANTS.md beside the original network; and the same pictures once and twice through JPEG."""

import statistics

from docs import values
from paper import queue, run_files
from paper.experiments import ORIGINAL110
from paper.significance import LEVEL, welch

TOLD = "difference ± standard error | at 95 % |"


def types():
    """The table of docs/RESULTS.md: the same networks in float32 and in bfloat16."""
    lines = [
        f"| network | float32: error, % | bfloat16: error, % | seeds | {TOLD}",
        "| --- | --- | --- | ---: | --- | --- |",
    ]
    for experiment in queue.PROOF:
        here = experiment.at("pocket")
        float32 = errors(here._replace(changes={}).name, "float32")
        bfloat16 = errors(here.name, "bfloat16")
        if min(len(float32), len(bfloat16)) > 1:
            cells = [
                here.network,
                spread(float32),
                spread(bfloat16),
                f"{len(float32)}, {len(bfloat16)}",
                *difference(float32, bfloat16),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def ideas():
    """The table of docs/VARIANTS.md: each idea that has runs, and the original network first."""
    original = errors(queue.PROOF[0].at("pocket").name, "bfloat16")
    depth = ORIGINAL110.at("pocket").depth
    lines = [
        f"| network | error, %: median (mean ± deviation) | seeds | {TOLD}",
        "| --- | --- | ---: | --- | --- |",
        f"| original{depth} | {median(original)} | {len(original)} | | |",
    ]
    for name in values.ideas():
        idea = errors(f"cifar10-{name}{depth}", "bfloat16")
        if len(idea) > 1:
            cells = [f"{name}{depth}", median(idea), str(len(idea)), *difference(original, idea)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def jpeg():
    """The table of docs/RESULTS.md: one network on the pictures, and on recompressed ones."""
    lines = [
        "| pictures | training error, % | test error, % | runs |",
        "| --- | ---: | ---: | ---: |",
    ]
    for times in ("once", "twice"):
        found = values.published(f"original20-{times}", "jpeg")
        trained = statistics.median(run.rows[-1]["train_error"] for run in found)
        tested = statistics.median(run_files.last_error(run) for run in found)
        lines.append(f"| {found[0].config['data']} | {trained:.2f} | {tested:.2f} | {len(found)} |")
    return lines


def errors(name, dtype):
    """Test errors, in %, of the published runs of a network and a type."""
    return list(values.errors(name.partition("-")[2], dtype=dtype).values())


def spread(sample):
    return f"{statistics.mean(sample):.2f} ± {statistics.stdev(sample):.2f}"


def median(sample):
    return f"{statistics.median(sample):.2f} ({spread(sample)})"


def difference(before, after):
    """Of the means with its standard error, and whether the two are told apart, as two cells."""
    value, error, p = welch(before, after)
    told = "not told apart" if p >= LEVEL else "worse" if value > 0 else "better"
    return f"{value:+.2f} ± {error:.2f}", told
