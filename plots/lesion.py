"""Lesions in the layout of Figures 3 and 5 of 1605.06431, theirs in grey behind, from what
analysis/lesion.py has measured.

    python -m plots.lesion results/analysis/lesion-*.csv
"""

import statistics

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import digitized

from . import figure_files, styles

VEIT = "1605.06431"
VEIT_UNITS = 54  # of the pre-activated ResNet-110 that they cut
GREY = "0.62"
CHANCE = 90  # %, of ten classes
PANELS = (
    ("one unit deleted", "place of the unit, % of the depth"),
    ("several random units deleted", "deleted, % of the units (band: quartiles)"),
    (
        "random pairs of units swapped",
        "Kendall's rank correlation of the order with the trained one",
    ),
)


def draw(paths):
    """One figure of the networks in some CSV files; it is named after them."""
    tables = [measurements.read(path) for path in paths]
    figure, axes = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained", sharey=True)
    _theirs(*axes)
    chosen = styles.styles([rows[0] for rows in tables])
    for rows, (colour, marker) in zip(tables, chosen):
        _ours(axes, rows, dict(color=colour, marker=marker, markersize=4, linewidth=1.4))
    for axis, (title, words) in zip(axes, PANELS):
        axis.axhline(CHANCE, color="0.3", linewidth=0.8, linestyle=(0, (1, 3)))
        axis.set(xlabel=words, ylim=(0, 102))
        axis.set_title(title, fontsize=11)
    taus = [row["tau"] for rows in tables for row in rows if row["tau"] is not None]
    axes[0].set(ylabel=f"Test error, % ({CHANCE}: chance)", xlim=(0, 102))
    axes[1].set_xlim(left=0)
    axes[2].set_xlim(1.005, min(taus, default=0.84) - 0.01)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=3,
        fontsize=10,
        frameon=False,
        title_fontsize=13,
        title="Lesions of trained networks, no retraining; grey: Veit, Wilber and "
        "Belongie (1605.06431)",
    )
    _caption(figure, tables)
    name = measurements.joined(rows[0]["name"] for rows in tables)
    figure_files.save(figure, files.FIGURES / f"lesion-{name}.png")
    plt.close(figure)


def _ours(axes, rows, style):
    """One network in the three panels; swaps as the medians of like orders alone."""
    by_lesion = measurements.grouped(rows, "lesion")
    units = rows[0]["units_in_all"]
    intact = by_lesion["none"][0]["error"]
    deleted = by_lesion.get("delete", [])
    axes[0].plot(
        [100 * row["place"] / units for row in deleted],
        [row["error"] for row in deleted],
        label=f"{rows[0]['label']} (whole: {intact:.1f} %)",
        **style,
    )
    several = measurements.grouped(by_lesion.get("random", []), "k")
    if several:
        share = [100 * k / units for k in several]
        quartiles = [_quartiles([row["error"] for row in group]) for group in several.values()]
        low, middle, high = zip(*quartiles)
        axes[1].fill_between(share, low, high, color=style["color"], alpha=0.2, linewidth=0)
        axes[1].plot(share, middle, **style)
    swapped = [{**row, "bin": round(row["tau"] * 50)} for row in by_lesion.get("swap", [])]
    bins = measurements.grouped(sorted(swapped, key=lambda row: row["bin"]), "bin").values()
    axes[2].plot(
        [statistics.median(row["tau"] for row in group) for group in bins],
        [statistics.median(row["error"] for row in group) for group in bins],
        **style,
    )


def _theirs(one, several, swapped):
    """Veit et al.'s Figures 3, 5(a) and 5(b), as far as their numbers are known
    (paper/lesions.csv)."""
    paper = digitized.read()
    units = paper[VEIT, "Fig3", "ResNet-110"]
    one.axhspan(
        units["others_low"][0][1],
        units["others_high"][0][1],
        color=GREY,
        alpha=0.4,
        linewidth=0,
        label="their ResNet-110, pre-activated",
    )
    places = [100 * place / VEIT_UNITS for place, _ in units["test_err"]]
    one.plot(
        places,
        [error for _, error in units["test_err"]],
        color=GREY,
        marker="x",
        linestyle="none",
        markeredgewidth=2,
        label="the same, four of its 54 units",
    )
    vgg = paper[VEIT, "Fig3", "VGG-15"]
    one.axhspan(
        vgg["low"][0][1],
        vgg["high"][0][1],
        facecolor="none",
        edgecolor=GREY,
        hatch="///",
        linewidth=0,
        label="their VGG-15: each layer",
    )
    box = paper[VEIT, "Fig5a", "ResNet-110"]
    share = [100 * k / VEIT_UNITS for k, _ in box["median"]]
    several.fill_between(
        share,
        *([error for _, error in box[kind]] for kind in ("q1", "q3")),
        color=GREY,
        alpha=0.4,
        linewidth=0,
    )
    several.plot(share, [error for _, error in box["median"]], color=GREY, linewidth=3)
    swapped.plot(*zip(*paper[VEIT, "Fig5b", "ResNet-110"]["median"]), color=GREY, linewidth=3)


def _caption(figure, tables):
    """What was tested, on how many pictures, which is why the whole net's error is not its
    log's."""
    said = dict.fromkeys(rows[0][key] for key in ("weights", "pictures") for rows in tables)
    figure_files.write_below(
        figure,
        (
            f"{'; '.join(said)}; whole: the error on these pictures, not on all of the test set as in "
            "the tables; theirs: full scale, 32 pixels square"
        ),
    )


def _quartiles(errors):
    """(lower quartile, median, upper quartile)"""
    if len(errors) < 2:
        return errors * 3
    return statistics.quantiles(errors, n=4, method="inclusive")


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "tables", nargs="+", type=folder, metavar="FILE", help="of analysis/lesion.py"
    )
    draw(parser.parse_args().tables)


if __name__ == "__main__":
    run_main(main)
