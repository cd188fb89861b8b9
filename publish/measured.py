"""Blocks computed from the measurements in results/analysis/."""

import statistics

from analysis import measurements
from common import files
from plots import propagation
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
LESIONS = "network|test error, %|cost of the first unit, points|of any other, at most|median"
RESPONSES = "network|first layer|stage 1|stage 2|stage 3|units' last layer, median"


def rows_of(name):
    """The rows of results/analysis/<name>.csv."""
    return measurements.read(files.RESULTS / "analysis" / f"{name}.csv")


def networks(page):
    """Parameters and multiply-adds of the papers' networks, without the groups of parameters."""
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in counts.table()]
    head, _, *rows = [[row[0], *row[5:]] for row in cells]
    return Table(head, rows).markdown()


def lesions(page, *names):
    """What the deletion of one unit costs each trained network."""
    lines = []
    for name in names:
        rows = rows_of(f"lesion-{name}")
        error = rows[0]["error"]
        costs = {row["units"]: row["error"] - error for row in rows if row["lesion"] == "delete"}
        first = costs.pop("stage1_unit1")
        numbers = (error, first, max(costs.values()), statistics.median(costs.values()))
        lines.append((rows[0]["label"], *(f"{value:.1f}" for value in numbers)))
    return [
        *Table(LESIONS.split("|"), lines).markdown(),
        "",
        f"*{rows[0]['weights']}; {rows[0]['images']}.*",
    ]


def responses(page, *names):
    """Standard deviations of the 3x3 layers' outputs: the first layer, and means over stages."""
    lines = []
    for name in names:
        rows = rows_of(f"responses-{name}")
        deviations = {row["convolution"]: row["deviation"] for row in rows}
        means = [
            statistics.mean(value for layer, value in deviations.items() if layer.startswith(stage))
            for stage in ("stage1", "stage2", "stage3")
        ]
        last = [value for layer, value in deviations.items() if layer.endswith("_conv2")]
        numbers = (deviations["conv1"], *means, statistics.median(last))
        lines.append((rows[0]["label"], *(f"{value:.2f}" for value in numbers)))
    return Table(RESPONSES.split("|"), lines).markdown()


def propagated(page, name):
    """Equation (8) beside measured gradients: the network and the columns of the last stage."""
    table = [propagation.HEAD, *propagation.table(rows_of(f"propagation-{name}"))]
    head, *rows = [[row[0], *row[5:]] for row in table]
    return Table(head, rows).markdown()


def speed(page, name):
    """A benchmark's table."""
    rows = rows_of(name)
    titles, cells = SPEED[name]
    lines = [cells.format(**row).split("|") for row in rows]
    peer = f", PyTorch {rows[0]['pytorch']}" if "pytorch" in rows[0] else ""
    origin = f"*{rows[0]['machine']}, {rows[0]['day']}{peer}.*"
    return [*Table(titles.split("|"), lines).markdown(), "", origin]
