"""Figures 1, 3 and 6 in the paper's layout, from the runs that there are; at full scale the paper's own curves lie behind ours.

    python -m plots figure3 --scale pocket
"""
import csv
from functools import lru_cache

import matplotlib.pyplot as plt

from common import files
from paper import experiments
from paper import runs as results

from . import curves, pictures

TITLES = {"figure1": "1603.05027, Figure 1 right", "figure3": "1603.05027, Figure 3: shortcuts, ResNet-110",
          "figure6": "1603.05027, Figure 6: activations", "degradation": "1512.03385, Figure 6: plain and residual nets"}


@lru_cache(None)
def paper_curves():
    """{(paper, figure, curve): {kind: [(x, value)]}} of the papers' own figures, read off their graphics."""
    found = {}
    for path in sorted((files.ROOT / "paper").glob("*.csv")):
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                kinds = found.setdefault((row["paper"], row["figure"], row["curve"]), {})
                kinds.setdefault(row["kind"], []).append((float(row["x"]), float(row["value"])))
    return found


def draw(name, scale):
    """Draw a figure from what there is, and say which commands would complete it."""
    panels, missing, drawn, pairs = experiments.FIGURES[name], [], [], []
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6.5 * columns, 4.4 * rows + 0.4), layout="constrained", squeeze=False)
    for axis, (title, wanted) in zip(axes.flat, panels):
        found = [(curve, results.first(curve.experiment, scale)) for curve in wanted]
        missing += [curve.experiment for curve, run in found if run is None or not results.is_whole(run)]
        there = [run for _, run in found if run is not None]
        drawn += there
        if there:
            behind = [paper_curves()[curve.paper] for curve, run in found if run] if scale == "full" else []
            pairs.append((axis, curves.panel(axis, there, title, behind)))
        else:
            axis.set_title(f"{title}: no run yet")
            axis.set_axis_off()
    for same in zip(*pairs):  # all left axes alike, and all right ones, so that panels can be compared
        low, high = zip(*(axis.get_ylim() for axis in same))
        for axis in same:
            axis.set_ylim(min(low), max(high))
    note = experiments.depths_note(scale, name)
    figure.suptitle(TITLES[name] + (note and f" ({note})"))
    if drawn:
        figure.supxlabel(pictures.caption(drawn), fontsize=7, color="0.3")
        pictures.save(figure, pictures.figure_of(name, scale))
    plt.close(figure)
    for command in dict.fromkeys(each.target(scale) for each in missing):
        print(f"{name} lacks a whole run: {command}")
