"""Every row of Tables 1 and 2 at once, ours beside the paper's: one look tells whether the order is the paper's.

    python -m plots summary --scale pocket
"""
import statistics

import matplotlib.pyplot as plt

from paper import experiments
from paper import runs as results

from . import pictures, tables

# title, table, depth. The original unit stands in both, as in the paper.
GROUPS = [("Table 1: shortcuts, ResNet-110", "table1", 110), ("Table 2: activations, ResNet-110", "table2", 110),
          ("Table 2: activations, ResNet-164", "table2", 164)]


def rows(table, depth, scale):
    """[(row, what there is of it)] that have a finished run, the paper's best first; its "fail" rows are last, in their order."""
    there = [(row, tables.ours(row.experiment, scale)) for row in experiments.TABLES[table] if row.experiment.depth == depth]
    return sorted([(row, ours) for row, ours in there if ours.errors], key=lambda pair: tables.number(pair[0].paper))


def draw(name, scale):
    """Draw the groups that have runs, one below another: the paper's errors left, ours right, the rows in the paper's order."""
    groups = [(title, rows(table, depth, scale), tables.order(table, scale, depth)) for title, table, depth in GROUPS]
    groups = [group for group in groups if group[1]]
    if not groups:
        print(f"no run at scale {scale} yet: {experiments.make('table1', scale)} begins")
        return
    heights = [len(there) + 1.2 for _, there, _ in groups]
    figure, axes = plt.subplots(len(groups), 2, figsize=(9.5, 0.32 * sum(heights) + 0.8), layout="constrained", squeeze=False,
                                gridspec_kw={"height_ratios": heights})
    errors = [error for _, there, _ in groups for _, ours in there for error in ours.errors]
    for (title, there, order), (left, right) in zip(groups, axes):
        places = range(len(there))
        for place, (row, ours) in zip(places, there):
            failed = row.paper == experiments.FAIL
            left.barh(place, 20 if failed else row.paper, color="white" if failed else "0.75", edgecolor="0.4", height=0.6,
                      hatch="////" if failed else None, linewidth=0.6)
            left.text(0.4, place, "over 20: fail" if failed else f"{row.paper:.2f}", va="center", fontsize=8,
                      bbox=dict(facecolor="white", edgecolor="none", pad=0.8))
            right.plot(ours.errors, [place] * len(ours.errors), "o", color="#0000ff", markersize=4, alpha=0.4)
            median = statistics.median(ours.errors)
            right.plot(median, place, "D", color="#0000ff", markersize=6)
            right.annotate(f"{median:.2f}", (max(ours.errors), place), xytext=(7, 0), textcoords="offset points", va="center",
                           fontsize=8)
        left.set_yticks(places, [label(row) for row, _ in there], fontsize=8)
        left.set(xlim=(0, 20), xticks=range(0, 21, 5), title=title)
        right.set_yticks(places, [""] * len(there))
        right.set_xlim(min(errors) - 3, max(errors) + 0.12 * (max(errors) - min(errors)) + 3)
        right.grid(axis="both", linestyle=":", color="0.7")
        right.set_title(order.replace(" with ", "\nwith "), fontsize=9)
        for axis in (left, right):
            axis.set_ylim(len(there) - 0.4, -0.6)
            axis.title.set_fontsize(10 if axis is left else 9)
            axis.tick_params(axis="x", labelsize=8)
        print(f"{title}: {order or 'too few rows for an order'}")
    axes[-1][0].set_xlabel("the paper's test error, %", fontsize=9)
    axes[-1][1].set_xlabel(f"ours at {scale} scale, % (diamond: median, dots: runs)", fontsize=9)
    runs = [run for _, there, _ in groups for row, _ in there for run in results.of(row.experiment, scale)]
    note = experiments.depths_note(scale, name)
    figure.supxlabel(f"{note}\n" * bool(note) + pictures.caption(runs, of=None), fontsize=6.5, color="0.3")
    pictures.save(figure, pictures.figure_of(name, scale))
    plt.close(figure)


def label(row):
    """A row's words, short enough for an axis."""
    words = row.remark.split(",", 1)[1].strip() if "," in row.remark else ""
    words = "" if words.startswith("ResNet") else words.split(":")[0].split(" (")[0]
    return row.case + (f" ({words})" if words else "")
