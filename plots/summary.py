"""Tables 1 and 2 as a slope chart: the paper's order on the left, ours on the right.

.venv/bin/python -m plots summary --scale pocket
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib import ticker

from paper import experiments
from paper.counted_runs import comparable_rows, number
from paper.significance import JUDGED, order, say, say_order, say_ours

from . import figure_files, styles, tables


def rows_of(table, depth):
    """Return the rows of a table that have one of the paper's depths."""
    return [row for row in experiments.TABLES[table] if row.experiment.depth == depth]


NETWORKS = rows_of("table1", 110) + rows_of("table2", 110)  # ResNet-110: 15 networks
CHARTS = {"Tables 1 and 2, ResNet-110": NETWORKS, "Table 2, ResNet-164": rows_of("table2", 164)}
COLOUR = "#404040"
ROW = 0.3  # inches


def draw(name, scale):
    """Print the rows in the paper's order and the rank correlations, and draw both orders."""
    charts = {title: comparable_rows(rows, scale) for title, rows in CHARTS.items()}
    charts = {title: pairs for title, pairs in charts.items() if pairs}
    if not charts:
        print(f"no run at scale {scale} yet; start with {experiments.make('table1', scale)}")
        return None
    for title, pairs in charts.items():
        lines = [(row.label, say(row.paper), say_ours(results)) for row, results in pairs]
        print(tables.Table((title, "paper, %", "ours, %"), lines).text())
    for table in ("table1", "table2"):
        print(f"Table {table[-1]}: {order(table, scale) or 'too few rows for an order'}")
    together = say_order(NETWORKS, scale)
    if together:
        print(f"Tables 1 and 2, ResNet-110: {together}")
    figure = _figure(charts, scale)
    figure.suptitle(together)
    return figure


def _median(pair):
    """Return our median error in a pair of a row and its Results."""
    return statistics.median(pair[1].errors)


def _figure(charts, scale):
    """Draw the charts one below another, each with our errors to its right. Return the figure."""
    heights = [len(pairs) + 2.2 for pairs in charts.values()]
    size = (styles.WIDTH, ROW * sum(heights) + 1)
    ratios = {"height_ratios": heights, "width_ratios": (1.7, 1)}
    figure, grid = plt.subplots(len(charts), 2, figsize=size, squeeze=False, gridspec_kw=ratios)
    for (title, pairs), (slopes, dots) in zip(charts.items(), grid):
        ours = sorted(pairs, key=_median)
        # the paper's failures are tied, so they are in our order
        _slopes(slopes, sorted(ours, key=lambda pair: number(pair[0].paper)), ours)
        _dots(dots, ours, scale)
        slopes.set_title(title)
        dots.set_title(f"our test error at {scale} scale, %\n(one dot per seed)")
    runs = [run for pairs in charts.values() for _, ours in pairs for run in ours.runs]
    drawn = [row.experiment for pairs in charts.values() for row, _ in pairs]
    figure_files.caption(figure, runs, experiments.depths_note(scale, drawn))
    return figure


def _slopes(axes, pairs, ours):
    """Draw a line for each row from its rank in the paper to its rank here."""
    for left, pair in enumerate(pairs):
        row, _ = pair
        right = ours.index(pair)
        axes.plot([0, 1], [left, right], "o-", color=COLOUR)
        style = dict(va="center", color=COLOUR)
        axes.text(-0.07, left, f"{row.label}  {say(row.paper)}", ha="right", **style)
        axes.text(1.07, right, f"{_median(pair):.2f}  {row.label}", ha="left", **style)
    tied = ' ("fail": tied)' if any(row.paper == experiments.FAIL for row, _ in pairs) else ""
    axes.text(0, -0.8, f"the paper, %{tied}", ha="right", va="bottom")
    axes.text(1, -0.8, "ours, %", ha="left", va="bottom")
    axes.set_xlim(-1.9, 2.9)
    axes.set_ylim(len(pairs) - 0.4, -1.2)
    axes.set_axis_off()


def _dots(axes, ours, scale):
    """Draw a dot for each run, in the rows of our order."""
    for place, (_, results) in enumerate(ours):
        dots = dict(color=COLOUR, marker="o", linestyle="", alpha=0.7)
        axes.plot(results.errors, [place] * len(results.errors), **dots)
    if scale in JUDGED:
        fail = experiments.FAILS_ABOVE
        axes.axvline(fail, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)))
        style = dict(xytext=(3, 0), textcoords="offset points", va="top")
        axes.annotate(f'"fail": above {fail} %', (fail, -1.1), **style)
    axes.set_ylim(len(ours) - 0.4, -1.2)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_yticks(range(len(ours)), [""] * len(ours))
    axes.grid()
