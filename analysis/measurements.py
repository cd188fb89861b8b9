"""What analysis/ measures: CSV files under results/analysis/, from which the figures are drawn,
again at any time.
"""

import csv
import os

from common import files
from common.errors import UserError


def write(name, rows):
    """Write rows, dicts with the same keys, to results/analysis/<name>.csv, whole or not at all;
    returns its path.
    """
    path = files.RESULTS / "analysis" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with open(partial, "w", newline="") as file:
        lines = csv.DictWriter(file, rows[0], lineterminator="\n")
        lines.writeheader()
        lines.writerows(
            {
                key: f"{value:.6g}" if isinstance(value, float) else value
                for key, value in row.items()
            }
            for row in rows
        )
    os.replace(partial, path)
    print(os.path.relpath(path))
    return path


def read(path):
    """The rows of such a file; what looks like a number is one, and what is empty is None."""
    with open(path, newline="") as file:
        rows = [{key: _value(text) for key, text in row.items()} for row in csv.DictReader(file)]
    if not rows:
        raise UserError(f"{path} has no rows: delete it, and measure again")
    return rows


def joined(names):
    """One name for several, as pocket-cifar10-original56-plain56: what they begin with is said
    once.
    """
    names = list(dict.fromkeys(names))
    start = os.path.commonprefix(names).rfind("-") + 1
    return "-".join([names[0], *(name[start:] for name in names[1:])])


def _value(text):
    try:
        return float(text) if text else None
    except ValueError:
        return text


def grouped(rows, *keys):
    """{values of the keys: rows}, in their order."""
    found = {}
    for row in rows:
        found.setdefault(
            tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]], []
        ).append(row)
    return found
