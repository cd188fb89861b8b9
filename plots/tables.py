"""Tables: the paper's with ours beside it, as text, Markdown and PNG.

.venv/bin/python -m plots table1 --scale pocket
"""

import os
import re
from collections import namedtuple
from html import escape
from itertools import compress

import matplotlib.pyplot as plt

from paper import experiments
from paper.counted_runs import results_of
from paper.scales import SCALES
from paper.significance import order, say, say_ours, verdicts

from . import figure_files

# A row of a paper's table as strings. fails: 'no / yes', whether the row fails by the paper's rule
# in the paper and here. runs: number of finished runs. dtype: what they computed in.
Cells = namedtuple("Cells", "case remark paper ours fails runs dtype data iterations command")
TITLES = Cells(
    case="network",
    remark="remark",
    paper="paper, %",
    ours="ours, %",
    fails=f"over {experiments.FAILS_ABOVE} %: paper / ours",
    runs="runs",
    dtype="type",
    data="data",
    iterations="iterations",
    command="command",
)
PRINTED = ("case", "remark", "paper", "ours", "fails", "runs", "dtype")
DRAWN = (*PRINTED, "iterations")
NUMBER = re.compile(r"[-+]?\d[\d.,]*$")


class Table(namedtuple("Table", "head rows")):
    """Rows of strings below column titles. The only renderer of tables."""

    def filled(self):
        """Return the table without empty columns."""
        filled = [any(column) for column in zip(*self.rows)]
        head, *rows = [list(compress(row, filled)) for row in [self.head, *self.rows]]
        return Table(head, rows)

    def text(self):
        """Return aligned columns, for a terminal."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in [self.head, *self.rows]
        )

    def markdown(self):
        """Return lines of Markdown. Columns that contain plain numbers are aligned to the right."""
        columns = zip(*self.rows)
        rule = ["---:" if any(map(NUMBER.match, column)) else "---" for column in columns]
        head, *rows = [
            "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
            for row in [self.head, *self.rows]
        ]
        return [head, f"|{'|'.join(rule)}|", *rows]

    def html(self):
        """Return an HTML table. The last column is code if its title is 'command'."""
        code = self.head[-1] == "command"
        lines = ["<tr>" + "".join(f"<th>{escape(title)}</th>" for title in self.head) + "</tr>"]
        for row in self.rows:
            # A number and its deviation stay on one line of a printed page.
            cells = [escape(cell).replace(" ± ", "&nbsp;±&nbsp;") for cell in row]
            if code:
                cells[-1] = f"<code>{cells[-1]}</code>"
            lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def rows_of(name, scale):
    """Return a paper's table with our runs at a scale: Cells for each of its rows."""
    return [_row(row, results, scale) for row, results in _pairs(name, scale)]


def _pairs(name, scale):
    """Return [(row, Results)] of a paper's table."""
    return [(row, results_of(row.experiment, scale, row.crop)) for row in experiments.TABLES[name]]


def _row(row, results, scale):
    command = row.experiment.target(scale)
    if results.unscored:
        command = f"make score RUN={os.path.relpath(results.unscored[0])} CROP={row.crop}"
    iterations = sorted({run.recipe["iterations"] for run in results.runs})
    return Cells(
        row.label,
        row.remark,
        say(row.paper),
        say_ours(results),
        verdicts(row, results, scale),
        str(len(results.errors) or ""),
        figure_files.listed(run.recipe["dtype"] for run in results.runs),
        results.data,
        ", ".join(f"{count:,}" for count in iterations),
        command,
    )


def table(name, rows, columns):
    """Return a Table with some columns of a paper's table, without empty columns.

    rows: Cells. The column `data` is added if rows of one data set were trained on different
    images.
    """
    datasets = {
        row.experiment.dataset for row, ours in zip(experiments.TABLES[name], rows) if ours.data
    }
    if len({row.data for row in rows} - {""}) > len(datasets):
        columns = (*columns[:-1], "data", columns[-1])
    lines = [[getattr(row, column) for column in columns] for row in rows]
    return Table([getattr(TITLES, column) for column in columns], lines).filled()


def scales_table():
    """Return what each scale trains: a row for each."""
    rows = []
    for name, scale in SCALES.items():
        depths = experiments.depths_note(name) or "the paper's depths"
        rows.append((name, scale.summary, depths, "generated" if scale.data else "CIFAR"))
    return Table(("scale", "training", "layers", "data"), rows)


def picture(name, rows, runs, scale):
    """Return the table without its commands as a figure. runs: those in it, for the caption."""
    head, cells = table(name, rows, DRAWN)
    width = 9.5 + (0.075 * max(len(row.data) for row in rows) if TITLES.data in head else 0)
    head = [f" {title} ".replace(": ", ":\n ") for title in head]
    cells = [[f" {cell} " for cell in row] for row in cells]
    figure, axes = plt.subplots(figsize=(width, 0.8 + 0.29 * (len(rows) + 1)))
    axes.axis("off")
    drawn = axes.table(cells, colLabels=head, loc="center", cellLoc="left", colLoc="left")
    drawn.set_in_layout(False)  # measuring it is slow and not needed
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    drawn.auto_set_column_width(range(len(head)))
    drawn.scale(1, 1.4)
    for (line, _), cell in drawn.get_celld().items():
        cell.set(edgecolor="0.8", facecolor="0.92" if line == 0 else "white")
        cell.PAD = 0  # a share of the cell's width; the spaces around the text are constant
        if line == 0 and any("\n" in title for title in head):
            cell.set_height(1.6 * cell.get_height())
    axes.set_title(f"Table {name[-1]} of 1603.05027: test error (%), paper and ours")
    texts = [
        experiments.depths_note(scale, experiments.experiments_of(name)),
        figure_files.source(runs) if runs else f"scale {scale}; no runs yet",
        "ours: last iterate, median of the runs (mean ± standard deviation)",
    ]
    if name == "table5":
        texts.append("top-1 error on ImageNet's validation set, single crop")
    else:
        texts.append(f"paper: full scale, CIFAR, median of {experiments.PAPER_SEEDS}")
    if name == "table4":
        texts.append("1202 layers: 1512.03385, number of runs not stated")
    figure_files.write_below(figure, "; ".join(filter(None, texts)))
    return figure


def draw(name, scale):
    """Print a table, and draw it."""
    pairs = _pairs(name, scale)
    rows = [_row(row, results, scale) for row, results in pairs]
    note = experiments.depths_note(scale, experiments.experiments_of(name))
    if note:
        print(f"scale {scale}: {note}")
    print(table(name, rows, PRINTED).text())
    if order(name, scale):
        print(order(name, scale))
    missing = [row for row in rows if row.ours in ("", "unfinished", "not scored")]
    if missing:
        print(f"{len(missing)} of {len(rows)} rows are missing; ", end="")
        if name == "table5":  # ImageNet, which make table5 does not train
            print("train each by its command:", *(row.command for row in missing), sep="\n")
        else:
            which = "those on CIFAR-10" if SCALES[scale].data else "them"
            print(f"{experiments.make(name, scale)} trains {which}")
    runs = [run for _, results in pairs for run in results.runs]
    return picture(name, rows, runs, scale)
