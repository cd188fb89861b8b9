"""log.csv: what a run leaves for the figures. Reading it needs no MXNet."""

import math
from pathlib import Path

COLUMNS = (
    "iteration",
    "epoch",
    "learning_rate",
    "train_loss",
    "train_error",
    "test_loss",
    "test_error",
    "images_per_second",
    "seconds",
)
HEADER = ",".join(COLUMNS) + "\n"


def read_log(folder):
    """The rows of log.csv as dicts of numbers, None where a column is empty, in the order of their
    iterations.

    A line that is no whole row (cut off, damaged, or of an iteration that is not beyond the last
    one's) is left out.
    """
    path = Path(folder) / "log.csv"
    if not path.is_file():
        return []
    first, *lines = path.read_bytes().split(b"\n")
    names = first.decode("ascii", "replace").strip().split(",")
    rows = []
    for line in lines[:-1]:  # what has no end yet is still being written, or was cut off
        values = line.decode("ascii", "replace").strip().split(",")
        try:
            row = dict(zip(names, values))
            row = {name: float(row[name]) if row[name] else None for name in COLUMNS}
        except (KeyError, ValueError):
            continue
        last = rows[-1]["iteration"] if rows else 0
        if len(values) == len(names) and _is_sound(row, last):
            rows.append(row)
    return rows


def _is_sound(row, last):
    """Whether a row can be one that follows an iteration, the last one before it."""
    if row["iteration"] is None or not last < row["iteration"] < math.inf:
        return False
    if row["train_loss"] is None:
        return False
    # a loss may well be no number, but an error is a share of pictures
    errors = (row["train_error"], row["test_error"])
    return all(error is None or math.isfinite(error) for error in errors)


def is_empty(folder):
    """Whether there is no log.csv, or nothing but its header in it: what a run may write over."""
    path = Path(folder) / "log.csv"
    return not path.exists() or path.read_bytes() in (b"", HEADER.encode())


def is_finished(rows, iterations):
    """Whether a log is whole: it reached the last iteration, or its training loss stopped being a
    number."""
    if not rows or rows[-1]["test_error"] is None:
        return False
    return rows[-1]["iteration"] >= iterations or not math.isfinite(rows[-1]["train_loss"])


def write_number(value):
    """What a number looks like in the log; it survives being read and written again."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.7g}"
