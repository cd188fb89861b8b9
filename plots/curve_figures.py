"""Figures 1, 3 and 6 of 1603.05027 and Figure 6 of 1512.03385 (degradation), from the available runs.

At full scale the paper's curves are behind ours. At smaller scales, its panels are above ours; both
have the fraction of training on the x axis, because the learning rate drops at 1/2 and 3/4 in both.

    .venv/bin/python -m plots figure3 --scale pocket
"""

from collections import namedtuple

import matplotlib.pyplot as plt

from paper import counted_runs, digitized, experiments, run_files, words

from . import curves, ranges, styles
from .series import group_runs, with_images

TITLES = {
    "figure1": "1603.05027, Figure 1",
    "figure3": "1603.05027, Figure 3: shortcuts",
    "figure6": "1603.05027, Figure 6: activations",
    "degradation": "1512.03385, Figure 6",
}
HEIGHT = {True: 3.1, False: 2.2}  # inches of a panel, alone and below the paper's
# title. planned: of experiments.FIGURES. drawn: our curves. papers: {kind: points} for each of ours.
Panel = namedtuple("Panel", "title planned drawn papers")


def draw(name, scale):
    """Print the commands that would complete a figure, and draw it from the available runs."""
    panels = [_panel(title, planned, scale) for title, planned in experiments.FIGURES[name]]
    panels = _informative([panel for panel in panels if panel.drawn])
    for experiment in experiments.experiments_of(name):
        if not any(map(run_files.is_whole, counted_runs.of(experiment, scale))):
            print(f"{name} lacks a complete run: {experiment.target(scale)}")
    return _figure(name, scale, panels) if panels else None


def _panel(title, planned, scale):
    drawn = []
    papers = []
    networks = []
    for curve in planned:
        network = curve.experiment.at(scale)
        if network in networks:  # two of the paper's depths can be equal at a scale
            continue
        networks.append(network)
        for ours in group_runs(counted_runs.of(curve.experiment, scale)):
            drawn.append(ours)
            papers.append(digitized.read()[curve.paper])
    return Panel(title, planned, drawn, papers)


def _informative(panels):
    """Return the panels with a network that not all panels have: the original alone shows nothing."""
    kinds = [{words.kind(curve.runs[0].recipe) for curve in panel.drawn} for panel in panels]
    common = set.intersection(*kinds) if len(panels) > 1 else set()
    return [panel for panel, own in zip(panels, kinds) if own - common]


def _figure(name, scale, panels):
    full = scale == "full"
    height = 1 if full else 2  # of a panel, in rows of the grid
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns) * height
    size = ((6.5, 8.8)[columns - 1], HEIGHT[full] * rows + 0.8)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    training = "error" if name == "degradation" else "loss"
    drawn = [curve for panel in panels for curve in panel.drawn]
    limits = ranges.limits(drawn, training)
    for i, panel in enumerate(panels):
        row = height * (i // columns)
        axes = grid[row : row + height, i % columns]
        ours = with_images(panel.drawn, among=drawn)
        if full:
            title, papers = panel.title, panel.papers
            curves.panel(axes[0], ours, title, papers, limits, training=training)
        else:
            _paper_panel(axes[0], panel, training)
            title = f"{panel.title}, ours"
            curves.panel(axes[1], ours, title, None, limits, "fraction", training)
    for axes in grid.flat:
        if not axes.has_data():
            axes.set_axis_off()
    planned = [curve.experiment for panel in panels for curve in panel.planned]
    note = experiments.depths_note(scale, planned)
    figure.suptitle(TITLES[name] + (note and f" ({note})"))
    curves.caption(figure, drawn)
    curves.make_room(figure)
    return figure


def _paper_panel(axes, panel, training):
    """Draw the paper's panel of a figure, with its axes. training: as for curves.panel()."""
    ours = [curve.runs[0].recipe for curve in panel.drawn]
    # constants of our networks, also those with default values
    known = {(recipe["activation"], recipe["shortcut"]): recipe["shortcut_args"] for recipe in ours}
    recipes = []
    for curve in panel.planned:
        experiment = curve.experiment
        variant = experiment.activation, experiment.shortcut
        recipe = {
            "activation": experiment.activation,
            "shortcut": experiment.shortcut,
            "depth": experiment.depth,
            "shortcut_args": known.get(variant, experiment.constants),
        }
        recipes.append(recipe)
    right, colours = curves.prepare(axes, recipes, ranges.PAPERS, training)
    for curve, recipe, (colour, _) in zip(panel.planned, recipes, colours):
        paper = digitized.read()[curve.paper]
        error = paper["test_err"][-1][1]
        label = f"{recipe['depth']}, {words.kind(recipe)} (curve ends at {error:.2f} %)"
        divisor = digitized.ITERATIONS
        trained = paper[curves.KINDS[training]]
        curves.paper_line(axes, trained, colour, styles.DASHES, divisor, linewidth=1.1)
        curves.paper_line(
            right, paper["test_err"], colour, divisor=divisor, linewidth=1.8, label=label
        )
    ranges.x_axis(axes, [], "fraction")
    axes.set_xlabel("")  # the panel below has it
    curves.legend(right, f"{panel.title}, the paper")
