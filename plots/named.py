"""What draws each table and figure, by its name: DRAW[name](name, scale)."""
from paper import experiments
from paper import runs as results

from . import panels, search, summary, tables

DRAW = {**dict.fromkeys(experiments.TABLES, tables.draw),
        **dict.fromkeys(experiments.FIGURES, panels.draw),
        experiments.SEARCH: search.draw,
        "summary": summary.draw}


def has_runs(name, scale):
    """Whether a table or figure has any run at a scale."""
    return any(results.of(experiment, scale) for experiment in experiments.experiments_of(name))
