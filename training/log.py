"""log.csv: what a run leaves for the figures. Reading it needs no MXNet."""
import math
from pathlib import Path

COLUMNS = ("iteration", "epoch", "learning_rate", "train_loss", "train_error", "test_loss", "test_error",
           "images_per_second", "seconds")


def read_log(folder):
    """The rows of log.csv as dicts of numbers, None where a column is empty, in the order of their iterations.

    A line that is no whole row (cut off, damaged, or of an iteration that is not beyond the last one's) is left out.
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
            last = rows[-1]["iteration"] if rows else 0
            # a loss may well be no number, but an error is a share of pictures
            sound = all(row[name] is None or math.isfinite(row[name]) for name in ("train_error", "test_error"))
            if sound and len(values) == len(names) and last < row["iteration"] < math.inf and row["train_loss"] is not None:
                rows.append(row)
        except (KeyError, TypeError, ValueError):
            continue
    return rows


def is_finished(rows, iterations):
    """Whether a log is whole: it reached the last iteration, or its training loss stopped being a number."""
    return bool(rows) and rows[-1]["test_error"] is not None and (
        rows[-1]["iteration"] >= iterations or not math.isfinite(rows[-1]["train_loss"]))


def write_number(value):
    """What a number looks like in the log; it survives being read and written again."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.7g}"
