"""Gates of trained networks: 1 - g(x), the factor on the shortcut of each residual unit.

python -m plots.gates results/analysis/gates-*.csv
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from common.errors import run_main

from . import measured
from .styles import OTHERS

COLUMNS = 2
COLOUR = OTHERS[0]
BANDS = {"5 to 95 %": ("low", "high", 0.15), "quartiles": ("quartile1", "quartile3", 0.35)}
LINES = {
    "median": ("median", {"marker": "o", "markersize": 3}),
    r"trained bias alone: $1-\sigma(b_g)$": ("bias", {"color": "0.2", "linestyle": (0, (4, 2))}),
    "bias before training": ("initial", {"color": "0.2", "linestyle": ":", "linewidth": 2.5}),
}
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
LIMITS = (0.002, 0.99998)  # a factor that rounds to 1 has no place on a logit axis


@measured.STYLE
def draw(tables):
    """Draw one figure with a panel for each network, named after them."""
    columns = min(COLUMNS, len(tables))
    lines = math.ceil(len(tables) / columns)
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(measured.WIDTH, 1.2 + 2.7 * lines),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for axis in axes.flat[len(tables) :]:
        axis.remove()
    for axis, rows in zip(axes.flat, tables):
        _panel(axis, rows)
    for axis in axes[:, 0]:
        axis.set_ylabel(r"factor $1-g(x)$ (logit scale)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = "Factor on the shortcut of trained networks with gates (section 3.1)"
    figure.legend(handles, labels, loc="outside upper center", ncols=3, title=title)
    measured.save(figure, "gates", tables, "quantiles over images, channels and pixels")


def _panel(axes, rows):
    """Draw a network's gates. On a logit axis, values near 0 and near 1 can be told apart."""
    units = [row["l"] for row in rows]
    for label, (low, high, alpha) in BANDS.items():
        edges = [np.clip([row[name] for row in rows], *LIMITS) for name in (low, high)]
        axes.fill_between(units, *edges, color=COLOUR, alpha=alpha, linewidth=0, label=label)
    for label, (column, style) in LINES.items():
        values = [row[column] for row in rows]
        axes.plot(units, values, label=label, **{"color": COLOUR, **style})
    axes.set_yscale("logit")
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.set_yticks([], minor=True)
    axes.set(title=rows[0]["label"], ylim=LIMITS, xlabel="residual unit (grey: stages)")
    measured.grid(axes)
    pairs = zip(rows, rows[1:])
    borders = [row["l"] for before, row in pairs if row["channels"] != before["channels"]]
    measured.stage_borders(axes, borders)


def main():
    return measured.main(__doc__, draw)


if __name__ == "__main__":
    run_main(main)
