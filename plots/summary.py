"""Tables 1 and 2 as a slope chart: the paper's order on the left, ours on the right.

python -m plots summary --scale pocket
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib import ticker

from paper import experiments
from paper.significance import (
    JUDGED,
    conclusion,
    measured,
    neighbours,
    number,
    order,
    say,
    say_difference,
    say_order,
)

from . import figure_files, tables

# title, table, depth. The original unit is a row of both tables, as in the paper.
GROUPS = [
    ("Table 1: shortcuts, ResNet-110", "table1", 110),
    ("Table 2: activations, ResNet-110", "table2", 110),
    ("Table 2: activations, ResNet-164", "table2", 164),
]
NEIGHBOURS = (
    "better in the paper",
    "worse in the paper",
    "paper, %",
    "ours: difference ± standard error",
    "runs",
    "order, 5 % level",
)
KEPT = "#404040"  # rows in the paper's order
MOVED = "#d02000"
ROW = 0.3  # inches


def rows_of(table, depth):
    """The rows of a table that have one of the paper's depths."""
    return [row for row in experiments.TABLES[table] if row.experiment.depth == depth]


def networks():
    """Tables 1 and 2 for ResNet-110: 15 networks, for original is a row of both."""
    return rows_of("table1", 110) + rows_of("table2", 110)


def draw(name, scale):
    """Print the rank correlations and the neighbours, and draw the chart."""
    charts = [
        ("Tables 1 and 2, ResNet-110", measured(networks(), scale)),
        ("Table 2, ResNet-164", measured(rows_of("table2", 164), scale)),
    ]
    charts = [(title, pairs) for title, pairs in charts if pairs]
    if not charts:
        print(f"no run at scale {scale} yet; start with {experiments.make('table1', scale)}")
        return
    for title, table, depth in GROUPS:
        if measured(rows_of(table, depth), scale):
            print(f"{title}: {order(table, scale, depth) or 'too few rows for an order'}")
    together = say_order(networks(), scale)
    if together:
        print(f"Tables 1 and 2, ResNet-110: {together}")
    print(neighbours_table(scale).text())
    _figure(charts, together, scale, figure_files.figure_of(name, scale))


def neighbours_table(scale):
    """Neighbours in the paper's order: our difference, and whether it is significant."""
    lines = []
    for _, table, depth in GROUPS:
        for pair in neighbours(rows_of(table, depth), scale):
            lines.append(
                (
                    label(pair.better),
                    label(pair.worse),
                    f"{say(pair.better.paper)}, {say(pair.worse.paper)}",
                    say_difference(pair.difference, pair.error),
                    "{}, {}".format(*pair.counts),
                    conclusion(pair.difference, pair.p),
                )
            )
    return tables.Table(NEIGHBOURS, lines)


def _figure(charts, together, scale, path):
    """The charts one below another, each with our errors to its right."""
    heights = [len(pairs) + 2.2 for _, pairs in charts]
    figure, grid = plt.subplots(
        len(charts),
        2,
        figsize=(8.8, ROW * sum(heights) + 1),
        layout="constrained",
        squeeze=False,
        gridspec_kw={"height_ratios": heights, "width_ratios": (1.7, 1)},
    )
    for (title, pairs), (slopes, dots) in zip(charts, grid):
        ours = sorted(pairs, key=lambda pair: statistics.median(pair[1].errors))
        colours = [MOVED if pair in moved(ours) else KEPT for pair in ours]
        _slopes(slopes, pairs, ours, colours)
        _dots(dots, ours, colours, scale)
        slopes.set_title(title, fontsize=10)
        dots.set_title(f"our test error at {scale} scale, %\n(one dot per seed)", fontsize=9)
    figure.suptitle(together, fontsize=10)
    runs = [run for _, pairs in charts for _, ours in pairs for run in ours.runs]
    drawn = [row.experiment for _, pairs in charts for row, _ in pairs]
    figure_files.caption(figure, runs, of=None, note=experiments.depths_note(scale, drawn))
    figure_files.save(figure, path)
    plt.close(figure)


def moved(pairs):
    """The pairs to take out, as few as possible, so that the others have the paper's order.

    pairs: (row, Ours), our best first. Rows that the paper calls failures are tied.
    """
    chains = []  # the longest chain in the paper's order that ends at each pair
    for i, (row, _) in enumerate(pairs):
        before = [chain for chain in chains if number(chain[-1][0].paper) <= number(row.paper)]
        chains.append([*max(before, key=len, default=[]), pairs[i]])
    kept = max(chains, key=len, default=[])
    return [pair for pair in pairs if pair not in kept]


def _slopes(axes, pairs, ours, colours):
    """A line for each row from its rank in the paper to its rank here."""
    for left, pair in enumerate(pairs):
        row, runs = pair
        right = ours.index(pair)
        colour = colours[right]
        axes.plot([0, 1], [left, right], "o-", color=colour, markersize=4, linewidth=1.5)
        style = dict(va="center", fontsize=8, color=colour)
        axes.text(-0.07, left, f"{label(row)}  {say(row.paper)}", ha="right", **style)
        median = statistics.median(runs.errors)
        axes.text(1.07, right, f"{median:.2f}  {label(row)}", ha="left", **style)
    head = dict(fontsize=9, va="bottom")
    axes.text(0, -0.8, "the paper, %", ha="right", **head)
    axes.text(1, -0.8, "ours, %", ha="left", **head)
    if MOVED in colours:
        axes.plot([], [], color=MOVED, label="without the red rows, our order is the paper's")
        axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0))
    axes.set_xlim(-1.9, 2.9)
    axes.set_ylim(len(pairs) - 0.4, -1.2)
    axes.set_axis_off()


def _dots(axes, ours, colours, scale):
    """A dot for each run, in the rows of our order."""
    for place, ((_, runs), colour) in enumerate(zip(ours, colours)):
        dots = dict(color=colour, markersize=4, alpha=0.7)
        axes.plot(runs.errors, [place] * len(runs.errors), "o", **dots)
    if scale in JUDGED:
        axes.axvline(experiments.FAILS_ABOVE, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)))
        axes.annotate(
            '"fail" above it',
            (experiments.FAILS_ABOVE, -1.1),
            xytext=(3, 0),
            textcoords="offset points",
            va="top",
            fontsize=8,
        )
    axes.set_ylim(len(ours) - 0.4, -1.2)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_yticks(range(len(ours)), [""] * len(ours))
    axes.grid(axis="both", linestyle=":", color="0.7")
    axes.tick_params(axis="x", labelsize=8)


def label(row):
    """A row's words, short enough for an axis."""
    remark = row.remark.split(",", 1)[1].strip() if "," in row.remark else ""
    remark = "" if remark.startswith("ResNet") else remark.split(":")[0].split(" (")[0]
    remark = remark.replace("0 on the shortcut, 1 on F", "0 and 1")
    return f"{row.case} ({remark})" if remark else row.case
