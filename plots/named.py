"""Draw a table or figure by its name."""

from paper import counted_runs, experiments

from . import curve_figures, error_charts, figure_files, summary, tables

DRAW = {  # DRAW[name](name, scale) prints its numbers; returns a figure, or None with too few runs
    **dict.fromkeys(experiments.TABLES, tables.draw),
    **dict.fromkeys(experiments.FIGURES, curve_figures.draw),
    experiments.SEARCH: error_charts.gate_bias,
    experiments.DEPTH: error_charts.by_depth,
    "summary": summary.draw,
}

# Captions of the figures of runs.
CAPTIONS = {
    "summary": "Tables 1 and 2 in the order of the paper's errors and in the order of ours.",
    "figure1": "Figure 1, right: training loss and test error over iterations.",
    "figure3": "Figure 3: training loss and test error, a panel per shortcut, with the original "
    "network in each.",
    "figure6": "Figure 6: training loss and test error, a panel per activation.",
    "degradation": "1512.03385, Figure 6: training error and test error, a panel for plain and one "
    "for residual networks.",
    experiments.DEPTH: "Test error against depth: plain and residual networks, 1512.03385 on the "
    "left and ours on the right.",
    experiments.SEARCH: "Error on held-out training images against the gates' initial bias.",
}


def draw(name, scale):
    """Print a table or figure, and write its PNG under plots/figures/. A figure with too few runs
    has no PNG.
    """
    figure = DRAW[name](name, scale)
    path = figure_files.path_of(name, scale)
    if figure:
        figure_files.save(figure, path)
    else:
        path.unlink(missing_ok=True)


def has_runs(name, scale):
    """Return whether a table or figure has any run at a scale."""
    return any(
        counted_runs.of(experiment, scale) for experiment in experiments.experiments_of(name)
    )
