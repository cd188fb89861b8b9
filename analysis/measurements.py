"""CSV files of measurements under results/analysis/, from which the figures are drawn."""

import contextlib
import csv
import hashlib
import io
import os
import re
import sys
from collections import Counter

from common import files
from common.errors import UserError

LONGEST = 150  # characters of a name
COLUMNS = {"label", "machine"}  # every file has one of these columns


def write(name, rows):
    """Write rows, dicts with the same keys, to results/analysis/<name>.csv; returns its path."""
    text = io.StringIO()
    lines = csv.DictWriter(text, rows[0], lineterminator="\n")
    lines.writeheader()
    for row in rows:
        lines.writerow({key: _text(value) for key, value in row.items()})
    path = files.RESULTS / "analysis" / f"{name}.csv"
    files.write_whole(path, text.getvalue())
    return path


def changes(parser, arguments, options):
    """Return '-seed=3': the options that are not the default, for the names of files."""
    values = {option: getattr(arguments, option) for option in options}
    changed = {name: value for name, value in values.items() if value != parser.get_default(name)}
    if "data_dir" in changed:
        changed["data_dir"] = re.sub(r"\W+", "_", changed["data_dir"].resolve().name)
    return "".join(f"-{name}={value}" for name, value in changed.items())


def print_paths(paths):
    """Print paths, and nothing else, on standard output, where the Makefile reads them.

    paths: a generator that measures and yields the paths of the CSV files.
    """
    with contextlib.redirect_stdout(sys.stderr):  # messages about corrupt files
        paths = list(paths)
    print(*map(os.path.relpath, paths), sep="\n")
    return 0


def read(path):
    """Return the rows of such a file, with numbers as floats, and None for empty cells."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                {key: _value(text) for key, text in row.items()} for row in csv.DictReader(file)
            ]
    except (UnicodeDecodeError, csv.Error, TypeError):  # TypeError: a row with too many cells
        rows = []
    if not rows or not COLUMNS & rows[0].keys():
        raise UserError(f"{path} has no rows of a measurement: delete it, and measure again")
    return rows


def joined(names):
    """Return one name for several, their common prefix once: pocket-cifar10-original56-plain56.

    A name that would be too long for a file ends with a hash.
    """
    names = list(dict.fromkeys(names))
    start = os.path.commonprefix(names).rfind("-") + 1
    name = "-".join([names[0], *(name[start:] for name in names[1:])])
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}-{hashlib.sha1(name.encode()).hexdigest()[:6]}"


def grouped(rows, key):
    """Return {value of the key: rows}, in order of appearance."""
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def tell_apart(networks, key):
    """Append the network's name to each label that several networks share.

    networks: lists of rows. key: the column with the name.
    """
    counts = Counter(rows[0]["label"] for rows in networks)
    for rows in networks:
        if counts[rows[0]["label"]] > 1:
            for row in rows:
                row["label"] += f" ({row[key]})"


def _text(value):
    return f"{value:.6g}" if isinstance(value, float) else value


def _value(text):
    try:
        return float(text) if text else None
    except ValueError:
        return text
