"""Training curves in the layout of the paper's Figures 1, 3 and 6.

Solid: test error on the right axis, linear. Dashed: training loss on the left axis, logarithmic.
Iterations below. Seeds of one network are one curve: their median, and a band of all of them.

    python -m plots.curves results/full/cifar10-preact20/seed0
"""

import matplotlib.pyplot as plt

from common.command import Parser, folder
from common.errors import run_main
from paper import run_files

from . import figure_files, scales
from .series import group_runs, legend_label, series
from .styles import DASHES, line_style, styles


def panel(axes, drawn, title=None, papers=(), limits=None, style=None, by="iteration"):
    """Draw curves into one pair of axes, and return the right-hand ones.

    papers: for each curve the paper's own, {"train_loss": points, "test_err": points}, which lies
    behind it in a light tone. limits: of a whole figure. style: [(colour, marker)].
    by: "iteration" or "epoch".
    """
    limits = limits or scales.limits(drawn)
    right = axes.twinx()
    style = style or styles([curve.runs[0].config["recipe"] for curve in drawn])
    for curve, (colour, marker), paper in zip(drawn, style, papers or [None] * len(drawn)):
        if paper:
            behind(axes, paper.get("train_loss", ()), colour, dashed=True)
            behind(right, paper["test_err"], colour)
        lines(axes, curve, "train_loss", colour, by=by)
        lines(right, curve, "test_error", colour, marker, legend_label(curve), by)
    scales.iteration_axis(axes, drawn, by)
    scales.loss_axis(axes, limits)
    scales.error_axis(right, limits)
    legend(right, len(drawn), title, papers)
    return right


def lines(axes, curve, column, colour, marker=None, label=None, by="iteration", change=None):
    """A curve's median: solid with markers and with its band if it has one, dashed without.

    change: what series() makes of each value.
    """
    points = series(curve, column, by, change)
    style = line_style(curve, colour, marker) if marker else dict(linestyle=DASHES, linewidth=1.1)
    if marker:  # about ten of them, and one where there is one point
        style["markevery"] = max(1, len(points.x) // 10)
    if marker and len(curve.runs) > 1:
        axes.fill_between(points.x, points.low, points.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(points.x, points.median, color=colour, label=label, **style)


def behind(axes, points, colour, dashed=False):
    """The paper's own curve in a light tone."""
    if points:
        axes.plot(
            *zip(*points),
            color=colour,
            alpha=0.3,
            zorder=1,
            linestyle=DASHES if dashed else "solid",
            linewidth=1 if dashed else 3,
        )


def legend(axes, count, title, papers=()):
    """Above the panel, where it hides no curve; it says what the light tones are."""
    handles, labels = axes.get_legend_handles_labels()
    if any(papers):
        handles.append(plt.Line2D([], [], color="0.3", alpha=0.35, linewidth=3))
        labels.append("light: the paper's own")
    axes.legend(
        handles,
        labels,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        fontsize=8,
        ncols=1 if count < 3 else 2,
        frameon=False,
        title=title,
    )


def draw(runs, path, title=None, fill=panel, description=None):
    """A figure of one panel with a line below that says what it is made from.

    fill(axes, curves, title): draws into it. description: the PNG's own, see pictures.save().
    """
    figure, axes = plt.subplots(figsize=(7, 4.8), layout="constrained")
    drawn = group_runs(runs)
    fill(axes, drawn, title and figure_files.plain(title))
    medians = any(len(curve.runs) > 1 for curve in drawn)
    figure_files.caption(figure, runs, "curve" if medians else None)
    figure_files.save(figure, path, description)
    plt.close(figure)


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "run",
        type=folder,
        help="its folder; the picture is curves.png in it, or "
        "one in plots/figures/ for a published run",
    )
    run = parser.parse_args().run
    draw([run_files.read(run)], figure_files.figure_path(run))


if __name__ == "__main__":
    run_main(main)
