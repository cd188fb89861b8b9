"""Gates of trained networks: 1 - g(x), the factor on the shortcut of each residual unit.

python -m plots.gates results/analysis/gates-*.csv
"""

import math

import matplotlib.pyplot as plt

from common.errors import run_main

from . import measured, styles

COLUMNS = 2


@measured.STYLE
def draw(tables):
    """Draw one figure with a panel for each network, named after them."""
    columns = min(COLUMNS, len(tables))
    lines = math.ceil(len(tables) / columns)
    size = (measured.WIDTH, 1.2 + 2.7 * lines)
    figure, axes = plt.subplots(
        lines, columns, figsize=size, squeeze=False, sharex=True, sharey=True
    )
    for axis in axes.flat[len(tables) :]:
        axis.remove()
    for axis, rows, (colour, _) in zip(
        axes.flat, tables, styles.styles([rows[0] for rows in tables])
    ):
        _panel(axis, rows, colour)
    for axis in axes[:, 0]:
        axis.set_ylabel(r"factor $1-g(x)$ on the shortcut")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    for handle in handles:
        handle.set_color("0.3")
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=2,
        title="Gates of trained networks (section 3.1)",
    )
    measured.save(figure, "gates", tables, "quantiles over images, channels and pixels")


def _panel(axes, rows, colour):
    """Draw a network's gates."""
    units = [row["l"] for row in rows]
    bands = (("low", "high", 0.15, "5 to 95 %"), ("quartile1", "quartile3", 0.35, "quartiles"))
    for low, high, alpha, label in bands:
        edges = [[row[name] for row in rows] for name in (low, high)]
        axes.fill_between(units, *edges, color=colour, alpha=alpha, linewidth=0, label=label)
    lines = (
        ("median", "median", {"marker": "o", "markersize": 3}),
        ("bias", r"trained bias only: $1-\sigma(b_g)$", {"linestyle": (0, (4, 2))}),
        ("initial", r"bias before training", {"linestyle": ":"}),
    )
    for column, label, style in lines:
        axes.plot(units, [row[column] for row in rows], color=colour, label=label, **style)
    measured.grid(axes)
    pairs = zip(rows, rows[1:])
    measured.stage_borders(
        axes, [row["l"] for before, row in pairs if row["channels"] != before["channels"]]
    )
    axes.set(title=rows[0]["label"], ylim=(-0.03, 1.03), xlabel="residual unit (grey: stages)")


def main():
    return measured.main(__doc__, draw)


if __name__ == "__main__":
    run_main(main)
