"""Figures 1, 3 and 6 in the paper's layout, from the runs that there are; at full scale the paper's
own curves lie behind ours. The degradation problem is Figure 6 of 1512.03385: training and test
error.

    python -m plots figure3 --scale pocket
"""

import textwrap

import matplotlib.pyplot as plt

from paper import digitized, experiments, run_files

from . import curves, figure_files, scales, styles
from .series import finite, group_runs, legend_label, series

TITLES = {
    "figure1": "1603.05027, Figure 1 right",
    "figure3": "1603.05027, Figure 3: shortcuts, ResNet-110",
    "figure6": "1603.05027, Figure 6: activations",
    "degradation": "1512.03385, Figure 6: plain and residual nets; dashed: training error, "
    "solid: test error",
}


def draw(name, scale):
    """Draw a figure from what there is, and say which commands would complete it."""
    panels = _of_their_own(
        [(title, *_there(wanted, scale)) for title, wanted in experiments.FIGURES[name]]
    )
    if panels:
        _figure(name, scale, panels)
    missing = []
    for _, wanted in experiments.FIGURES[name]:
        for curve in wanted:
            if not any(map(run_files.is_whole, run_files.of(curve.experiment, scale))):
                missing.append(curve.experiment.target(scale))
    for command in dict.fromkeys(missing):
        print(f"{name} lacks a whole run: {command}")


def _there(wanted, scale):
    """(curves, the paper's own behind each or None) of a panel: published runs, then a user's
    own."""
    drawn = []
    behind = []
    for curve in wanted:
        for one in group_runs(run_files.of(curve.experiment, scale)):
            drawn.append(one)
            behind.append(digitized.read()[curve.paper] if scale == "full" else None)
    return drawn, behind


def _of_their_own(panels):
    """Those that show what the others do not: each of Figure 3 has the original network, which says
    nothing alone."""
    panels = [panel for panel in panels if panel[1]]
    labels = [{curve.label for curve in drawn} for _, drawn, _ in panels]
    common = set.intersection(*labels) if len(panels) > 1 else set()
    return [panel for panel, own in zip(panels, labels) if own - common]


def _figure(name, scale, panels):
    every = [curve for _, drawn, _ in panels for curve in drawn]
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(6.5 * columns, 4.4 * rows + 0.6),
        layout="constrained",
        squeeze=False,
    )
    draw_panel = errors if name == "degradation" else curves.panel
    limits = (error_limits if name == "degradation" else scales.limits)(every)
    for axis, (title, drawn, behind) in zip(axes.flat, panels):
        draw_panel(axis, drawn, title, behind, limits)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    note = experiments.depths_note(scale, name)
    figure.suptitle(
        textwrap.fill(TITLES[name] + (note and f" ({note})"), round(11 * figure.get_figwidth()))
    )
    figure_files.caption(figure, [run for curve in every for run in curve.runs])
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)


def errors(axes, drawn, title, behind, limits):
    """A panel of 1512.03385, Figure 6: training error dashed, test error solid, on one axis."""
    depths = [curve.runs[0].config["recipe"]["depth"] for curve in drawn]
    for curve, (colour, marker), paper in zip(drawn, styles.of_depths(depths), behind):
        if paper:
            curves.behind(axes, paper["train_err"], colour, dashed=True)
            curves.behind(axes, paper["test_err"], colour)
        curves.lines(axes, curve, "train_error", colour)
        curves.lines(axes, curve, "test_error", colour, marker, legend_label(curve))
    scales.iteration_axis(axes, drawn)
    scales.error_axis(axes, limits, "Error, %")
    curves.legend(axes, len(drawn), title, behind)


def error_limits(every):
    """As scales.limits, for both errors on one axis."""
    limits = scales.limits(every)
    if limits.papers:
        return limits
    values = []
    for curve in every:
        for column in ("train_error", "test_error"):
            points = series(curve, column)
            values += finite(points.low, points.high)
    return limits._replace(error=scales.padded(values))
