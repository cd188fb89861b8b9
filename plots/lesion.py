"""Lesions in the layout of 1605.06431, Figures 3 and 5, with that paper's networks in grey.

python -m plots.lesion results/analysis/lesion-*.csv
"""

import matplotlib.pyplot as plt
import numpy as np

from analysis import measurements
from common.errors import run_main
from paper import digitized

from . import measured, styles

VEIT = "1605.06431"
VEIT_UNITS = 54  # of its pre-activated ResNet-110
GREY = "0.62"
CHANCE = 90  # %, of ten classes
PANELS = {
    "delete": ("One unit deleted", "position of the unit, % of the depth"),
    "random": ("Several random units deleted", "deleted units, % (band: quartiles)"),
    "swap": ("Random pairs of units swapped", "Kendall's rank correlation with the trained order"),
}


@measured.STYLE
def draw(tables):
    """Draw one figure of some networks, named after them."""
    figure = plt.figure(figsize=(measured.WIDTH, 7.5))
    axes = figure.subplot_mosaic([["delete", "delete"], ["random", "swap"]], sharey=True)
    _veit(axes)
    for rows, (colour, marker) in zip(tables, styles.styles([rows[0] for rows in tables])):
        _network(axes, rows, {"color": colour, "marker": marker})
    for name, (title, label) in PANELS.items():
        axes[name].axhline(CHANCE, color="0.3", linewidth=0.8, linestyle=(0, (1, 3)))
        axes[name].set(title=title, xlabel=label, ylim=(0, 102))
    for name in ("delete", "random"):
        axes[name].set(ylabel=f"test error, % ({CHANCE}: chance)", xlim=(0, None))
    correlations = [row["tau"] for rows in tables for row in rows if row["tau"] is not None]
    axes["swap"].set_xlim(1.005, min(correlations, default=0.84) - 0.01)
    handles, labels = axes["delete"].get_legend_handles_labels()
    title = f"Units deleted or swapped without retraining; grey: Veit et al. ({VEIT})"
    figure.legend(handles, labels, loc="outside upper center", ncols=2, title=title)
    measured.save(
        figure,
        "lesion",
        tables,
        "intact: test error on these images, while the tables have the complete test set",
        f"{VEIT}: full scale, 32 pixels square",
    )


def _network(axes, rows, style):
    """Draw a network into the three panels. Swaps are medians over similar correlations."""
    by_lesion = measurements.grouped(rows, "lesion")
    units = rows[0]["units_in_all"]
    label = f"{rows[0]['label']} (intact: {by_lesion['none'][0]['error']:.1f} %)"
    deleted = by_lesion.get("delete", [])
    places = [100 * row["place"] / units for row in deleted]
    axes["delete"].plot(places, [row["error"] for row in deleted], label=label, **style)
    several = measurements.grouped(by_lesion.get("random", []), "k")
    if several:
        share = [100 * k / units for k in several]
        errors = [[row["error"] for row in group] for group in several.values()]
        low, middle, high = zip(*(np.percentile(group, (25, 50, 75)) for group in errors))
        axes["random"].fill_between(share, low, high, color=style["color"], alpha=0.2, linewidth=0)
        axes["random"].plot(share, middle, **style)
    swaps = sorted(by_lesion.get("swap", []), key=lambda row: row["tau"])
    bins = measurements.grouped(({**row, "bin": round(row["tau"] * 50)} for row in swaps), "bin")
    points = [[(row["tau"], row["error"]) for row in group] for group in bins.values()]
    if points:
        axes["swap"].plot(*zip(*(np.median(group, axis=0) for group in points)), **style)


def _veit(axes):
    """Draw Figures 3, 5(a) and 5(b) of the paper, as far as its numbers are known."""
    curves = digitized.read()
    resnet = curves[VEIT, "Fig3", "ResNet-110"]
    vgg = curves[VEIT, "Fig3", "VGG-15"]
    others = resnet["others_low"][0][1], resnet["others_high"][0][1]
    band = {"color": GREY, "alpha": 0.4, "linewidth": 0}
    axes["delete"].axhspan(*others, label="pre-activated ResNet-110, other units", **band)
    axes["delete"].plot(
        [100 * unit / VEIT_UNITS for unit, _ in resnet["test_err"]],
        [error for _, error in resnet["test_err"]],
        color=GREY,
        marker="x",
        linestyle="none",
        markeredgewidth=2,
        label=f"pre-activated ResNet-110, four of its {VEIT_UNITS} units",
    )
    limits = vgg["low"][0][1], vgg["high"][0][1]
    style = {"facecolor": "none", "edgecolor": GREY, "hatch": "///", "linewidth": 0}
    axes["delete"].axhspan(*limits, label="VGG-15, each layer", **style)
    box = curves[VEIT, "Fig5a", "ResNet-110"]
    share = [100 * k / VEIT_UNITS for k, _ in box["median"]]
    low, middle, high = ([error for _, error in box[kind]] for kind in ("q1", "median", "q3"))
    axes["random"].fill_between(share, low, high, **band)
    axes["random"].plot(share, middle, color=GREY, linewidth=3)
    median = curves[VEIT, "Fig5b", "ResNet-110"]["median"]
    axes["swap"].plot(*zip(*median), color=GREY, linewidth=3)


def main():
    return measured.main(__doc__, draw)


if __name__ == "__main__":
    run_main(main)
