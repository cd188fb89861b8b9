"""Charts of test errors with a dot for each seed: against depth, and against the gates' bias.

.venv/bin/python -m plots depth gate-bias-search --scale pocket
"""

from collections import Counter
from statistics import median

import matplotlib.pyplot as plt

from paper import experiments, search
from paper.counted_runs import comparable_rows, results_of
from paper.significance import say_ours

from . import figure_files, styles

# By depth: how a kind of network is drawn, and the errors of 1512.03385
KINDS = {
    "plain": (dict(color=styles.COLOURS["plain"], marker="s"), experiments.PLAIN),
    "residual": (dict(color=styles.COLOURS["original"], marker="o"), experiments.RESNETS),
}
BLUE = "#0000ff"


def by_depth(name, scale):
    """Draw test error against depth: plain networks get worse when deeper, residual ones better.

    The paper's errors are on the left and ours on the right, each with its own axis.
    """
    pairs = comparable_rows(experiments.BY_DEPTH, scale)
    if max(Counter(row.case for row, _ in pairs).values(), default=0) < 2:
        command = experiments.make(name, scale)
        print(f"too few depths on the same images at scale {scale}; for missing runs: {command}")
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(styles.WIDTH, 3.6))
    for kind, (style, errors) in KINDS.items():
        depths = [depth for depth in errors if depth <= 110 and errors[depth] != experiments.FAIL]
        left.plot(depths, [errors[depth] for depth in depths], label=kind, **style)
        results = [
            (row.experiment.at(scale).depth, ours) for row, ours in pairs if row.case == kind
        ]
        samples = {depth: ours.errors for depth, ours in sorted(dict(results).items())}
        label = kind if samples else None
        right.plot(list(samples), list(map(median, samples.values())), label=label, **style)
        for depth, sample in samples.items():
            dots = dict(color=style["color"], markersize=3, alpha=0.6)
            right.plot([depth] * len(sample), sample, "o", **dots)
    top = left.get_ylim()[1]
    arrow = dict(arrowstyle="->", color=styles.COLOURS["plain"])
    text = "plain, 110 layers:\nabove 60 %"
    place = dict(xytext=(66, 0.96 * top), va="top")
    left.annotate(text, (110, top), arrowprops=arrow, **place)
    left.set_title("1512.03385, Figure 6 and Table 6")
    right.set_title(f"ours, {scale} scale")
    for axes in (left, right):
        axes.set(xlabel="Layers", ylabel="Test error, %")
        axes.set_xticks(sorted({x for line in axes.lines for x in line.get_xdata()}))
        axes.grid(axis="y")
        axes.legend()
    return _captioned(figure, [ours for _, ours in pairs])


def gate_bias(name, scale):
    """Draw section 3.1's search for the gates' bias: errors on held-out training images."""
    searched = search.errors(scale)
    for bias, result in searched.items():
        print(f"bias {bias:>3}: validation error {say_ours(result)} %")
    count = len(experiments.GATE_BIAS_SEARCH)
    if len(searched) < count:
        missing = f"{count - len(searched)} of {count} biases are missing or have other images"
        print(f"{missing}; for missing runs: {experiments.make(name, scale)}")
    if not searched:
        return None
    title = "Exclusive gating: search for the gates' initial bias (section 3.1)"
    best = search.best(scale)
    if best is not None:
        print(_conclusion(best, scale))
        title += f"\n{_conclusion(best, scale)}"
    figure, axes = plt.subplots(figsize=(7, 4))
    for bias, result in searched.items():
        dots = dict(color=BLUE, alpha=0.5)
        axes.plot([bias] * len(result.errors), result.errors, "o", **dots)
    medians = [median(result.errors) for result in searched.values()]
    axes.plot(list(searched), medians, "-", color=BLUE)
    axes.axvline(experiments.PAPER_BEST, color="0.4", linestyle=":")
    place = dict(transform=axes.get_xaxis_transform(), va="top")
    axes.text(experiments.PAPER_BEST, 0.98, " the paper's best", **place)
    axes.set(xlabel="Initial bias of the gates, $b_g$", ylabel="Validation error, %")
    axes.set(xlim=(0.5, -10.5), xticks=range(0, -11, -1))
    axes.set_title(title)
    axes.grid(axis="y")
    return _captioned(figure, searched.values())


def _conclusion(best, scale):
    line = f"best: {best} (the paper: {experiments.PAPER_BEST})"
    test = results_of(experiments.gating(best), scale)
    if test.errors:
        line += f"; trained again on all training images: test error {say_ours(test)} %"
    return line


def _captioned(figure, results):
    """Write a caption below a chart of Results. Return the chart."""
    several = any(len(result.errors) > 1 for result in results)
    note = "lines: medians; dots: single seeds" if several else ""
    figure_files.caption(figure, [run for result in results for run in result.runs], note)
    return figure
