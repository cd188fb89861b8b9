"""Figures of signal propagation, equations (3) to (8), from the CSV files of analysis/propagation.py."""

import itertools

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from paper import words

from . import figure_files, ranges, styles, tables

QUANTITIES = {
    "gradient": "gradient\n" r"$\|\partial E/\partial x_l\|$, nats",
    "shortcut_gradient": "gradient through\nshortcuts alone, nats",
    "signal": "signal\n" r"$\|x_l\|$",
}
TITLES = {
    "propagation-110": "Signal propagation through 110 layers before training",
    "propagation-depth": "Signal propagation through 110 and 1001 layers before training",
    "propagation-lambda": r"Scaled shortcuts, $h(x)=\lambda x$, in 110 layers before training, and "
    "equation (8)",
}
HEAD = [
    "network",
    "|x_L| / |x_1|",
    "gradient at x_1 / at x_L",
    "through shortcuts alone",
    "share at x_1",
    "last stage: product of lambdas",
    "shortcuts alone",
    "gradient",
]
UNTRAINED = ", untrained"
RATIOS = {
    "lambda_product": (r"equation (8): $\prod\lambda_i$", {"linewidth": 6, "alpha": 0.3}),
    "shortcut_ratio": ("measured, through shortcuts alone", {"linewidth": 1}),
    "gradient_ratio": ("measured, gradient", {"linewidth": 1, "linestyle": styles.DASHES}),
}


def draw(path):
    """Draw the figure of a CSV file, and print its table."""
    rows = measurements.read(path)
    trained = {row["weights"].startswith("trained"): [] for row in rows}
    for row in rows:
        trained[row["weights"].startswith("trained")].append(row)
    for is_trained, members in trained.items():
        measurements.tell_apart(list(measurements.grouped(members, "network").values()), "network")
        for row in members if len(trained) > 1 else ():
            row["label"] += ", trained" if is_trained else UNTRAINED
    # options of make propagation are at the end of the file's name
    name = next((name for name in TITLES if f"{path.stem}-".startswith(f"{name}-")), None)
    figure = _ratios(rows) if name == "propagation-lambda" else _norms(rows)
    title = "Signal propagation before and after training"
    figure.suptitle(TITLES.get(name, title if len(trained) > 1 else "Signal propagation"))
    weights = "; ".join(dict.fromkeys(row["weights"] for row in rows))
    figure_files.write_below(
        figure,
        f"{rows[0]['images']}; {weights}; norms per image: root mean square over the batch; BN as "
        "in training; a line ends where the value is 0",
    )
    figure_files.save(figure, files.FIGURES / f"{path.stem}.png")
    print(tables.Table(HEAD, table(rows)).text())


def table(rows):
    """Return lines of a table: the ratios of each network from its last unit to its first, and
    those of its last stage, which equation (8) predicts.
    """
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
            *(stage[ratio] for ratio in ("lambda_product", "shortcut_ratio", "gradient_ratio")),
        ]
        lines.append([label, *("" if number is None else f"{number:.3g}" for number in numbers)])
    return lines


def in_order(rows):
    """Return {label: rows} in the order of Figures 2 and 4, and a user's own variants last."""
    order = [*words.ACTIVATIONS, *words.SHORTCUT_ORDER]

    def key(row):
        names = row["activation"], row["shortcut"]
        places = [order.index(name) if name in order else len(order) for name in names]
        return *places, row["depth"], row["label"].endswith(UNTRAINED)

    return measurements.grouped(sorted(rows, key=key), "label")


def line_styles(rows):
    """Return {label: keywords of plot()}: a colour and a marker for each network of a figure.

    A network before training has the colour of the trained one, dashed.
    """
    networks = {_network(row["label"]): row for row in rows}
    colours = dict(zip(networks, styles.styles(list(networks.values()))))
    keywords = {}
    for label in measurements.grouped(rows, "label"):
        colour, marker = colours[_network(label)]
        keywords[label] = {"color": colour, "marker": marker}
        if label.endswith(UNTRAINED):
            keywords[label].update(linestyle=styles.DASHES, markerfacecolor="white")
    return keywords


def _network(label):
    return label.split(", trained")[0].split(UNTRAINED)[0]


def _subplots(rows, height, lines):
    """Return (figure, axes, panels), with a column of axes for each panel of the rows."""
    panels = measurements.grouped(rows, "panel")
    size = (styles.WIDTH, height)
    figure, axes = plt.subplots(lines, len(panels), figsize=size, squeeze=False, sharey="row")
    return figure, axes, panels


def _norms(rows):
    """Draw the norms at each unit: a column for each panel, a line of axes for each quantity."""
    figure, axes, panels = _subplots(rows, 9, len(QUANTITIES))
    groups = [in_order(members).values() for members in panels.values()]
    # Similar colours are the last of the palette, so each panel gets some of the first.
    alternating = itertools.chain(*itertools.zip_longest(*groups))
    keywords = line_styles([lines[0] for lines in alternating if lines])
    for column, (title, members) in zip(axes.T, panels.items()):
        _column(column, in_order(members), keywords)
        styles.legend_above(column[0], title)
    for axis, label in zip(axes[:, 0], QUANTITIES.values()):
        axis.set_ylabel(label)
        low, high = axis.get_ylim()
        if high / low < 30:  # one power of 10 is not enough for an axis
            ranges.log_ticks(axis)
    return figure


def _column(column, networks, keywords):
    """Draw one panel's axes. For networks of different depths, the x axis is the position in %."""
    deepest = max(networks.values(), key=len)
    mixed = any(len(lines) < len(deepest) for lines in networks.values())

    def x(unit, count):
        return 100 * (unit - 1) / (count - 1) if mixed else unit

    for label, lines in networks.items():
        units = [x(row["l"], len(lines)) for row in lines]
        for axis, quantity in zip(column, QUANTITIES):
            values = [row[quantity] or None for row in lines]  # no 0 on a logarithmic axis
            axis.plot(units, values, label=label, markevery=0.1, **keywords[label])
    units = [x(row["l"], len(deepest)) for row in deepest]
    for axis in column:
        axis.set_yscale("log")
        ranges.integer_ticks(axis)
        axis.grid(axis="y")
        styles.stage_borders(axis, units, [row["shape"] for row in deepest])
    name = "position of $x_l$, % of the depth" if mixed else "$l$ of $x_l$, the input of unit $l$"
    column[-1].set_xlabel(f"{name}\n(grey lines: first $x_l$ of a new shape)")


def _ratios(rows):
    """Draw the predicted and the measured ratios to the end of the stage, for several lambdas."""
    figure, axes, panels = _subplots(rows, 4.8, 1)
    lambdas = measurements.grouped(rows, "lambda")
    colours = dict(zip(lambdas, styles.styles([lines[0] for lines in lambdas.values()])))
    for axis, (title, members) in zip(axes.flat, panels.items()):
        for factor, lines in measurements.grouped(members, "lambda").items():
            colour, marker = colours[factor]
            for stage in measurements.grouped(lines, "shape").values():
                _stage(axis, stage, colour, marker)
            axis.plot([], [], color=colour, marker=marker, label=rf"$\lambda$ = {factor:g}")
        for label, style in RATIOS.values():
            axis.plot([], [], color="0.3", label=label, **style)
        axis.set_yscale("log")
        axis.grid(axis="y")
        styles.legend_above(axis, title, columns=2)
        axis.set_xlabel("$l$ of $x_l$, the input of unit $l$")
    axes[0, 0].set_ylabel(r"ratio of $\|\partial E/\partial x_l\|$ to the end of the stage")
    return figure


def _stage(axis, rows, colour, marker):
    """Draw the three ratios of a stage."""
    units = [row["l"] for row in rows]
    for ratio, (_, style) in RATIOS.items():
        values = [row[ratio] or None for row in rows]
        shape = marker if ratio == "shortcut_ratio" else None
        axis.plot(units, values, color=colour, marker=shape, markersize=3.5, **style)
