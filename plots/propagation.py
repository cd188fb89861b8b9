"""Figures of signal propagation, equations (3) to (8), from what analysis/propagation.py has
measured.

    python -m plots.propagation results/analysis/propagation-110.csv
"""

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import words

from . import figure_files, styles, tables

QUANTITIES = [
    ("gradient", r"whole gradient $\|\partial E/\partial x_l\|$"),
    ("shortcut_gradient", "its part through\nshortcuts alone"),
    ("signal", r"signal $\|x_l\|$"),
]
TITLES = {
    "propagation-110": "How signals travel through 110 layers, untrained",
    "propagation-depth": "How signals travel through 110 and through 1001 layers, untrained",
    "propagation-lambda": r"Scaled shortcuts, $h(x)=\lambda x$, 110 layers, untrained, beside equation (8)",
}
HEAD = [
    "network",
    "|x_L| / |x_1|",
    "gradient at x_1 / at x_L",
    "through shortcuts alone",
    "share at x_1",
    "last stage: product of lambdas",
    "shortcuts alone",
    "whole gradient",
]
DASHED = (0, (5, 2))  # untrained, where trained stands beside it


def draw(path):
    """Draw the figure of a CSV file, and print its table."""
    rows = measurements.read(path)
    mixed = len({_is_trained(row) for row in rows}) > 1
    for row in rows:
        row["label"] += (", trained" if _is_trained(row) else ", untrained") if mixed else ""
    figure = _lambdas(rows) if path.stem == "propagation-lambda" else _panels(rows)
    figure.suptitle(
        TITLES.get(
            path.stem,
            "How signals travel, before training and after" if mixed else "How signals travel",
        )
    )
    weights = "; ".join(dict.fromkeys(row["weights"] for row in rows))
    figure_files.write_below(
        figure,
        (
            f"{rows[0]['pictures']}; {weights}; norms for one picture (root mean square over the "
            "batch), BN as in training; a line ends where nothing at all arrives"
        ),
    )
    figure_files.save(figure, files.FIGURES / f"{path.stem}.png")
    plt.close(figure)
    print(tables.Table(HEAD, table(rows)).text())


def _is_trained(row):
    return row["weights"].startswith("trained")


def table(rows):
    """A line for each network: what comes back from the last unit to the first, and over the last
    stage beside equation (8)."""
    lines = []
    for label, members in measurements.grouped(rows, "label").items():
        first = members[0]
        last = members[-1]
        stage = next(row for row in members if row["shape"] == last["shape"])
        numbers = [
            last["signal"] / first["signal"],
            first["gradient"] / last["gradient"],
            first["shortcut_gradient"] / last["gradient"],
            first["shortcut_gradient"] / first["gradient"],
            stage["lambda_product"],
            stage["shortcut_ratio"],
            stage["gradient_ratio"],
        ]
        lines.append([label, *("" if number is None else f"{number:.3g}" for number in numbers)])
    return lines


def _in_the_papers_order(networks):
    """{label: rows}, (a) to (f) of Figure 2 and (a) to (e) of Figure 4, a user's own behind
    them."""
    shortcuts = [*words.SHORTCUT_ORDER]
    activations = [*words.ACTIVATIONS]

    def place(pair):
        row = pair[1][0]
        return (
            _index(activations, row["activation"]),
            _index(shortcuts, row["shortcut"]),
            row["depth"],
            not _is_trained(row),
        )

    return dict(sorted(networks.items(), key=place))


def _index(order, name):
    return order.index(name) if name in order else len(order)


def _styles(networks):
    """[style] of each network: trained and untrained of one have one colour, untrained is
    dashed."""
    kinds = {}
    for lines in networks.values():
        kinds.setdefault(_kind(lines[0]), lines[0])
    chosen = dict(zip(kinds, styles.styles(list(kinds.values()))))
    mixed = len({_is_trained(lines[0]) for lines in networks.values()}) > 1
    named = []
    for lines in networks.values():
        colour, marker = chosen[_kind(lines[0])]
        dashed = mixed and not _is_trained(lines[0])
        named.append(
            dict(
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.4,
                linestyle=DASHED if dashed else "solid",
                markerfacecolor="white" if dashed else colour,
            )
        )
    return named


def _kind(row):
    return row["label"].split(", trained")[0].split(", untrained")[0]


def _panels(rows):
    """A column for each panel of the CSV, a row for each quantity."""
    panels = measurements.grouped(rows, "panel")
    figure, axes = plt.subplots(
        3,
        len(panels),
        figsize=(max(8, 6.5 * len(panels)), 9),
        layout="constrained",
        squeeze=False,
        sharey="row",
    )
    for column, (title, members) in zip(axes.T, panels.items()):
        _column(column, title, _in_the_papers_order(measurements.grouped(members, "label")))
    for axis, (_, said) in zip(axes[:, 0], QUANTITIES):
        axis.set_ylabel(said)
    return figure


def _column(column, title, networks):
    """One panel's three axes; depths that differ are drawn over the share of the units passed."""
    deepest = max(networks.values(), key=len)
    mixed = any(len(lines) < len(deepest) for lines in networks.values())
    borders = _borders(deepest)
    if mixed:
        borders = [100 * (border - 1) / (len(deepest) - 1) for border in borders]
    for (label, lines), style in zip(networks.items(), _styles(networks)):
        units = [row["l"] for row in lines]
        if mixed:
            units = [100 * (unit - 1) / (len(lines) - 1) for unit in units]
        for axis, (quantity, _) in zip(column, QUANTITIES):
            # what is exactly nought has no place on a logarithmic axis
            axis.plot(
                units, [row[quantity] or None for row in lines], label=label, markevery=0.1, **style
            )
    for axis in column:
        axis.set_yscale("log")
        axis.grid(axis="y", linestyle=":", color="0.7")
        for border in borders:
            axis.axvline(border, color="0.8", linewidth=0.8, zorder=0)
    column[0].legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        fontsize=8,
        frameon=False,
        title=title,
        ncols=1 if len(networks) < 4 else 2,
    )
    column[-1].set_xlabel(
        "units passed, % (grey lines: stages)"
        if mixed
        else "residual unit $l$ (grey lines: stages)"
    )


def _borders(lines):
    """The l at which x_l has another shape than before."""
    return [row["l"] for before, row in zip(lines, lines[1:]) if row["shape"] != before["shape"]]


LINES = {
    "lambda_product": dict(linewidth=6, alpha=0.3),
    "shortcut_ratio": dict(linewidth=1),
    "gradient_ratio": dict(linewidth=1, linestyle=DASHED),
}
WORDS = {
    "lambda_product": r"equation (8): $\prod\lambda_i$",
    "shortcut_ratio": "measured, through shortcuts alone",
    "gradient_ratio": "measured, whole gradient",
}


def _lambdas(rows):
    """Predicted and measured ratios to the end of the stage, for several lambdas."""
    panels = measurements.grouped(rows, "panel")
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(6.5 * len(panels), 5),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    for axis, (title, members) in zip(axes.flat, panels.items()):
        networks = measurements.grouped(members, "label")
        chosen = styles.styles([lines[0] for lines in networks.values()])
        for lines, (colour, marker) in zip(networks.values(), chosen):
            _one_lambda(axis, lines, colour, marker)
        for quantity, style in LINES.items():
            axis.plot([], [], color="0.3", label=WORDS[quantity], **style)
        axis.set_yscale("log")
        axis.grid(axis="y", linestyle=":", color="0.7")
        axis.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            fontsize=8,
            frameon=False,
            title=title,
            ncols=2,
        )
        axis.set_xlabel("residual unit $l$")
    axes[0, 0].set_ylabel(r"ratio of $\|\partial E/\partial x_l\|$ to that at its stage's end")
    return figure


def _one_lambda(axis, lines, colour, marker):
    """The three curves of a network, each stage by itself."""
    for start, end in zip([1, *_borders(lines)], [*_borders(lines), len(lines) + 1]):
        stage = [row for row in lines if start <= row["l"] < end]
        for quantity, style in LINES.items():
            marked = {"marker": marker, "markersize": 3.5} if quantity == "shortcut_ratio" else {}
            axis.plot(
                [row["l"] for row in stage],
                [row[quantity] or None for row in stage],
                color=colour,
                **style,
                **marked,
            )
    axis.plot([], [], color=colour, marker=marker, label=rf"$\lambda$ = {lines[0]['lambda']:g}")


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "tables",
        nargs="*",
        type=folder,
        metavar="FILE",
        help="of analysis/propagation.py (all in results/analysis/)",
    )
    stored = sorted((files.RESULTS / "analysis").glob("propagation-*.csv"))
    for path in parser.parse_args().tables or stored:
        draw(path)


if __name__ == "__main__":
    run_main(main)
