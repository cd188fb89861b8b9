"""Figures 1, 3 and 6 of 1603.05027 and Figure 6 of 1512.03385 (degradation), from the available runs.

At full scale the paper's curves are behind ours. Below it, the paper's panels are above ours; both
have the fraction of training on the x axis, because the learning rate drops at 1/2 and 3/4 in both.

    python -m plots figure3 --scale pocket
"""

from collections import namedtuple

import matplotlib.pyplot as plt

from paper import digitized, experiments, run_files, words

from . import curves, figure_files, scales, styles
from .series import group_runs

TITLES = {
    "figure1": "1603.05027, Figure 1",
    "figure3": "1603.05027, Figure 3: shortcuts",
    "figure6": "1603.05027, Figure 6: activations",
    "degradation": "1512.03385, Figure 6",
}
HEIGHT = {True: 3.1, False: 2.2}  # inches of a panel, alone and below the paper's
ERRORS = "Error, %\n(dashed: training, solid: test)"
# title. planned: of experiments.FIGURES. drawn: our curves. papers: {kind: points} for each of ours.
Panel = namedtuple("Panel", "title planned drawn papers")


def draw(name, scale):
    """Draw a figure from the available runs, and print the commands that would complete it."""
    panels = [_panel(title, planned, scale) for title, planned in experiments.FIGURES[name]]
    panels = _informative([panel for panel in panels if panel.drawn])
    if panels:
        _figure(name, scale, panels)
    for experiment in experiments.experiments_of(name):
        if not any(map(run_files.is_whole, run_files.of(experiment, scale))):
            print(f"{name} lacks a complete run: {experiment.target(scale)}")


def _panel(title, planned, scale):
    drawn = []
    papers = []
    for curve in planned:
        for ours in group_runs(run_files.of(curve.experiment, scale)):
            drawn.append(ours)
            papers.append(digitized.read()[curve.paper])
    return Panel(title, planned, drawn, papers)


def _informative(panels):
    """The panels with a curve that is not in all panels: the original network alone shows nothing."""
    labels = [{curve.label for curve in panel.drawn} for panel in panels]
    common = set.intersection(*labels) if len(panels) > 1 else set()
    return [panel for panel, own in zip(panels, labels) if own - common]


def _figure(name, scale, panels):
    full = scale == "full"
    height = 1 if full else 2  # of a panel, in rows of the grid
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns) * height
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=((6.5, 8.8)[columns - 1], HEIGHT[full] * rows + 0.8),
        layout="constrained",
        squeeze=False,
    )
    degradation = name == "degradation"
    fill = _errors if degradation else curves.panel
    drawn = [curve for panel in panels for curve in panel.drawn]
    limits = scales.limits(drawn, ("train_error", "test_error") if degradation else ("test_error",))
    for i, panel in enumerate(panels):
        axes = grid[i // columns * height :, i % columns]
        if full:
            fill(axes[0], panel.drawn, panel.title, panel.papers, limits)
        else:
            (_paper_errors if degradation else _paper_panel)(axes[0], panel)
            fill(axes[1], panel.drawn, f"{panel.title}, ours", None, limits, by="fraction")
    for axes in grid.flat:
        if not axes.has_data():
            axes.set_axis_off()
    _finish(figure, name, scale, panels)


def _finish(figure, name, scale, panels):
    """Title, caption and file of a figure."""
    planned = [curve.experiment for panel in panels for curve in panel.planned]
    note = experiments.depths_note(scale, planned)
    figure.suptitle(TITLES[name] + (note and f" ({note})"), fontsize=11)
    runs = [run for panel in panels for curve in panel.drawn for run in curve.runs]
    figure_files.caption(figure, runs)
    curves.make_room(figure)
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)


def _paper_panel(axes, panel):
    """The paper's panel of Figure 1, 3 or 6, with its axes."""
    right = axes.twinx()
    colours = styles.styles([_recipe(curve.experiment) for curve in panel.planned])
    _paper_lines(axes, right, panel, colours, "train_loss")
    scales.loss_axis(axes, scales.PAPERS)
    scales.error_axis(right, scales.PAPERS, "Test error, % (solid)")


def _paper_errors(axes, panel):
    """The paper's panel of the degradation problem."""
    colours = styles.of_depths([curve.experiment.depth for curve in panel.planned])
    _paper_lines(axes, axes, panel, colours, "train_err")
    scales.error_axis(axes, scales.PAPERS, ERRORS)


def _paper_lines(axes, right, panel, colours, training):
    for curve, (colour, _) in zip(panel.planned, colours):
        paper = digitized.read()[curve.paper]
        name = f"{curve.experiment.depth}, {words.kind(_recipe(curve.experiment))}"
        label = f"{name} (error {paper['test_err'][-1][1]:.2f} %)"
        curves.paper_line(axes, paper[training], colour, True, "fraction", linewidth=1.1)
        curves.paper_line(
            right, paper["test_err"], colour, by="fraction", linewidth=1.8, label=label
        )
    scales.x_axis(axes, [], "fraction")
    axes.set_xlabel("")  # the panel below has it
    curves.legend(right, f"{panel.title}, the paper")


def _recipe(experiment):
    """What styles() and words.kind() need of a recipe."""
    return {
        "activation": experiment.activation,
        "shortcut": experiment.shortcut,
        "shortcut_args": experiment.constants,
    }


def _errors(axes, drawn, title, papers, limits, by="iteration"):
    """A panel of 1512.03385, Figure 6: training error dashed and test error solid on one axis."""
    depths = [curve.runs[0].config["recipe"]["depth"] for curve in drawn]
    for curve, style, paper in zip(drawn, styles.of_depths(depths), papers or [None] * len(drawn)):
        curves.pair(curve, style, paper, (axes, "train_error", "train_err"), axes, by)
    scales.x_axis(axes, drawn, by)
    scales.error_axis(axes, limits, ERRORS)
    curves.legend(axes, title, papers)
