"""The function that draws each table and figure: DRAW[name](name, scale)."""

from paper import experiments, run_files

from . import curve_figures, depth, gate_bias, ideas, summary, tables

DRAW = {
    **dict.fromkeys(experiments.TABLES, tables.draw),
    **dict.fromkeys(experiments.FIGURES, curve_figures.draw),
    experiments.SEARCH: gate_bias.draw,
    experiments.DEPTH: depth.draw,
    experiments.IDEAS: ideas.draw,
    "summary": summary.draw,
}


def has_runs(name, scale):
    """Whether a table or figure has any run at a scale."""
    return any(run_files.of(experiment, scale) for experiment in experiments.experiments_of(name))
