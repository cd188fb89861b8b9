"""Training curves in the layout of the paper's Figures 1, 3 and 6.

Solid: test error on the right axis, linear. Dashed: training loss on the left axis, logarithmic.
Seeds of one network are one curve: their median, and a band from the minimum to the maximum.

    .venv/bin/python -m plots.curves runs/full/cifar10-preact20/seed0
"""

import textwrap

import matplotlib.pyplot as plt

from common.command import Parser, folder
from common.errors import run_main
from paper import digitized, run_files

from . import figure_files, ranges
from .series import group_runs, legend_label, series, shown, with_images
from .styles import DASHES, of_depths, styles

MARGIN = 0.3  # inches beside a legend
KINDS = {"loss": "train_loss", "error": "train_err"}  # in paper/curves.csv


def panel(axes, curves, title=None, papers=None, limits=None, by="iteration", training="loss"):
    """Draw curves into axes; returns the axes of the test error, which have the legend.

    papers: {kind: points} of the paper's curve behind each of ours. limits: of the complete figure.
    by: "iteration", "epoch" or "fraction". training: "loss", or "error" on the axis of the test
    error for networks that differ in depth, as in 1512.03385, Figure 6.
    """
    recipes = [curve.runs[0].recipe for curve in curves]
    limits = limits or ranges.limits(curves)
    right, colours = prepare(axes, recipes, limits, training, test_set(curves))
    for curve, (colour, marker), paper in zip(curves, colours, papers or [None] * len(curves)):
        label = legend_label(curve)
        if paper:
            paper_line(axes, paper.get(KINDS[training]), colour, DASHES, alpha=0.5, linewidth=1.4)
            paper_line(right, paper["test_err"], colour, alpha=0.45, linewidth=4)
            label = f"{label[:-1]}; the paper's curve {paper['test_err'][-1][1]:.2f} %)"
        line(axes, curve, f"train_{training}", colour, by=by)
        line(right, curve, "test_error", colour, marker, label, by)
    ranges.x_axis(axes, curves, by)
    if papers and any(papers):
        right.plot([], [], color="0.3", alpha=0.45, linewidth=4, label="pale: the paper's curve")
    legend(right, title)
    return right


def prepare(axes, recipes, limits, training, tested="Test"):
    """Scale the axes of a panel. Return (axes of the test error, styles of the networks)."""
    if training == "error":
        ranges.error_axis(axes, limits[1], "Error, %\n(dashed: training, solid: test)")
        return axes, of_depths([recipe["depth"] for recipe in recipes])
    right = axes.twinx()
    ranges.loss_axis(axes, limits[0])
    ranges.error_axis(right, limits[1], f"{tested} error, % (solid)")
    return right, styles(recipes)


def test_set(curves):
    """Return 'Test', or 'Validation' if all runs were tested on held-out training images."""
    recipes = [run.recipe for curve in curves for run in curve.runs]
    return "Validation" if all(recipe["validation"] for recipe in recipes) else "Test"


def line(axes, curve, column, colour, marker=None, label=None, by="iteration"):
    """Draw a curve's median: solid with markers and band, or dashed without a marker.

    The markers of a user's own runs are hollow.
    """
    points = series(curve, column, by)
    if not marker:
        axes.plot(points.x, points.median, color=colour, linestyle=DASHES, linewidth=1.1)
        return
    if len(shown(curve)) > 1:
        axes.fill_between(points.x, points.low, points.high, color=colour, alpha=0.18, linewidth=0)
    style = dict(color=colour, linewidth=1.8, marker=marker, label=label)
    style["markerfacecolor"] = "white" if run_files.is_own(curve.runs[0]) else colour
    axes.plot(points.x, points.median, markevery=max(1, len(points.x) // 10), **style)


def paper_line(axes, points, colour, linestyle="solid", divisor=1, **style):
    """Draw a curve of the paper. points: as in digitized.read(). divisor: of the iterations."""
    if points:
        x, y = zip(*digitized.broken(points))
        x = [iteration / divisor for iteration in x]
        axes.plot(x, y, color=colour, linestyle=linestyle, zorder=1, **style)


def legend(axes, title=None):
    """Place a legend above the panel, no wider than it: long texts are wrapped.

    Call make_room() when all panels of the figure are drawn.
    """
    figure = axes.figure
    room = figure.dpi * (figure.get_figwidth() / axes.get_gridspec().ncols - MARGIN)
    box = _legend(axes, axes.get_legend_handles_labels()[1], title, 1)
    texts = [*box.get_texts(), box.get_title()]
    room_for_text = room - box.get_window_extent().width + max(map(_width, texts))
    *labels, title = [_wrapped(text, room_for_text) for text in texts]
    for rows in range(1, len(labels) + 1):
        box = _legend(axes, labels, title, -(-len(labels) // rows))
        if _width(box) <= room:
            return


def _legend(axes, labels, title, columns):
    handles, _ = axes.get_legend_handles_labels()
    place = dict(loc="lower center", bbox_to_anchor=(0.5, 1))
    box = axes.legend(handles, labels, title=title, ncols=columns, **place)
    for text in (*box.get_texts(), box.get_title()):
        text.set_parse_math(False)  # a dollar in a user's text starts no formula
    return box


def _width(artist):
    return artist.get_window_extent().width


def _wrapped(text, room):
    """Return the string of a Text in lines of at most room pixels."""
    string = text.get_text()
    if _width(text) <= room:
        return string
    # a line can be wider than the average of its characters
    return textwrap.fill(string, max(8, int(0.9 * len(string) * room / _width(text))))


def caption(figure, curves):
    """Write the source of all runs in a figure below it, and what a band means."""
    seeds = [shown(curve) for curve in curves]
    several = any(len(runs) > 1 for runs in seeds)
    note = "a curve with a band: median and range of its seeds" if several else ""
    figure_files.caption(figure, [run for runs in seeds for run in runs], note)


def make_room(figure):
    """Enlarge a figure by the height of its legends, so that they do not shrink its panels."""
    heights = {}
    for axes in figure.axes:
        if axes.get_legend():
            row = axes.get_subplotspec().rowspan.start
            height = axes.get_legend().get_window_extent().height / figure.dpi
            heights[row] = max(heights.get(row, 0), height)
    figure.set_figheight(figure.get_figheight() + sum(heights.values()))


def figure_of(runs, title=None, fill=panel):
    """Return a figure of one panel with a caption that names data, recipe and machine.

    fill(axes, curves, title): draws into it.
    """
    curves = group_runs(runs)
    curves = with_images(curves, among=curves)
    figure_files.use_fonts_for("".join([title or "", *(curve.label for curve in curves)]))
    figure, axes = plt.subplots(figsize=(7, 4.3))
    fill(axes, curves, title)
    caption(figure, curves)
    make_room(figure)
    return figure


def draw(run):
    """Draw a run into curves.png of its folder."""
    figure_files.save(figure_of([run]), run.folder / "curves.png")


def main():
    parser = Parser(__doc__)
    parser.add_argument("run", type=folder, help="run folder; its figure is curves.png")
    draw(run_files.read(parser.parse_args().run))


if __name__ == "__main__":
    run_main(main)
