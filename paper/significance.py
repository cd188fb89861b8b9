"""Our test errors beside the paper's: medians, verdicts, rank correlation and tests of significance.

SciPy loads its submodules on first use, so importing this module stays fast.
"""

import math
import statistics
from collections import namedtuple

import scipy

from . import experiments, run_files


class Results(namedtuple("Results", "errors runs unfinished unscored")):
    """Our runs of a row.

    errors: last iterate of each finished run, in %. runs: these runs. unfinished: number of others.
    unscored: folders of finished runs without the test by score.py that the row needs.
    """

    @property
    def images(self):
        """The name of the data set; empty without finished runs."""
        return self.runs[0].config["data"] if self.runs else ""


JUDGED = ("full", "desk")  # scales whose runs are long enough for the paper's rule
LEVEL = 0.05  # p-values below it are significant


def results_of(experiment, scale, crop=None):
    """Return the finished runs of an experiment. crop: take the error of this rule of score.py."""
    runs = run_files.of(experiment, scale)
    finished = list(filter(run_files.is_whole, runs))
    unfinished = len(runs) - len(finished)
    unscored = []
    if crop:
        unscored = [run.folder for run in finished if crop not in run_files.tested(run)]
        finished = [run for run in finished if run.folder not in unscored]
        errors = [run_files.tested(run)[crop] for run in finished]
    else:
        errors = list(map(run_files.last_error, finished))
    return Results(errors, finished, unfinished, unscored)


def number(error):
    """Return an error for sorting. The paper's "fail" rows are tied at the end."""
    return math.inf if error == experiments.FAIL else error


def verdicts(row, runs, scale):
    """Return 'no / yes': whether a row fails in the paper and here. Empty if the rule does not
    apply.

    The rule is Table 1's; Table 2 has the same networks and data.
    """
    if scale not in JUDGED or not runs.errors or row.experiment.dataset != "cifar10":
        return ""
    errors = map(number, (row.paper, statistics.median(runs.errors)))
    return " / ".join("yes" if error > experiments.FAILS_ABOVE else "no" for error in errors)


def say(error):
    """Return an error as the paper writes it."""
    if error is None:
        return ""
    return error if error == experiments.FAIL else f"{error:.2f}"


def say_ours(runs):
    """Return '18.92', or 'median (mean ± standard deviation)' of several runs."""
    if not runs.errors:
        return "not scored" if runs.unscored else "unfinished" if runs.unfinished else ""
    return say_sample(runs.errors)


def say_sample(errors):
    """Return '18.92', or 'median (mean ± standard deviation)' of several errors."""
    text = f"{statistics.median(errors):.2f}"
    if len(errors) > 1:
        text += f" ({statistics.mean(errors):.2f} ± {statistics.stdev(errors):.2f})"
    return text


def finished_rows(rows, scale):
    """Return [(row, Results)] of the rows with a finished run, each network once, sorted by the
    paper's error.

    Rows that the paper calls failures are last, in the order of the table.
    """
    pairs = {}
    for row in rows:
        runs = results_of(row.experiment, scale, row.crop)
        if runs.errors:
            pairs.setdefault((row.experiment.at(scale).name, row.crop), (row, runs))
    return sorted(pairs.values(), key=lambda pair: number(pair[0].paper))


def measured(rows, scale):
    """Return the finished_rows that are comparable."""
    return comparable(finished_rows(rows, scale))


def comparable(pairs):
    """Return the pairs (of anything, and Results with runs) on the most frequent images of their
    data set. The others are reported and left out.
    """
    groups = {}
    for _, runs in pairs:
        groups.setdefault(runs.runs[0].config["recipe"]["dataset"], []).append(runs.runs[0])
    usual = {dataset: run_files.usual_images(group) for dataset, group in groups.items()}
    kept = []
    for subject, runs in pairs:
        first = runs.runs[0]
        images = usual[first.config["recipe"]["dataset"]]
        if runs.images == images:
            kept.append((subject, runs))
        else:
            run_files.say_once(
                f"left out: {first.folder} was trained on {runs.images}, and the networks compared "
                f"here on {images}"
            )
    return kept


def rank_correlation(pairs):
    """Return Spearman's rank correlation of our medians with the paper's errors.

    pairs: as measured() returns them. None with fewer than three rows, or if all are equal.
    """
    paper = [number(row.paper) for row, _ in pairs]
    medians = [statistics.median(runs.errors) for _, runs in pairs]
    if len(pairs) < 3 or len(set(paper)) == 1 or len(set(medians)) == 1:
        return None
    return float(scipy.stats.spearmanr(paper, medians)[0])


def order(name, scale):
    """Return the rank_correlation of a table as text, for each data set, depth and unit.

    Empty with too few rows.
    """
    groups = {}
    for row in experiments.TABLES[name]:
        network = row.experiment
        groups.setdefault((network.dataset, network.depth, network.unit), []).append(row)
    lines = []
    for (_, depth, _), rows in groups.items():
        text = say_order(rows, scale)
        title = f"ResNet-{depth}: " if len(groups) > 1 else ""
        lines += [title + text] if text else []
    return "; ".join(lines)


def say_order(rows, scale):
    """Return the rank_correlation of some rows as text. Empty with too few rows."""
    pairs = measured(rows, scale)
    correlation = rank_correlation(pairs)
    text = f"Spearman's rank correlation with the paper's errors over {len(pairs)} rows: "
    return "" if correlation is None else f"{text}{correlation:.2f}"


def compare(before, after, several):
    """Return (difference of means, its standard error, p-value) of two samples of errors.

    Welch's t-test if both have several errors; otherwise the deviation is pooled over `several`,
    samples of at least two errors each. Without these, error and p-value are None.
    """
    if min(len(before), len(after)) > 1:
        return welch(before, after)
    return pooled(before, after, several)


def welch(before, after):
    """Return (difference of means, its standard error, p-value) of Welch's t-test."""
    difference = statistics.mean(after) - statistics.mean(before)
    error = math.sqrt(sum(statistics.variance(sample) / len(sample) for sample in (before, after)))
    if not error:
        return difference, error, float(difference == 0)
    return difference, error, float(scipy.stats.ttest_ind(before, after, equal_var=False).pvalue)


def pooled(before, after, several):
    """Return the same by a t-test with the deviation pooled over other samples."""
    difference = statistics.mean(after) - statistics.mean(before)
    freedom = sum(len(sample) - 1 for sample in several)
    squares = sum((len(sample) - 1) * statistics.variance(sample) for sample in several)
    if not squares:
        return difference, None, None
    error = math.sqrt(squares / freedom * (1 / len(before) + 1 / len(after)))
    return difference, error, float(2 * scipy.stats.t.sf(abs(difference) / error, freedom))


def conclusion(difference, p):
    """Return whether networks have the paper's order. p: None without a known deviation."""
    order = "agrees" if difference > 0 else "reversed" if difference else "equal"
    if p is None:
        return f"{order}, one run each"
    return order if p < LEVEL else f"{order}, not significant"


def say_difference(difference, error):
    """Return '+3.21 ± 1.10': a difference of means and its standard error, in points."""
    return f"{difference:+.2f}" + ("" if error is None else f" ± {error:.2f}")
