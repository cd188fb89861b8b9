"""Our numbers beside the paper's: medians, whether a row fails, the order, and what can be told
apart."""

import math
import statistics
from collections import namedtuple

import numpy as np

from . import experiments, run_files

# errors: last iterate of each finished run, in %. runs: those runs. unfinished: how many others.
Ours = namedtuple("Ours", "errors runs unfinished")

JUDGED = ("full", "desk")  # scales whose runs are long enough for the paper's rule
# Student's t: |t| stays below it in 95 of 100 cases of no difference, by degrees of freedom.
STUDENT = {
    1: 12.71,
    2: 4.30,
    3: 3.18,
    4: 2.78,
    5: 2.57,
    6: 2.45,
    7: 2.36,
    8: 2.31,
    9: 2.26,
    10: 2.23,
    15: 2.13,
    20: 2.09,
    30: 2.04,
}


def ours(experiment, scale, crop=None):
    """What there is of an experiment at a scale. crop: the error by that rule, as score.py left
    it."""
    runs = run_files.of(experiment, scale)
    whole = [
        run
        for run in runs
        if run_files.is_whole(run) and (crop is None or crop in run_files.tested(run))
    ]
    errors = [run_files.tested(run)[crop] if crop else run_files.last_error(run) for run in whole]
    return Ours(errors, whole, len(runs) - len(whole))


def number(error):
    """An error as a number to sort by: the paper's "fail" rows are tied at the bottom."""
    return math.inf if error == experiments.FAIL else error


def fails(error):
    """Whether an error, a number or the paper's "fail", is one by the paper's rule."""
    return number(error) > experiments.FAILS_ABOVE


def verdicts(row, runs, scale):
    """'no / yes': whether a row fails by the paper's rule there and here; empty where it says
    nothing.

    Table 1 alone has the rule, and Table 2 the same networks' test errors on CIFAR-10.
    """
    if scale not in JUDGED or not runs.errors or row.experiment.dataset != "cifar10":
        return ""
    return " / ".join(
        "yes" if fails(error) else "no" for error in (row.paper, statistics.median(runs.errors))
    )


def say(error):
    """An error as the paper writes it."""
    if error is None:
        return ""
    return error if error == experiments.FAIL else f"{error:.2f}"


def say_ours(runs):
    """Median of n (mean ± standard deviation)."""
    if not runs.errors:
        return "unfinished" if runs.unfinished else ""
    text = f"{statistics.median(runs.errors):.2f}"
    if len(runs.errors) > 1:
        text += f" ({statistics.mean(runs.errors):.2f} ± {statistics.stdev(runs.errors):.2f})"
    return text


def measured(rows, scale):
    """[(row, Ours)] of the rows that have a finished run, each network once, the paper's best
    first.

    The rows that the paper calls failures are tied; they stay in their order, behind the others.
    """
    pairs = {}
    for row in rows:
        runs = ours(row.experiment, scale, row.crop)
        if runs.errors:
            pairs.setdefault((row.experiment.name, row.crop), (row, runs))
    return sorted(pairs.values(), key=lambda pair: number(pair[0].paper))


def ranks(values):
    """Ranks from 1, ties sharing their mean rank."""
    order = sorted(values)
    return [order.index(value) + (order.count(value) + 1) / 2 for value in values]


def rank_correlation(pairs):
    """Spearman's rank correlation of our medians with the paper's errors; None below three rows.

    pairs: as measured() returns them.
    """
    if len(pairs) < 3:
        return None
    paper = ranks([number(row.paper) for row, _ in pairs])
    here = ranks([statistics.median(runs.errors) for _, runs in pairs])
    if len(set(here)) == 1 or len(set(paper)) == 1:  # no order at all
        return None
    return float(np.corrcoef(paper, here)[0, 1])


def order(name, scale, depth=None):
    """rank_correlation of a table in words, for each of the paper's depths by itself.

    depth: one of them alone. Empty where there are too few rows.
    """
    rows = experiments.TABLES[name]
    depths = list(dict.fromkeys(row.experiment.depth for row in rows))
    lines = []
    for one in depths if depth is None else [depth]:
        words = say_order([row for row in rows if row.experiment.depth == one], scale)
        if words:
            lines.append((f"ResNet-{one}: " if depth is None and len(depths) > 1 else "") + words)
    return "; ".join(lines)


def say_order(rows, scale):
    """rank_correlation of some rows in words; empty where there are too few."""
    pairs = measured(rows, scale)
    correlation = rank_correlation(pairs)
    if correlation is None:
        return ""
    return (
        f"Spearman's rank correlation with the paper's errors over {len(pairs)} rows: "
        f"{correlation:.2f}"
    )


# A pair of neighbours in the paper's order. better, worse: rows; difference: of our means, worse
# minus better, in points; error: its standard error, None where no deviation is known; counts:
# seeds of both.
Neighbours = namedtuple("Neighbours", "better worse difference error limit counts")


def neighbours(rows, scale):
    """For each pair of neighbours in the paper's order, whether ours tell them apart.

    The standard error is Welch's where both rows have several seeds; else the deviation is pooled
    over all rows that have several. A row that the paper calls a failure is a neighbour of the last
    that is none; two failures have no order.
    """
    pairs = measured(rows, scale)
    several = [runs.errors for _, runs in pairs if len(runs.errors) > 1]
    freedom = sum(len(errors) - 1 for errors in several)
    squares = sum((len(errors) - 1) * statistics.variance(errors) for errors in several)
    pooled = squares / freedom if freedom else None
    compared = []
    levels = sorted({number(row.paper) for row, _ in pairs})
    for level, following in zip(levels, levels[1:]):
        better = [pair for pair in pairs if number(pair[0].paper) == level][-1]
        for worse in [pair for pair in pairs if number(pair[0].paper) == following]:
            compared.append(_compare(better, worse, pooled, freedom))
    return compared


def _compare(better, worse, pooled, freedom):
    samples = [better[1].errors, worse[1].errors]
    counts = tuple(map(len, samples))
    difference = statistics.mean(samples[1]) - statistics.mean(samples[0])
    if min(counts) > 1:
        error, limit = welch(samples)
    elif pooled is not None:
        error = math.sqrt(sum(pooled / count for count in counts))
        limit = student(freedom) * error
    else:
        error = limit = None
    return Neighbours(better[0], worse[0], difference, error, limit, counts)


def welch(samples):
    """(standard error, limit) of the difference of two means, each of several values, as Welch has
    it: in 95 of 100 cases of no difference it stays below the limit.
    """
    counts = [len(values) for values in samples]
    parts = [statistics.variance(values) / count for values, count in zip(samples, counts)]
    weight = sum(part**2 / (count - 1) for part, count in zip(parts, counts))
    freedom = sum(parts) ** 2 / weight if weight else sum(counts) - 2
    error = math.sqrt(sum(parts))
    return error, student(freedom) * error


def student(freedom):
    """Student's t at 95 %, of the next smaller number of degrees of freedom that is known."""
    return STUDENT[max(known for known in STUDENT if known <= max(1, freedom))]


def say_told_apart(pair):
    """What a pair of neighbours shows, in words."""
    if pair.error is None:
        return "not known: one seed each"
    if abs(pair.difference) <= pair.limit:
        return "not told apart"
    return "as in the paper" if pair.difference > 0 else "the other way round"


def say_difference(pair):
    """'+3.21 ± 1.10': the difference of two neighbours and its standard error, in points."""
    error = "?" if pair.error is None else f"{pair.error:.2f}"
    return f"{pair.difference:+.2f} ± {error}"
