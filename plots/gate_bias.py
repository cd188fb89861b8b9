"""The search of section 3.1 for the gates' initial bias: error on 5,000 held-out training images.

python -m plots gate-bias-search --scale pocket
"""

import statistics

import matplotlib.pyplot as plt

from paper import experiments, search
from paper.significance import ours, say_ours

from . import figure_files

BLUE = "#0000ff"
TITLE = "Exclusive gating: search for the gates' initial bias (section 3.1)"


def draw(name, scale):
    """Print the errors, and draw the figure."""
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
    title = TITLE
    best = search.best(scale)
    if best:
        print(_conclusion(best, scale))
        title += f"\n{_conclusion(best, scale)}"
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    _points(axes, searched)
    axes.set_title(title, fontsize=10)
    figure_files.caption(figure, [run for ours in searched.values() for run in ours.runs], "point")
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)


def _conclusion(best, scale):
    line = f"best: {search.bias(best)} (the paper: {search.PAPER_BEST})"
    test = ours(best, scale)
    if test.errors:
        line += f"; trained again on all images, test error {say_ours(test)} % (the paper: 8.70 %)"
    return line


def _points(axes, searched):
    """A point for each run, and a line through the medians."""
    for bias, runs in searched.items():
        axes.plot([bias] * len(runs.errors), runs.errors, "o", color=BLUE, markersize=4, alpha=0.5)
    medians = [statistics.median(runs.errors) for runs in searched.values()]
    axes.plot(list(searched), medians, "-", color=BLUE)
    axes.axvline(search.PAPER_BEST, color="0.4", linestyle=":")
    axes.text(
        search.PAPER_BEST,
        0.98,
        " the paper's best",
        transform=axes.get_xaxis_transform(),
        va="top",
        fontsize=8,
    )
    axes.set(
        xlabel="Initial bias of the gates, $b_g$",
        ylabel="Validation error, %",
        xlim=(0.5, -10.5),
        xticks=range(0, -11, -1),
    )
    axes.grid(axis="y", linestyle=":", color="0.6")
