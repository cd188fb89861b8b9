"""Blocks computed from the measurements in results/analysis/."""

from statistics import mean, median
from string import Formatter

import plots.propagation
from analysis import measurements
from common import files
from plots.tables import Table
from symbols import counts

# results/analysis/<name>.csv: titles and cells of the table
SPEED = {
    "speed-pytorch": (
        "network|images|batch|type|ours, images/s|PyTorch, images/s|ours / PyTorch",
        "ResNet-{depth:.0f}|{size:.0f}x{size:.0f}|{batch:.0f}|{dtype}|{ours:.0f}|{theirs:.0f}|{ratio:.2f}",
    ),
    "speed-units": (
        "network|step time|multiply-adds|bfloat16 / float32",
        "{network}|{step:.2f}|{work:.2f}|{bfloat16:.2f}",
    ),
}
LESIONS = (
    "network|test error, %|increase without unit 1, points|without any other unit: largest|median"
)
RESPONSES = "network|first layer|stage 1|stage 2|stage 3|units' last layer, median"


def rows_of(name):
    """Return the rows of results/analysis/<name>.csv."""
    return measurements.read(files.RESULTS / "analysis" / f"{name}.csv")


def first_and_last(table, last):
    """Return the Markdown of a table's first column and of its columns from number `last` on."""
    head, *rows = [[row[0], *row[last:]] for row in table]
    return Table(head, rows).markdown()


def networks(page):
    """Return parameters and multiply-adds of the papers' networks, without parameter groups."""
    return first_and_last(counts.table(), 5)


def propagation(page, name):
    """Return a table of equation (8) and measured gradients in networks' last stages."""
    rows = plots.propagation.table(rows_of(f"propagation-{name}"))
    return first_and_last([plots.propagation.HEAD, *rows], 5)


def captioned(head, lines, measured):
    """Return a table; below it, which weights and images its CSV files measure."""
    origins = [f"Weights {rows[0]['weights']}; {rows[0]['images']}." for rows in measured]
    return [*Table(head.split("|"), lines).markdown(), "", f"*{' '.join(dict.fromkeys(origins))}*"]


def lesions(page, *names):
    """Return a table of how much the test error increases if one unit of a network is deleted."""
    lines = []
    measured = [rows_of(f"lesion-{name}") for name in names]
    for rows in measured:
        error = rows[0]["error"]
        costs = {row["units"]: row["error"] - error for row in rows if row["lesion"] == "delete"}
        first = costs.pop("stage1_unit1")
        numbers = (error, first, max(costs.values()), median(costs.values()))
        lines.append((rows[0]["label"], *(f"{value:.1f}" for value in numbers)))
    return captioned(LESIONS, lines, measured)


def responses(page, *names):
    """Return standard deviations of the 3x3 layers' outputs: first layer, means over stages."""
    lines = []
    measured = [rows_of(f"responses-{name}") for name in names]
    for rows in measured:
        stages = measurements.grouped(
            ({**row, "stage": row["convolution"].split("_")[0]} for row in rows), "stage"
        )
        means = [mean(row["deviation"] for row in group) for group in stages.values()]
        last = [row["deviation"] for row in rows if row["convolution"].endswith("_conv2")]
        lines.append((rows[0]["label"], *(f"{value:.2f}" for value in (*means, median(last)))))
    return captioned(RESPONSES, lines, measured)


def _cell(form, row):
    """Return a cell of a benchmark. It is empty if a value was not measured, such as bfloat16."""
    fields = [field for _, field, _, _ in Formatter().parse(form) if field]
    is_measured = all(row[field] is not None for field in fields)
    return form.format(**row) if is_measured else ""


def speed(page, name):
    """Return a benchmark's table."""
    rows = rows_of(name)
    titles, cells = SPEED[name]
    lines = [[_cell(cell, row) for cell in cells.split("|")] for row in rows]
    peer = f", PyTorch {rows[0]['pytorch']}" if "pytorch" in rows[0] else ""
    origin = f"*{rows[0]['machine']}, {rows[0]['day']}{peer}.*"
    return [*Table(titles.split("|"), lines).markdown(), "", origin]
