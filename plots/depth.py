"""Test error against depth: plain networks get worse when they are deeper, residual ones better.

python -m plots depth --scale desk
"""

import statistics

import matplotlib.pyplot as plt

from paper import experiments
from paper.significance import measured

from . import figure_files
from .styles import COLOURS

STYLES = {
    "plain": dict(color=COLOURS["plain"], marker="s"),
    "residual": dict(color=COLOURS["original"], marker="o"),
}
PAPER = {"plain": experiments.PLAIN, "residual": experiments.RESNETS}


def draw(name, scale):
    """Draw the paper's errors on the left and ours on the right, each with its own axis."""
    pairs = measured(experiments.BY_DEPTH, scale)
    if not pairs:
        print(f"no run at scale {scale} yet; start with {experiments.make(name, scale)}")
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.6), layout="constrained")
    for kind, errors in PAPER.items():
        depths = [depth for depth in errors if depth <= 110 and errors[depth] != experiments.FAIL]
        left.plot(depths, [errors[depth] for depth in depths], label=kind, **STYLES[kind])
    left.annotate(
        "plain, 110 layers:\nabove 60 %",
        (110, left.get_ylim()[1]),
        xytext=(66, left.get_ylim()[1] * 0.96),
        arrowprops=dict(arrowstyle="->", color=COLOURS["plain"]),
        va="top",
        fontsize=8,
    )
    for kind in PAPER:
        _ours(right, [pair for pair in pairs if pair[0].case == kind], scale, kind)
    for axes, title in (
        (left, "1512.03385, Figure 6 and Table 6"),
        (right, f"ours, {scale} scale"),
    ):
        axes.set(xlabel="Layers", ylabel="Test error, %")
        axes.set_title(title, fontsize=10)
        axes.set_xticks(sorted({line_x for line in axes.lines for line_x in line.get_xdata()}))
        axes.grid(axis="y", linestyle=":", color="0.7")
        axes.legend(fontsize=8, frameon=False)
    runs = [run for _, ours in pairs for run in ours.runs]
    figure_files.caption(figure, runs, of=None, note="lines: medians; small dots: single seeds")
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)


def _ours(axes, pairs, scale, kind):
    """The medians of networks of one kind as a line, and a small dot for each run."""
    runs = {row.experiment.at(scale).depth: ours.errors for row, ours in pairs}
    depths = sorted(runs)
    axes.plot(
        depths, [statistics.median(runs[depth]) for depth in depths], label=kind, **STYLES[kind]
    )
    for depth in depths:
        dots = dict(STYLES[kind], marker="o", linestyle="", markersize=3, alpha=0.6)
        axes.plot([depth] * len(runs[depth]), runs[depth], **dots)
