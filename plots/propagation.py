"""Figures of signal propagation, equations (3) to (8), from what analysis/propagation.py has measured.

    python -m plots.propagation results/analysis/propagation-110.csv
"""
import sys
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.errors import run as run_main

from . import pictures, styles

QUANTITIES = [("gradient", r"whole gradient $\|\partial E/\partial x_l\|$"),
              ("shortcut_gradient", "its part through\nshortcuts alone"), ("signal", r"signal $\|x_l\|$")]
TITLES = {"propagation-110": "How signals travel through 110 layers",
          "propagation-depth": "How signals travel through 110 and through 1001 layers",
          "propagation-lambda": r"Scaled shortcuts, $h(x)=\lambda x$, 110 layers, beside equation (8)"}


def draw(path):
    """The figure of a CSV file, and its table, which is printed too."""
    rows = measurements.read(path)
    for row in rows:
        row["label"] += ", trained" if row["weights"].startswith("trained") else ""
    figure = _lambdas(rows) if path.stem == "propagation-lambda" else _panels(rows)
    figure.suptitle(TITLES.get(path.stem, "How signals travel"))
    weights = ", ".join(dict.fromkeys(row["weights"] for row in rows))
    caption = (f"{rows[0]['pictures']}; {weights}; norms for one picture (root mean square over the batch), BN as in training; a "
               "line ends where nothing at all arrives")
    figure.supxlabel(textwrap.fill(caption, round(20 * figure.get_figwidth())), fontsize=7, color="0.3")
    pictures.save(figure, files.FIGURES / f"{path.stem}.png")
    plt.close(figure)
    lines = table(rows)
    (files.FIGURES / f"{path.stem}.md").write_text("".join("| " + " | ".join(line) + " |\n"
                                                             for line in [lines[0], ["---"] * len(HEAD), *lines[1:]]))
    widths = [max(map(len, cells)) for cells in zip(*lines)]
    print("\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines))


HEAD = ["network", "|x_L| / |x_1|", "gradient at x_1 / at x_L", "through shortcuts alone", "share at x_1",
        "last stage: product of lambdas", "shortcuts alone", "whole gradient"]


def table(rows):
    """A line for each network: what comes back from the last unit to the first, and over the last stage beside equation (8)."""
    lines = [HEAD]
    for label, each in measurements.grouped(rows, "label").items():
        first, last, stage = each[0], each[-1], each[-1]
        for row in each[::-1]:
            stage = row if row["shape"] == last["shape"] else stage
        numbers = [last["signal"] / first["signal"], first["gradient"] / last["gradient"],
                   first["shortcut_gradient"] / last["gradient"], first["shortcut_gradient"] / first["gradient"],
                   stage["lambda_product"], stage["shortcut_ratio"], stage["gradient_ratio"]]
        lines.append([label, *("" if number is None else f"{number:.3g}" for number in numbers)])
    return lines


def _panels(rows):
    """A column for each panel of the CSV, a row for each quantity."""
    panels = measurements.grouped(rows, "panel")
    figure, axes = plt.subplots(3, len(panels), figsize=(max(8, 6.5 * len(panels)), 9), layout="constrained", squeeze=False,
                                sharey="row")
    for column, (title, members) in zip(axes.T, panels.items()):
        networks = measurements.grouped(members, "label")
        deepest = max(networks.values(), key=len)
        mixed = any(len(lines) < len(deepest) for lines in networks.values())
        chosen = styles.styles([lines[0] for lines in networks.values()])
        for (label, lines), (colour, marker) in zip(networks.items(), chosen):
            place = [100 * (row["l"] - 1) / (len(lines) - 1) if mixed else row["l"] for row in lines]
            for axis, (quantity, _) in zip(column, QUANTITIES):
                axis.plot(place, [row[quantity] or None for row in lines], color=colour, marker=marker, markevery=0.1, markersize=4,
                          linewidth=1.4, label=label)  # what is exactly nought has no place on a logarithmic axis
        for axis, (_, words) in zip(column, QUANTITIES):
            axis.set_yscale("log")
            axis.grid(axis="y", linestyle=":", color="0.7")
            for border in _borders(deepest):
                axis.axvline(100 * (border - 1) / (len(deepest) - 1) if mixed else border, color="0.8", linewidth=0.8, zorder=0)
            if axis in axes[:, 0]:
                axis.set_ylabel(words)
        column[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=8, frameon=False, title=title,
                         ncols=1 if len(networks) < 4 else 2)
        column[-1].set_xlabel("units passed, % (grey lines: stages)" if mixed else "residual unit $l$ (grey lines: stages)")
    return figure


def _borders(lines):
    """The l at which x_l has another shape than before."""
    return [row["l"] for before, row in zip(lines, lines[1:]) if row["shape"] != before["shape"]]


LINES = {"lambda_product": dict(linewidth=6, alpha=0.3), "shortcut_ratio": dict(linewidth=1),
         "gradient_ratio": dict(linewidth=1, linestyle=(0, (5, 2)))}
WORDS = {"lambda_product": r"equation (8): $\prod\lambda_i$", "shortcut_ratio": "measured, through shortcuts alone",
         "gradient_ratio": "measured, whole gradient"}


def _lambdas(rows):
    """Predicted and measured ratios to the end of the stage, for several lambdas."""
    panels = measurements.grouped(rows, "panel")
    figure, axes = plt.subplots(1, len(panels), figsize=(6.5 * len(panels), 5), layout="constrained", squeeze=False, sharey=True)
    for axis, (title, members) in zip(axes.flat, panels.items()):
        networks = measurements.grouped(members, "label")
        for lines, (colour, marker) in zip(networks.values(), styles.styles([lines[0] for lines in networks.values()])):
            for start, end in zip([1, *_borders(lines)], [*_borders(lines), len(lines) + 1]):
                stage = [row for row in lines if start <= row["l"] < end]
                for quantity, style in LINES.items():
                    axis.plot([row["l"] for row in stage], [row[quantity] or None for row in stage], color=colour, **style,
                              **({"marker": marker, "markersize": 3.5} if quantity == "shortcut_ratio" else {}))
            axis.plot([], [], color=colour, marker=marker, label=rf"$\lambda$ = {lines[0]['lambda']:g}")
        for quantity, style in LINES.items():
            axis.plot([], [], color="0.3", label=WORDS[quantity], **style)
        axis.set_yscale("log")
        axis.grid(axis="y", linestyle=":", color="0.7")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=8, frameon=False, title=title, ncols=2)
        axis.set_xlabel("residual unit $l$")
    axes[0, 0].set_ylabel(r"ratio of $\|\partial E/\partial x_l\|$ to that at its stage's end")
    return figure


def main():
    for path in sys.argv[1:] or sorted((files.RESULTS / "analysis").glob("propagation-*.csv")):
        draw(Path(path))


if __name__ == "__main__":
    run_main(main)
