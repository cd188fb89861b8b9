"""Runs beside others at pocket scale, by Welch's test: bfloat16 beside float32, and the ideas of
docs/VARIANTS.md beside the original network."""
import re
import statistics as numbers

from common import files
from common.files import ROOT
from paper import queue, runs
from paper.experiments import ORIGINAL110
from paper.statistics import welch

IDEA = re.compile(r"^`symbols/(?:shortcuts|activations)/(\w+)\.py`:", re.MULTILINE)
TOLD = "difference ± standard error | at 95 % |"


def types():
    """The table of docs/RESULTS.md: the same networks in float32 and in bfloat16."""
    lines = [f"| network | float32: error, % | bfloat16: error, % | seeds | {TOLD}",
             "| --- | --- | --- | ---: | --- | --- |"]
    for experiment in queue.PROOF:
        float32 = errors(runs.of(experiment._replace(changes={}), "pocket"), "float32")
        bfloat16 = errors(runs.of(experiment, "pocket"), "bfloat16")
        if min(len(float32), len(bfloat16)) > 1:
            cells = [experiment.at("pocket").network, spread(float32), spread(bfloat16),
                     f"{len(float32)}, {len(bfloat16)}", *difference(float32, bfloat16)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def ideas():
    """The table of docs/VARIANTS.md: each idea that has runs, and the original network first."""
    original = errors(runs.of(queue.PROOF[0], "pocket"), "bfloat16")
    depth = ORIGINAL110.at("pocket").depth
    lines = [f"| network | error, %: median (mean ± deviation) | seeds | {TOLD}",
             "| --- | --- | ---: | --- | --- |",
             f"| original{depth} | {median(original)} | {len(original)} | | |"]
    for name in IDEA.findall((ROOT / "docs" / "VARIANTS.md").read_text()):
        folders = sorted((files.RESULTS / "pocket").glob(f"cifar10-{name}{depth}/seed*"))
        idea = errors([runs.read(folder) for folder in folders], "bfloat16")
        if len(idea) > 1:
            cells = [f"{name}{depth}", median(idea), str(len(idea)), *difference(original, idea)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def errors(members, dtype):
    """Last test errors, in %, of those runs that are whole and of a type."""
    return [runs.last_error(run) for run in members
            if runs.is_whole(run) and runs.dtype(run) == dtype]


def spread(values):
    return f"{numbers.mean(values):.2f} ± {numbers.stdev(values):.2f}"


def median(values):
    return f"{numbers.median(values):.2f} ({spread(values)})"


def difference(before, after):
    """Of the means with its standard error, and whether the two are told apart, as two cells."""
    error, limit = welch([before, after])
    value = numbers.mean(after) - numbers.mean(before)
    told = "not told apart" if abs(value) <= limit else "worse" if value > 0 else "better"
    return f"{value:+.2f} ± {error:.2f}", told
