"""What draws each table and figure, by its name: DRAW[name](name, scale)."""
from paper import experiments

from . import panels, search, summary, tables

DRAW = {**dict.fromkeys(experiments.TABLES, tables.draw),
        **dict.fromkeys(experiments.FIGURES, panels.draw),
        experiments.SEARCH: search.draw,
        "summary": summary.draw}
