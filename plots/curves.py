"""Training curves in the layout of the paper's Figures 1, 3 and 6.

Solid: test error on the right axis, linear. Dashed: training loss on the left axis, logarithmic.
Seeds of one network are one curve: their median, and a band from the minimum to the maximum.

    python -m plots.curves results/full/cifar10-preact20/seed0
"""

import textwrap

import matplotlib.pyplot as plt

from common.command import Parser, folder
from common.errors import run_main
from paper import digitized, run_files

from . import figure_files, scales
from .series import group_runs, legend_label, series
from .styles import DASHES, styles

MARGIN = 0.3  # inches beside a legend


def panel(axes, curves, title=None, papers=None, limits=None, by="iteration"):
    """Draw curves into axes; returns the right-hand axes, which have the legend.

    papers: {kind: points} of the paper's curve behind each of ours. limits: of the complete figure.
    by: "iteration", "epoch" or "fraction".
    """
    limits = limits or scales.limits(curves)
    right = axes.twinx()
    colours = styles([curve.runs[0].config["recipe"] for curve in curves])
    for curve, style, paper in zip(curves, colours, papers or [None] * len(curves)):
        pair(curve, style, paper, (axes, "train_loss", "train_loss"), right, by)
    scales.x_axis(axes, curves, by)
    scales.loss_axis(axes, limits)
    scales.error_axis(right, limits, f"{test_set(curves)} error, % (solid)")
    legend(right, title, papers)
    return right


def pair(curve, style, paper, training, right, by="iteration"):
    """Draw one curve: training dashed, test error solid, and the paper's pale curves behind.

    training: (axes, column of our log, kind in curves.csv). right: axes of the test error.
    """
    axes, column, kind = training
    colour, marker = style
    label = legend_label(curve)
    if paper:
        paper_line(axes, paper.get(kind, []), colour, dashed=True, alpha=0.5, linewidth=1.4)
        paper_line(right, paper["test_err"], colour, alpha=0.45, linewidth=4)
        label = f"{label[:-1]}; the paper {paper['test_err'][-1][1]:.2f} %)"
    line(axes, curve, column, colour, by=by)
    line(right, curve, "test_error", colour, marker, label, by)


def test_set(curves):
    """'Test', or 'Validation' if all runs were tested on held-out training images."""
    runs = [run for curve in curves for run in curve.runs]
    held_out = all(run.config["recipe"]["validation"] for run in runs)
    return "Validation" if held_out else "Test"


def line(axes, curve, column, colour, marker=None, label=None, by="iteration", change=None):
    """Draw a curve's median: solid with markers and band, or dashed without a marker.

    change: as for series(). The markers of a user's own runs are hollow.
    """
    points = series(curve, column, by, change)
    if not marker:
        axes.plot(points.x, points.median, color=colour, linestyle=DASHES, linewidth=1.1)
        return
    if len(curve.runs) > 1:
        axes.fill_between(points.x, points.low, points.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        points.x,
        points.median,
        color=colour,
        label=label,
        linewidth=1.8,
        marker=marker,
        markersize=4,
        markerfacecolor="white" if run_files.is_own(curve.runs[0]) else colour,
        markevery=max(1, len(points.x) // 10),
    )


def paper_line(axes, points, colour, dashed=False, by="iteration", **style):
    """Draw a curve of the paper; points: as in digitized.read()."""
    if points:
        unit = digitized.ITERATIONS if by == "fraction" else 1
        x, y = zip(*digitized.broken(points))
        axes.plot(
            [value / unit for value in x],
            y,
            color=colour,
            zorder=1,
            linestyle=DASHES if dashed else "solid",
            **style,
        )


def legend(axes, title=None, papers=None):
    """A legend above the panel, no wider than it: long texts are wrapped, columns are as many as fit.

    Call make_room() when all panels of the figure are drawn.
    """
    if papers and any(papers):
        axes.plot([], [], color="0.3", alpha=0.45, linewidth=4, label="pale: the paper's curve")
    figure = axes.figure
    room = figure.dpi * (figure.get_figwidth() / axes.get_gridspec().ncols - MARGIN)
    box = _legend(axes, axes.get_legend_handles_labels()[1], title, 1)
    sample = box.get_window_extent().width - max(map(_width, [*box.get_texts(), box.get_title()]))
    labels = [_wrapped(text, room - sample) for text in box.get_texts()]
    title = _wrapped(box.get_title(), room - sample)
    for rows in range(1, len(labels) + 1):
        box = _legend(axes, labels, title, -(-len(labels) // rows))
        if box.get_window_extent().width <= room:
            return


def _legend(axes, labels, title, columns):
    box = axes.legend(
        axes.get_legend_handles_labels()[0],
        labels,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        fontsize=8,
        ncols=columns,
        frameon=False,
        title=title,
    )
    for text in (*box.get_texts(), box.get_title()):
        text.set_parse_math(False)  # a dollar in a user's text starts no formula
    return box


def _width(text):
    return text.get_window_extent().width


def _wrapped(text, room):
    """The string of a Text in lines of at most room pixels."""
    string = text.get_text()
    if _width(text) <= room:
        return string
    # a line can be wider than the average of its characters
    return textwrap.fill(string, max(8, int(0.9 * len(string) * room / _width(text))))


def make_room(figure):
    """Enlarge a figure by the height of its legends, so that they do not shrink its panels."""
    heights = {}
    for axes in figure.axes:
        if axes.get_legend():
            row = axes.get_subplotspec().rowspan.start
            height = axes.get_legend().get_window_extent().height
            heights[row] = max(heights.get(row, 0), height)
    figure.set_figheight(figure.get_figheight() + sum(heights.values()) / figure.dpi)


def draw(runs, path, title=None, fill=panel, description=None):
    """Write a figure of one panel with a caption that names data, recipe and machine.

    fill(axes, curves, title): draws into it. description: see figure_files.save().
    """
    figure_files.use_fonts_for(title or "")
    figure, axes = plt.subplots(figsize=(7, 4.3), layout="constrained")
    curves = group_runs(runs)
    fill(axes, curves, title)
    medians = any(len(curve.runs) > 1 for curve in curves)
    figure_files.caption(figure, runs, "curve" if medians else None)
    make_room(figure)
    figure_files.save(figure, path, description)
    plt.close(figure)


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "run",
        type=folder,
        help="run folder; the figure is its curves.png, or in plots/figures/ for a published run",
    )
    run = parser.parse_args().run
    draw([run_files.read(run)], figure_files.figure_path(run))


if __name__ == "__main__":
    run_main(main)
