"""Figures, tables and pages, drawn from the files of runs and measurements."""

import importlib.util
import os
from pathlib import Path

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)

# The user's matplotlibrc and MPLBACKEND are for the user's own figures; a wrong one would end the
# import.
_folder = Path(importlib.util.find_spec("matplotlib").origin).parent
os.environ["MATPLOTLIBRC"] = str(_folder / "mpl-data" / "matplotlibrc")
os.environ["MPLBACKEND"] = "Agg"

import matplotlib  # noqa: E402

matplotlib.rcdefaults()  # one in the current folder comes before MATPLOTLIBRC
# A document shows a figure of styles.WIDTH 830 pixels wide: text of 8 points is 10 pixels high.
matplotlib.rcParams.update(
    {
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "axes.titlesize": 9.5,
        "legend.fontsize": 8,
        "legend.title_fontsize": 9.5,
        "legend.frameon": False,
        "lines.markersize": 4,
        "grid.linestyle": ":",
        "grid.color": "0.7",
    }
)
