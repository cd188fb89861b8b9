"""log.csv: what a run leaves for the figures. Reading it needs no MXNet."""
import csv
import math
from pathlib import Path

COLUMNS = ("iteration", "epoch", "learning_rate", "train_loss", "train_error", "test_loss", "test_error",
           "images_per_second", "seconds")


def read_log(folder):
    """The rows of log.csv as dicts of numbers, None where a column is empty; a row that was cut off is left out."""
    path = Path(folder) / "log.csv"
    if not path.is_file():
        return []
    rows = []
    with open(path, newline="") as file:
        for row in csv.DictReader(line for line in file if line.endswith("\n")):
            try:
                rows.append({name: float(row[name]) if row[name] else None for name in COLUMNS})
            except (KeyError, TypeError, ValueError):
                continue
    return rows


def is_finished(rows, iterations):
    """Whether a log is whole: it reached the last iteration, or its training loss stopped being a number."""
    return bool(rows) and rows[-1]["test_error"] is not None and (
        rows[-1]["iteration"] >= iterations or not math.isfinite(rows[-1]["train_loss"]))


def write_number(value):
    """What a number looks like in the log; it survives being read and written again."""
    return "" if value is None else f"{value:.7g}"
