"""The paper's tables with ours beside: Markdown for reading and copying, PNG for showing.

python -m plots table1 --scale pocket
"""

from collections import namedtuple

import matplotlib.pyplot as plt

from common import files
from paper import experiments, run_files
from paper.significance import JUDGED, order, ours, say, say_ours, verdicts

from . import figure_files

# A row as strings. fails: by the paper's rule, there / here. n: finished runs. dtype: what they
# computed in.
Line = namedtuple("Line", "case remark paper ours fails n dtype scale data iterations command")
HEAD = Line(
    "case",
    "remark",
    "paper",
    "ours",
    f"over {experiments.FAILS_ABOVE} %: paper / ours",
    "n",
    "type",
    "scale",
    "data",
    "iterations",
    "command",
)
SHOWN = ("case", "remark", "paper", "ours", "fails", "n", "dtype", "iterations")  # in the PNG


def lines(name, scale):
    """The table, a Line for each row."""
    return [line(row, scale) for row in experiments.TABLES[name]]


def line(row, scale):
    """A row of the paper with what there is of it at a scale."""
    there = ours(row.experiment, scale, row.crop)
    iterations = sorted({run.config["recipe"]["iterations"] for run in there.runs})
    return Line(
        row.case,
        row.remark,
        say(row.paper),
        say_ours(there),
        verdicts(row, there, scale),
        str(len(there.errors) or ""),
        ", ".join(sorted(set(map(run_files.dtype, there.runs)))),
        scale,
        there.runs[0].config["data"] if there.runs else "",
        ", ".join(f"{count:,}" for count in iterations),
        row.experiment.target(scale),
    )


def markdown(head, rows):
    """Rows of strings as a Markdown table."""
    table = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in table) + "\n"


def aligned(head, rows):
    """Rows of strings as text in columns."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in [head, *rows]
    )


def picture(name, rows, scale, path):
    """The table without its commands as a PNG."""
    shown = filled(SHOWN, rows)
    cells = [[f" {getattr(row, column)} " for column in shown] for row in rows]
    head = [f" {getattr(HEAD, column)} " for column in shown]
    if "fails" in shown:
        head[shown.index("fails")] = head[shown.index("fails")].replace(": ", ":\n ")
    figure, axes = plt.subplots(figsize=(9.5, 0.8 + 0.29 * (len(rows) + 1)), layout="constrained")
    axes.axis("off")
    table = axes.table(cells, colLabels=head, loc="center", cellLoc="left", colLoc="left")
    table.set_in_layout(False)  # it takes the place that there is, and is slow to measure
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.auto_set_column_width(range(len(shown)))
    table.scale(1, 1.4)
    for (place, _), cell in table.get_celld().items():
        cell.set(edgecolor="0.8", facecolor="0.92" if place == 0 else "white")
        cell.PAD = 0  # a share of the cell's width; the blanks round the words are alike
        if place == 0 and "fails" in shown:
            cell.set_height(1.6 * cell.get_height())
    data = ", ".join(sorted({row.data for row in rows} - {""})) or "no runs yet"
    axes.set_title(f"Table {name[-1]} of 1603.05027: test error (%), paper and ours", fontsize=11)
    note = experiments.depths_note(scale, name)
    figure_files.write_below(
        figure,
        (
            f"scale {scale}{note and ': ' + note}; {data}; ours: last iterate, median of n "
            "(mean ± standard deviation); paper: full scale, CIFAR, median of "
            f"{experiments.PAPER_SEEDS}"
        ),
    )
    figure_files.save(figure, path)
    plt.close(figure)


def draw(name, scale):
    """Print a table and write its Markdown and PNG under plots/figures/."""
    rows = lines(name, scale)
    path = figure_files.figure_of(name, scale)
    files.write_whole(path.with_suffix(".md"), markdown(HEAD, rows))
    note = experiments.depths_note(scale, name)
    if note:
        print(f"scale {scale}: {note}")
    printed = [
        column
        for column in ("case", "remark", "paper", "ours", "fails", "n", "dtype")
        if column != "fails" or scale in JUDGED
    ]
    print(aligned(*columns(printed, rows)))
    if order(name, scale):
        print(order(name, scale))
    missing = [row for row in rows if row.ours in ("", "unfinished")]
    if missing:
        how = (
            "each is trained by its command above"
            if name == "table5"
            else f"{experiments.make(name, scale)} trains them"
        )
        print(f"{len(missing)} of {len(rows)} rows are missing; {how}")
    picture(name, rows, scale, path)


def columns(names, rows):
    """(head, rows) of some columns."""
    head, *body = [[getattr(row, name) for name in names] for row in [HEAD, *rows]]
    return head, body


def filled(names, rows):
    """The columns, of some, in which a row has anything."""
    return [name for name in names if any(getattr(row, name) for row in rows)]
