"""Layer responses in the layout of 1512.03385, Figure 7, the paper's own in light tones behind; from what analysis/ measured.

    python -m plots.responses results/analysis/responses-*.csv
"""
import sys
from pathlib import Path

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.errors import run as run_main
from paper import curves as papers

from . import pictures, styles

PAPER = "1512.03385"
PAPER_KIND = {("original", "plain"): "plain", ("original", "identity"): "ResNet"}  # and its depth: what Figure 7 has


def draw(paths):
    """One figure of the networks in some CSV files; it is named after them."""
    tables = [measurements.read(path) for path in paths]
    figure, axes = plt.subplots(2, 1, figsize=(9, 8), layout="constrained", sharex=True)
    for rows, (colour, marker) in zip(tables, styles.styles([rows[0] for rows in tables])):
        first = rows[0]
        kind = PAPER_KIND.get((first["activation"], first["shortcut"]))
        dashes = (0, (4, 2)) if first["shortcut"] == "plain" else "solid"
        for axis, where, order in zip(axes, ("Fig7top", "Fig7bot"), (list, _descending)):
            theirs = papers.read().get((PAPER, where, f"{kind}-{first['depth']:g}"))
            if theirs:
                axis.plot(*zip(*theirs["std"]), color=colour, linewidth=5, alpha=0.25,
                          label=f"{kind}-{first['depth']:g}, the paper's")
            deviations = order(row["deviation"] for row in rows)
            mean = sum(deviations) / len(deviations)
            axis.plot(range(1, len(rows) + 1), deviations, color=colour, linestyle=dashes, linewidth=1.4, marker=marker,
                      markersize=3.5, markevery=0.1, label=f"{first['label']} (mean {mean:.2f})")
    axes[0].legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    axes[0].set_ylabel("standard deviation, in their order")
    axes[1].set(ylabel="standard deviation, sorted", xlabel="3x3 layer")
    for axis in axes:
        axis.grid(axis="y", linestyle=":", color="0.7")
        axis.set_ylim(bottom=0)
    figure.suptitle("Responses of the 3x3 layers, after BN (1512.03385, Figure 7)")
    words = dict.fromkeys(rows[0][key] for key in ("weights", "pictures") for rows in tables)
    figure.supxlabel(f"{'; '.join(words)}; the paper's: full scale, 32 pixels square", fontsize=7, color="0.3")
    pictures.save(figure, files.FIGURES / f"responses-{measurements.joined(rows[0]['name'] for rows in tables)}.png")
    plt.close(figure)


def _descending(values):
    return sorted(values, reverse=True)


if __name__ == "__main__":
    run_main(lambda: draw([Path(path) for path in sys.argv[1:]]))
