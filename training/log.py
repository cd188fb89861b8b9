"""log.csv of a run. Reading it needs no MXNet."""

import math
from pathlib import Path

HEADER = (
    "iteration,epoch,learning_rate,train_loss,train_error,test_loss,test_error,"
    "images_per_second,seconds\n"
)
COLUMNS = tuple(HEADER.strip().split(","))


def read_log(folder):
    """Return the rows of log.csv as dictionaries of numbers; None where a column is empty.

    Iterations increase. Lines that are truncated, corrupt or not in the order of iterations are
    left out.
    """
    path = Path(folder) / "log.csv"
    if not path.is_file():
        return []
    lines = path.read_text("ascii", "replace").split("\n")
    names = lines[0].strip().split(",")
    rows = []
    for line in lines[1:-1]:  # after the last line break: nothing, or an incomplete row
        values = line.strip().split(",")
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
    """Return whether a row can follow the row of iteration `last`."""
    if row["iteration"] is None or not last < row["iteration"] < math.inf:
        return False
    # a loss can be infinite or not a number, an error is a share of images
    errors = (row["train_error"], row["test_error"])
    return row["train_loss"] is not None and all(
        error is None or math.isfinite(error) for error in errors
    )


def is_empty(folder):
    """Return whether log.csv is missing or has no row, so that a run may overwrite it."""
    path = Path(folder) / "log.csv"
    return not path.exists() or path.read_bytes() in (b"", HEADER.encode())


def is_finished(rows, iterations):
    """Return whether a log ends with a test at the last iteration, or has diverged."""
    if not rows or rows[-1]["test_error"] is None:
        return False
    return rows[-1]["iteration"] >= iterations or not math.isfinite(rows[-1]["train_loss"])


def write_number(value):
    """Return a number as log.csv contains it; reading and writing it again changes nothing."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.7g}"
