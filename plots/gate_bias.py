"""The search of section 3.1 for the initial bias of the gates: error on 5,000 held-out training
images against b_g.

    python -m plots gate-bias-search --scale pocket
"""

import math
import statistics

import matplotlib.pyplot as plt

from paper import experiments, search
from paper.significance import ours, say_ours

from . import figure_files

BLUE = "#0000ff"


def draw(name, scale):
    """Print the search, and write its picture under plots/figures/."""
    searched = search.errors(scale)
    for bias, runs in searched.items():
        print(f"bias {bias:>3}: validation error {say_ours(runs)} %")
    count = len(experiments.GATE_BIAS_SEARCH)
    if len(searched) < count:
        print(
            f"{count - len(searched)} of {count} biases are missing; "
            f"{experiments.make(name, scale)} trains them"
        )
    if not searched:
        return
    best = search.best(scale)
    if best:
        print(_say_best(best, scale))
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    _points(axes, searched)
    title = "Exclusive gating: the search for the gates' initial bias (section 3.1)"
    axes.set_title(f"{title}\n{_say_best(best, scale)}" if best else title, fontsize=10)
    runs = [run for there in searched.values() for run in there.runs]
    figure_files.caption(figure, runs, of="point")
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)


def _say_best(best, scale):
    line = f"best: {search.bias(best)} (the paper: {search.PAPER_BEST})"
    test = ours(best, scale)
    if test.errors:
        line += (
            f"; trained again on all pictures, test error {say_ours(test)} % " "(the paper: 8.70 %)"
        )
    return line


def _points(axes, searched):
    """Every run as a point, the medians of neighbours joined."""
    for bias, runs in searched.items():
        axes.plot([bias] * len(runs.errors), runs.errors, "o", color=BLUE, markersize=4, alpha=0.5)
    biases = [search.bias(experiment) for experiment in experiments.GATE_BIAS_SEARCH]
    medians = [
        statistics.median(searched[bias].errors) if bias in searched else math.nan
        for bias in biases
    ]
    axes.plot(biases, medians, "-", color=BLUE)
    axes.axvline(search.PAPER_BEST, color="0.5", linestyle=":")
    axes.annotate(
        "the paper's best",
        (search.PAPER_BEST, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -10),
        textcoords="offset points",
        fontsize=8,
        color="0.3",
    )
    axes.set(
        xlabel="Initial bias of the gates, $b_g$",
        ylabel="Validation error, %",
        xlim=(0.5, -10.5),
        xticks=range(0, -11, -1),
    )
    axes.grid(axis="y", linestyle=":", color="0.6")
