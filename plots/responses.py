"""Layer responses in the layout of 1512.03385, Figure 7, with the paper's in light tones.

python -m plots.responses results/analysis/responses-*.csv
"""

import matplotlib.pyplot as plt

from common.errors import run_main
from paper import digitized

from . import measured, styles

PAPER = "1512.03385"
# Of Figure 7, by activation and shortcut.
PAPER_KIND = {("original", "plain"): "plain", ("original", "identity"): "ResNet"}


@measured.STYLE
def draw(tables):
    """Draw one figure of some networks, named after them."""
    figure, axes = plt.subplots(2, 1, figsize=(measured.WIDTH, 7.5), sharex=True)
    papers = []
    for rows, (colour, marker) in zip(tables, styles.styles([rows[0] for rows in tables])):
        deviations = [row["deviation"] for row in rows]
        papers.append(_paper(axes, rows[0], colour))
        style = {"color": colour, "marker": marker, "markevery": 0.1}
        style["linestyle"] = (0, (4, 2)) if rows[0]["shortcut"] == "plain" else "solid"
        label = f"{rows[0]['label']} (mean {sum(deviations) / len(deviations):.2f})"
        layers = range(1, len(rows) + 1)
        axes[0].plot(layers, deviations, label=label, **style)
        axes[1].plot(layers, sorted(deviations, reverse=True), **style)
    measured.legend_above(axes[0], columns=2)
    axes[0].set_ylabel("standard deviation, in order")
    axes[1].set(ylabel="standard deviation, sorted", xlabel="3x3 layer")
    for axis in axes:
        measured.grid(axis)
        axis.set_ylim(bottom=0)
    figure.suptitle("Responses of the 3x3 layers, after BN (1512.03385, Figure 7)")
    note = [f"{PAPER}: full scale, 32 pixels square"] if any(papers) else []
    measured.save(figure, "responses", tables, *note)


def _paper(axes, network, colour):
    """Draw the paper's curves of a network, if Figure 7 has them; returns whether it has."""
    kind = PAPER_KIND.get((network["activation"], network["shortcut"]))
    name = f"{kind}-{network['depth']:g}"
    curves = [digitized.read().get((PAPER, figure, name)) for figure in ("Fig7top", "Fig7bot")]
    for axis, curve in zip(axes, curves):
        if curve:
            style = {"color": colour, "linewidth": 5, "alpha": 0.25, "label": f"{name}, {PAPER}"}
            axis.plot(*zip(*curve["std"]), **style)
    return any(curves)


def main():
    return measured.main(__doc__, draw)


if __name__ == "__main__":
    run_main(main)
