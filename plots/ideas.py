"""The example variants of docs/VARIANTS.md: the test error of each seed, and the original network's.

python -m plots ideas --scale pocket
"""

from statistics import median

import matplotlib.pyplot as plt

from paper import experiments, run_files
from paper.significance import ours

from . import figure_files, measured
from .styles import COLOURS


@measured.STYLE
def draw(name, scale):
    """Draw a line of dots for each variant, the lowest median on top."""
    groups = [ours(experiment, scale) for experiment in experiments.experiments_of(name)]
    original = groups[0].errors
    groups = sorted((group for group in groups if group.errors), key=lambda g: median(g.errors))
    if not groups:
        print(f"no run of docs/VARIANTS.md at scale {scale} yet")
        return
    figure, axes = plt.subplots(figsize=(measured.WIDTH, 1.4 + 0.36 * len(groups)))
    if original:
        band = {"color": COLOURS["original"], "alpha": 0.2, "linewidth": 0}
        axes.axvspan(min(original), max(original), label="all runs of the original network", **band)
    for place, group in enumerate(groups):
        colour = COLOURS["original" if group.errors == original else "preact"]
        axes.plot(group.errors, [place] * len(group.errors), "o", color=colour, alpha=0.6)
        axes.plot(median(group.errors), place, "|", color=colour, markersize=14, markeredgewidth=2)
    for marker, label in (("o", "one run"), ("|", "median")):
        axes.plot([], [], marker, color="0.3", label=label)
    axes.set_yticks(range(len(groups)), [run_files.label(group.runs[0]) for group in groups])
    axes.invert_yaxis()
    axes.set_xlabel("test error, %")
    axes.grid(axis="x", linestyle=":", color="0.7")
    measured.legend_above(axes, f"Examples of docs/VARIANTS.md, {scale} scale", columns=3)
    figure_files.caption(figure, [run for group in groups for run in group.runs], None)
    figure_files.save(figure, figure_files.figure_of(name, scale))
    plt.close(figure)
