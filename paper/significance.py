"""Our test errors beside the paper's: medians, verdicts, rank correlation and tests of significance.

SciPy loads its submodules on first use, so importing this module stays fast.
"""

import math
import statistics

import scipy

from common.data_names import compared_as

from . import experiments, run_files
from .counted_runs import comparable_rows, number

JUDGED = ("full", "desk")  # scales for which tables show the paper's rule, "fail" above 20 %
LEVEL = 0.05  # p-values below it are significant
COMPARISONS = "network|test error, %|runs|difference ± standard error|5 % level"


def verdicts(row, results, scale):
    """Return 'no / yes': whether a row fails in the paper and here. Empty if the rule does not
    apply.

    The rule is Table 1's; Table 2 has the same networks and data.
    """
    if scale not in JUDGED or not results.errors or row.experiment.dataset != "cifar10":
        return ""
    errors = map(number, (row.paper, statistics.median(results.errors)))
    return " / ".join("yes" if error > experiments.FAILS_ABOVE else "no" for error in errors)


def say(error):
    """Return an error as the paper writes it."""
    if error is None:
        return ""
    return error if error == experiments.FAIL else f"{error:.2f}"


def say_ours(results):
    """Return '18.92', or 'median (mean ± standard deviation)' of several runs."""
    if results.errors:
        return say_sample(results.errors)
    if results.unscored:
        return "not scored"
    return "unfinished" if results.unfinished else ""


def say_sample(errors):
    """Return '18.92', or 'median (mean ± standard deviation)' of several errors."""
    text = f"{statistics.median(errors):.2f}"
    if len(errors) > 1:
        text += f" ({statistics.mean(errors):.2f} ± {statistics.stdev(errors):.2f})"
    return text


def rank_correlation(pairs):
    """Return Spearman's rank correlation of our medians with the paper's errors.

    pairs: as comparable_rows() returns them. None with fewer than three rows, or if all are equal.
    """
    paper = [number(row.paper) for row, _ in pairs]
    medians = [statistics.median(results.errors) for _, results in pairs]
    if len(pairs) < 3 or len(set(paper)) == 1 or len(set(medians)) == 1:
        return None
    return float(scipy.stats.spearmanr(paper, medians)[0])


def order(name, scale):
    """Return the rank_correlation of a table as text, for each data set, depth and unit.

    Empty with too few rows.
    """
    groups = {}
    for row in experiments.TABLES[name]:
        experiment = row.experiment
        key = experiment.dataset, experiment.depth, experiment.unit
        groups.setdefault(key, []).append(row)
    lines = []
    for (_, depth, _), rows in groups.items():
        text = say_order(rows, scale)
        title = f"ResNet-{depth}: " if len(groups) > 1 else ""
        lines += [title + text] if text else []
    return "; ".join(lines)


def say_order(rows, scale):
    """Return the rank_correlation of some rows as text. Empty with too few rows."""
    pairs = comparable_rows(rows, scale)
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
    """Return (difference of means, its standard error, p-value) of a t-test.

    The deviation is pooled over the samples in `several`. If it is 0, or if there are no samples,
    error and p-value are None.
    """
    difference = statistics.mean(after) - statistics.mean(before)
    freedom = sum(len(sample) - 1 for sample in several)
    squares = sum((len(sample) - 1) * statistics.variance(sample) for sample in several)
    if not squares:
        return difference, None, None
    error = math.sqrt(squares / freedom * (1 / len(before) + 1 / len(after)))
    return difference, error, float(2 * scipy.stats.t.sf(abs(difference) / error, freedom))


def comparisons(samples):
    """Return rows below COMPARISONS: each sample, compared with the first one.

    samples: [(name, runs)], none empty. Runs on other images than the first sample's are not
    compared.
    """
    data = compared_as(samples[0][1][0].data)
    errors = {name: list(map(run_files.last_error, runs)) for name, runs in samples}
    same = [name for name, runs in samples if all(compared_as(run.data) == data for run in runs)]
    several = [errors[name] for name in same if len(errors[name]) > 1]
    rows = []
    for name, _ in samples:
        verdict = "", "other images"
        if name in same:
            difference, error, p = compare(errors[same[0]], errors[name], several)
            result = "worse" if difference > 0 else "better"
            if p is None:
                result = "not tested"
            elif p >= LEVEL:
                result = "not significant"
            verdict = say_difference(difference, error), result
        rows.append((name, say_sample(errors[name]), str(len(errors[name])), *verdict))
    rows[0] = (*rows[0][:3], "", "")
    return rows


def conclusion(difference, p):
    """Return whether networks have the paper's order. p: None without a known deviation."""
    order = "agrees" if difference > 0 else "reversed" if difference else "equal"
    if p is None:
        return f"{order}, not tested"
    return order if p < LEVEL else f"{order}, not significant"


def say_difference(difference, error):
    """Return '+3.21 ± 1.10': a difference of means and its standard error, in points."""
    return f"{difference:+.2f}" + ("" if error is None else f" ± {error:.2f}")
