"""Figures of the measurements of analysis/, from their CSV files.

    .venv/bin/python -m plots.measured results/analysis/lesion-*.csv

The first word of a file's name is the kind of the measurement. A figure shows all files of a kind;
propagation has a figure for each file.
"""

import statistics

import matplotlib.pyplot as plt
import numpy as np

from analysis import measurements
from common import files
from common.command import Parser, folder
from common.errors import UserError, run_main
from paper import digitized

from . import figure_files, propagation, ranges, styles

# Gates: {label: columns, and how they are drawn}
GREEN = styles.OTHERS[0]
BANDS = {"5 to 95 %": ("low", "high", 0.15), "quartiles": ("quartile1", "quartile3", 0.35)}
LINES = {
    "median": ("median", {"marker": "o", "markersize": 3}),
    r"trained bias alone: $1-\sigma(b_g)$": ("bias", {"color": "0.2", "linestyle": (0, (4, 2))}),
    "bias before training": ("initial", {"color": "0.2", "linestyle": ":", "linewidth": 2.5}),
}
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
LIMITS = (0.002, 0.99998)  # a factor that rounds to 1 has no place on a logit axis
# Lesions
VEIT = "1605.06431"
VEIT_UNITS = 54  # of its pre-activated ResNet-110
GREY = "0.62"
BAND = {"color": GREY, "alpha": 0.4, "linewidth": 0}
PANELS = {
    "delete": ("One unit deleted", "position of the unit, % of the depth"),
    "random": ("Several random units deleted", "deleted units, % (band: quartiles)"),
    "swap": ("Random pairs of units swapped", "Kendall's rank correlation with the trained order"),
}
# Responses: the networks of 1512.03385, Figure 7, by activation and shortcut
FIGURE_7 = {("original", "plain"): "plain", ("original", "identity"): "ResNet"}


def gates(tables):
    """Draw the factor 1 - g(x) on the shortcut of each unit: a panel for each network."""
    columns = min(2, len(tables))
    lines = -(-len(tables) // columns)
    size = (styles.WIDTH, 1.2 + 2.7 * lines)
    share = dict(sharex=True, sharey=True)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, **share)
    for axis in axes.flat[len(tables) :]:
        axis.remove()
    for axis, rows in zip(axes.flat, tables):
        _gates_of(axis, rows)
    for axis in axes[:, 0]:
        axis.set_ylabel(r"factor $1-g(x)$ (logit scale)")
    for axis in axes.flat[: len(tables)][-columns:]:  # nothing is below
        axis.set_xlabel("residual unit (grey: stages)")
        ranges.integer_ticks(axis)
        axis.tick_params(labelbottom=True)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = "Factor on the shortcut of trained networks with gates (section 3.1)"
    figure.legend(handles, labels, loc="outside upper center", ncols=3, title=title)
    quantiles = [row[name] for rows in tables for row in rows for name in BANDS["5 to 95 %"][:2]]
    notes = ["quantiles over images, channels and pixels"]
    if min(quantiles) < LIMITS[0] or max(quantiles) > LIMITS[1]:
        notes.append("bands are cut at {:g} and {:g}".format(*LIMITS))
    return figure, *notes


def _gates_of(axes, rows):
    """Draw a network's gates. On a logit axis, values near 0 and near 1 can be told apart."""
    units = [row["l"] for row in rows]
    for label, (low, high, alpha) in BANDS.items():
        edges = [np.clip([row[name] for row in rows], *LIMITS) for name in (low, high)]
        axes.fill_between(units, *edges, color=GREEN, alpha=alpha, linewidth=0, label=label)
    for label, (column, style) in LINES.items():
        values = [row[column] for row in rows]
        axes.plot(units, values, label=label, **{"color": GREEN, **style})
    axes.set_yscale("logit")
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.set_yticks([], minor=True)
    axes.set(title=rows[0]["label"], ylim=LIMITS)
    axes.grid(axis="y")
    styles.stage_borders(axes, units, [row["channels"] for row in rows])


def lesion(tables):
    """Draw lesions in the layout of 1605.06431, Figures 3 and 5, with its networks in grey."""
    figure = plt.figure(figsize=(styles.WIDTH, 7.5))
    axes = figure.subplot_mosaic([["delete", "delete"], ["random", "swap"]], sharey=True)
    _veit(axes)
    for rows, (colour, marker) in zip(tables, styles.styles([rows[0] for rows in tables])):
        _lesions_of(axes, rows, {"color": colour, "marker": marker})
    chance = sorted({100 - 100 / rows[0]["classes"] for rows in tables})
    for name, (title, label) in PANELS.items():
        for error in chance:
            axes[name].axhline(error, color="0.3", linewidth=0.8, linestyle=(0, (1, 3)))
        axes[name].set(title=title, xlabel=label, ylim=(0, 102))
    for name in ("delete", "random"):
        listed = ", ".join(f"{error:g}" for error in chance)
        axes[name].set(ylabel=f"test error, % ({listed}: chance)", xlim=(0, None))
    correlations = [row["tau"] for rows in tables for row in rows if row["tau"] is not None]
    axes["swap"].set_xlim(1.005, min([0.84, *correlations]) - 0.01)
    handles, labels = axes["delete"].get_legend_handles_labels()
    title = f"Units deleted or swapped without retraining; grey: Veit et al. ({VEIT})"
    figure.legend(handles, labels, loc="outside upper center", ncols=2, title=title)
    note = "intact: test error on these images, while the tables have the complete test set"
    return figure, note, f"{VEIT}: full scale, 32 pixels square"


def _lesions_of(axes, rows, style):
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
    others = resnet["others_low"][0][1], resnet["others_high"][0][1]
    axes["delete"].axhspan(*others, label="pre-activated ResNet-110, other units", **BAND)
    units, errors = zip(*resnet["test_err"])
    label = f"pre-activated ResNet-110, four of its {VEIT_UNITS} units"
    style = dict(color=GREY, marker="x", linestyle="none", markeredgewidth=2, label=label)
    axes["delete"].plot(_share(units), errors, **style)
    vgg = curves[VEIT, "Fig3", "VGG-15"]
    limits = vgg["low"][0][1], vgg["high"][0][1]
    style = {"facecolor": "none", "edgecolor": GREY, "hatch": "///", "linewidth": 0}
    axes["delete"].axhspan(*limits, label="VGG-15, each layer", **style)
    box = curves[VEIT, "Fig5a", "ResNet-110"]
    units, middle = zip(*box["median"])
    low, high = ([error for _, error in box[kind]] for kind in ("q1", "q3"))
    axes["random"].fill_between(_share(units), low, high, **BAND)
    axes["random"].plot(_share(units), middle, color=GREY, linewidth=3)
    median = curves[VEIT, "Fig5b", "ResNet-110"]["median"]
    axes["swap"].plot(*zip(*median), color=GREY, linewidth=3)


def _share(units):
    """Return numbers of Veit's units in % of its depth."""
    return [100 * unit / VEIT_UNITS for unit in units]


def responses(tables):
    """Draw responses in the layout of 1512.03385, Figure 7, with that paper's in light tones."""
    figure, axes = plt.subplots(2, 1, figsize=(styles.WIDTH, 7.5), sharex=True)
    papers = []
    for rows, (colour, marker) in zip(tables, styles.styles([rows[0] for rows in tables])):
        deviations = [row["deviation"] for row in rows]
        papers.append(_figure_7(axes, rows[0], colour))
        style = {"color": colour, "marker": marker, "markevery": 0.1}
        style["linestyle"] = _line(rows[0])
        label = f"{rows[0]['label']} (mean {statistics.mean(deviations):.2f})"
        layers = range(1, len(rows) + 1)
        axes[0].plot(layers, deviations, label=label, **style)
        axes[1].plot(layers, sorted(deviations, reverse=True), **style)
    styles.legend_above(axes[0], columns=2)
    axes[0].set_ylabel("standard deviation, in order")
    axes[1].set(ylabel="standard deviation, sorted", xlabel="3x3 layer")
    ranges.integer_ticks(axes[1])
    for axis in axes:
        axis.grid(axis="y")
        axis.set_ylim(bottom=0)
    figure.suptitle("Responses of the 3x3 layers, after BN where it follows (1512.03385, Figure 7)")
    notes = ["1512.03385: full scale, 32 pixels square"] if any(papers) else []
    return figure, *notes


def _line(network):
    """Return the line style of a network: plain networks are dashed."""
    return (0, (4, 2)) if network["shortcut"] == "plain" else "solid"


def _figure_7(axes, network, colour):
    """Draw the paper's curves of a network, if Figure 7 has them; returns whether it has."""
    kind = FIGURE_7.get((network["activation"], network["shortcut"]))
    name = f"{kind}-{network['depth']:g}"
    curves = [
        digitized.read().get(("1512.03385", figure, name)) for figure in ("Fig7top", "Fig7bot")
    ]
    for axis, curve in zip(axes, curves):
        if curve:
            style = {"color": colour, "linewidth": 5, "alpha": 0.45, "label": f"{name}, 1512.03385"}
            axis.plot(*zip(*curve["std"]), linestyle=_line(network), **style)
    return any(curves)


# kind: function of [rows of a CSV file] -> (figure, *notes for its caption)
FIGURES = {"gates": gates, "lesion": lesion, "responses": responses}


def draw(kind, tables):
    """Draw one figure of the rows of some CSV files, named after their networks."""
    measurements.tell_apart(tables, "name")
    figure, *notes = FIGURES[kind](tables)
    texts = dict.fromkeys(rows[0][key] for key in ("weights", "images") for rows in tables)
    figure_files.write_below(figure, "; ".join([*texts, *notes]))
    name = measurements.joined(rows[0]["name"] for rows in tables)
    figure_files.save(figure, files.FIGURES / f"{kind}-{name}.png")


def main():
    parser = Parser(__doc__)
    parser.add_argument("tables", nargs="+", type=folder, metavar="FILE")
    paths = parser.parse_args().tables
    try:
        draw_all(paths)
    except KeyError as error:
        names = ", ".join(path.name for path in paths)
        raise UserError(f"{names}: no column {error}: measure again") from error


def draw_all(paths):
    """Draw the figures of some CSV files: one of each kind, and one of each propagation."""
    tables = {}
    for path in paths:
        kind = path.name.split("-")[0]
        if kind == "propagation":
            propagation.draw(path)
        elif kind in FIGURES:
            tables.setdefault(kind, []).append(measurements.read(path))
        else:
            kinds = ", ".join([*FIGURES, "propagation"])
            raise UserError(f"{path} is no measurement that has a figure: name one of {kinds}")
    for kind, members in tables.items():
        draw(kind, members)


if __name__ == "__main__":
    run_main(main)
