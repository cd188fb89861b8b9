"""Blocks of docs/NOTES.md."""

from analysis import departures
from common import files
from paper import run_files
from plots.tables import Table

HEAD = "epochs · 轮数|training accuracy, % · 训练准确率|loss · 损失|test accuracy, % · 测试准确率|loss · 损失|data · 数据"


def run(page):
    """The last epoch of the published run of the reading notes' network."""
    found = run_files.read(files.RESULTS / "full" / "cifar10-notes12" / "seed0")
    last = found.rows[-1]
    cells = (
        f"{last['epoch']:.0f}",
        f"{100 - last['train_error']:.2f}",
        f"{last['train_loss']:.4f}",
        f"{100 - last['test_error']:.2f}",
        f"{last['test_loss']:.4f}",
        found.config["data"],
    )
    return Table(HEAD.split("|"), [cells]).markdown()


def departures_table(page):
    """The old table, which names departures in its first column, with costs in its last."""
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
