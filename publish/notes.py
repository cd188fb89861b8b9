"""Blocks of docs/NOTES.md."""

from analysis import departures
from common import files
from paper import run_files
from plots.tables import Table


def run(page):
    """The published run of the reading notes' network, epoch by epoch."""
    found = run_files.read(files.RESULTS / "full" / "cifar10-notes12" / "seed0")
    lines = [
        (
            f"{row['epoch']:.0f}",
            f"{100 - row['train_error']:.2f}",
            f"{row['train_loss']:.4f}",
            f"{100 - row['test_error']:.2f}",
            f"{row['test_loss']:.4f}",
        )
        for row in found.rows
        if row["test_error"] is not None
    ]
    head = (
        "epoch · 轮",
        "training accuracy, % · 训练准确率",
        "loss · 损失",
        "test accuracy, % · 测试准确率",
        "loss · 损失",
    )
    seed = found.config["recipe"]["seed"]
    return [*Table(head, lines).markdown(), "", f"*{found.config['data']}, seed {seed}.*"]


def departures_table(page):
    """The old table with the last column computed: test error less that without a departure.

    The first column names the departure.
    """
    base = departure_error(departures.NONE)
    lines = page.lines[:2]
    for line in page.lines[2:]:
        *cells, _ = [cell.strip() for cell in line.strip("|").split("|")]
        error = departure_error(cells[0].strip("`"))
        cost = "" if error is None else f"{error - base:+.2f}"
        lines.append("| " + " | ".join([*cells, cost]) + " |")
    return lines


def departure_error(name):
    """Test error, in %, of preact20 with a departure at pocket scale, seed 0. None without a run."""
    folder = files.RESULTS / "pocket" / departures.run_name(name) / "seed0"
    return run_files.last_error(run_files.read(folder)) if folder.exists() else None
