"""Draw a table or figure by its name."""

from paper import experiments, run_files

from . import curve_figures, error_charts, figure_files, summary, tables

DRAW = {  # DRAW[name](name, scale) prints its numbers; returns a figure, or None with too few runs
    **dict.fromkeys(experiments.TABLES, tables.draw),
    **dict.fromkeys(experiments.FIGURES, curve_figures.draw),
    experiments.SEARCH: error_charts.gate_bias,
    experiments.DEPTH: error_charts.by_depth,
    "summary": summary.draw,
}


def draw(name, scale):
    """Print a table or figure, and write its PNG under plots/figures/ if there are runs for it."""
    figure = DRAW[name](name, scale)
    if figure:
        figure_files.save(figure, figure_files.figure_of(name, scale))


def has_runs(name, scale):
    """Return whether a table or figure has any run at a scale."""
    return any(run_files.of(experiment, scale) for experiment in experiments.experiments_of(name))
