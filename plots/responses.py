"""Layer responses in the layout of 1512.03385, Figure 7, the paper's own in light tones behind;
from what analysis/responses.py has measured.

    python -m plots.responses results/analysis/responses-*.csv
"""

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import digitized

from . import figure_files, styles

PAPER = "1512.03385"
# and its depth: what Figure 7 has
PAPER_KIND = {("original", "plain"): "plain", ("original", "identity"): "ResNet"}


def draw(paths):
    """One figure of the networks in some CSV files; it is named after them."""
    tables = [measurements.read(path) for path in paths]
    figure, axes = plt.subplots(2, 1, figsize=(9, 8), layout="constrained", sharex=True)
    chosen = styles.styles([rows[0] for rows in tables])
    papers_drawn = False
    for rows, (colour, marker) in zip(tables, chosen):
        deviations = [row["deviation"] for row in rows]
        papers_drawn |= _lines(axes[0], rows, deviations, "Fig7top", colour, marker)
        _lines(axes[1], rows, sorted(deviations, reverse=True), "Fig7bot", colour, marker)
    axes[0].legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    axes[0].set_ylabel("standard deviation, in their order")
    axes[1].set(ylabel="standard deviation, sorted", xlabel="3x3 layer")
    for axis in axes:
        axis.grid(axis="y", linestyle=":", color="0.7")
        axis.set_ylim(bottom=0)
    figure.suptitle("Responses of the 3x3 layers, after BN (1512.03385, Figure 7)")
    said = dict.fromkeys(rows[0][key] for key in ("weights", "pictures") for rows in tables)
    if papers_drawn:
        said["the paper's: full scale, 32 pixels square"] = None
    figure_files.write_below(figure, "; ".join(said))
    name = measurements.joined(rows[0]["name"] for rows in tables)
    figure_files.save(figure, files.FIGURES / f"responses-{name}.png")
    plt.close(figure)


def _lines(axis, rows, deviations, figure, colour, marker):
    """A network's deviations, plain nets dashed, and behind them the paper's where Figure 7 has
    them: whether it has."""
    first = rows[0]
    kind = PAPER_KIND.get((first["activation"], first["shortcut"]))
    depth = f"{kind}-{first['depth']:g}"
    theirs = digitized.read().get((PAPER, figure, depth))
    if theirs:
        axis.plot(
            *zip(*theirs["std"]),
            color=colour,
            linewidth=5,
            alpha=0.25,
            label=f"{depth}, the paper's",
        )
    mean = sum(deviations) / len(deviations)
    axis.plot(
        range(1, len(rows) + 1),
        deviations,
        color=colour,
        linewidth=1.4,
        marker=marker,
        linestyle=(0, (4, 2)) if first["shortcut"] == "plain" else "solid",
        markersize=3.5,
        markevery=0.1,
        label=f"{first['label']} (mean {mean:.2f})",
    )
    return theirs is not None


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "tables", nargs="+", type=folder, metavar="FILE", help="of analysis/responses.py"
    )
    draw(parser.parse_args().tables)


if __name__ == "__main__":
    run_main(main)
