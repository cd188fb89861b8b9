"""The functions that draw the tables, figures and measurements by name."""

from paper import experiments, run_files

from . import curve_figures, error_charts, summary, tables

DRAW = {  # DRAW[name](name, scale)
    **dict.fromkeys(experiments.TABLES, tables.draw),
    **dict.fromkeys(experiments.FIGURES, curve_figures.draw),
    experiments.SEARCH: error_charts.gate_bias,
    experiments.DEPTH: error_charts.by_depth,
    "summary": summary.draw,
}


def has_runs(name, scale):
    """Return whether a table or figure has any run at a scale."""
    return any(run_files.of(experiment, scale) for experiment in experiments.experiments_of(name))
