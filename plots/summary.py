"""Every row of Tables 1 and 2 at once, the paper's error and ours side by side in the paper's
order.

    python -m plots summary --scale pocket
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib import ticker

from paper import experiments
from paper.significance import (
    JUDGED,
    conclusion,
    fails,
    measured,
    neighbours,
    order,
    say,
    say_difference,
    say_order,
)

from . import figure_files, tables

# title, table, depth. The original unit stands in both, as in the paper.
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
BLUE = "#0000ff"
RED = "#c03000"


def rows_of(table, depth):
    """The rows of a table that have one of the paper's depths."""
    return [row for row in experiments.TABLES[table] if row.experiment.depth == depth]


def networks():
    """Tables 1 and 2 for ResNet-110: 15 networks, for original stands in both."""
    return rows_of("table1", 110) + rows_of("table2", 110)


def draw(name, scale):
    """Print and draw the groups that have runs; print the pairs of neighbours."""
    groups = [
        (title, measured(rows_of(table, depth), scale), order(table, scale, depth))
        for title, table, depth in GROUPS
    ]
    groups = [group for group in groups if group[1]]
    if not groups:
        print(f"no run at scale {scale} yet: {experiments.make('table1', scale)} begins")
        return
    for title, _, said in groups:
        print(f"{title}: {said or 'too few rows for an order'}")
    together = say_order(networks(), scale)
    if together:
        print(f"Tables 1 and 2, ResNet-110: {together}")
    print(neighbours_table(scale).text())
    _picture(groups, together, scale, figure_files.figure_of(name, scale))


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


def _picture(groups, together, scale, path):
    """The groups one below another: the paper's errors left, ours right."""
    heights = [len(pairs) + 1.2 for _, pairs, _ in groups]
    figure, axes = plt.subplots(
        len(groups),
        2,
        figsize=(9.5, 0.32 * sum(heights) + 1.2),
        layout="constrained",
        squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )
    errors = [error for _, pairs, _ in groups for _, runs in pairs for error in runs.errors]
    span = max(errors) - min(errors)
    limits = (
        0 if scale in JUDGED else max(0, min(errors) - 0.1 * span - 1),
        max(1.25 * max(errors) if scale in JUDGED else 0, max(errors) + 0.2 * span + 3),
    )
    for (title, pairs, said), (left, right) in zip(groups, axes):
        _papers(left, pairs)
        _ours(right, pairs, scale)
        right.set_xlim(*limits)
        left.set_title(title, fontsize=10)
        right.set_title(said.replace(" with ", "\nwith "), fontsize=9)
    axes[-1][0].set_xlabel("the paper's test error, %", fontsize=9)
    axes[-1][1].set_xlabel(f"ours at {scale} scale, % (diamond: median, dots: runs)", fontsize=9)
    if together:
        figure.suptitle(f"Tables 1 and 2 in one list, ResNet-110: {together}", fontsize=10)
    runs = [run for _, pairs, _ in groups for _, there in pairs for run in there.runs]
    figure_files.caption(figure, runs, of=None, note=experiments.depths_note(scale, "summary"))
    figure_files.save(figure, path)
    plt.close(figure)


def _papers(axes, pairs):
    """A bar for each of the paper's errors; a failure fills the axis."""
    for place, (row, _) in enumerate(pairs):
        failed = fails(row.paper)
        axes.barh(
            place,
            experiments.FAILS_ABOVE if failed else row.paper,
            height=0.6,
            color="white" if failed else "0.75",
            edgecolor="0.4",
            hatch="////" if failed else None,
            linewidth=0.6,
        )
        axes.text(
            0.4,
            place,
            f"over {experiments.FAILS_ABOVE}: fail" if failed else say(row.paper),
            va="center",
            fontsize=8,
            bbox=dict(facecolor="white", edgecolor="none", pad=0.8),
        )
    axes.set_yticks(range(len(pairs)), [label(row) for row, _ in pairs], fontsize=8)
    axes.set(xlim=(0, experiments.FAILS_ABOVE), xticks=range(0, 21, 5))
    _trim(axes, pairs)


def _ours(axes, pairs, scale):
    """A dot for each run and a diamond for their median; hollow where it fails by the paper's
    rule."""
    for place, (_, runs) in enumerate(pairs):
        median = statistics.median(runs.errors)
        failed = scale in JUDGED and fails(median)
        colour = RED if failed else BLUE
        axes.plot(
            runs.errors, [place] * len(runs.errors), "o", color=colour, markersize=4, alpha=0.4
        )
        axes.plot(
            median,
            place,
            "D",
            color=colour,
            markersize=6,
            markerfacecolor="white" if failed else colour,
        )
        axes.annotate(
            f"{median:.2f}" + (" fail" if failed else ""),
            (max(runs.errors), place),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            bbox=dict(facecolor="white", edgecolor="none", pad=0.5),
        )
    if scale in JUDGED:
        axes.axvline(experiments.FAILS_ABOVE, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.set_yticks(range(len(pairs)), [""] * len(pairs))
    axes.grid(axis="both", linestyle=":", color="0.7")
    _trim(axes, pairs)


def _trim(axes, pairs):
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=8)


def label(row):
    """A row's words, short enough for an axis."""
    remark = row.remark.split(",", 1)[1].strip() if "," in row.remark else ""
    remark = "" if remark.startswith("ResNet") else remark.split(":")[0].split(" (")[0]
    remark = remark.replace("0 on the shortcut, 1 on F", "0 and 1")
    return f"{row.case} ({remark})" if remark else row.case
