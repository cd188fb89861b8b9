"""Curves of runs: which runs belong together, their median and band, and their labels."""

import json
import math
from collections import namedtuple

import numpy as np

from paper import configuration, run_files

# label: for the legend. runs: of one network and recipe, with different seeds.
Curve = namedtuple("Curve", "label runs")
# x, median, low, high: arrays of equal length; low and high are the minimum and maximum over seeds.
Series = namedtuple("Series", "x median low high")
# Options in which runs of one curve may differ.
FREE = ("seed", "log_every", "test_every", "devices", "micro_batch", "kv_store", "dtype")
# Options that follow from others, or that the label contains anyway.
UNSAID = (*FREE, "steps", "warmup_iterations", "activation", "shortcut", "shortcut_args", "depth")
SAID = {
    "validation": "tested on held-out images",
    "nesterov": "Nesterov momentum",
    "batch_size": "batch",
    "initial": "initial weights",
    "init_fan": "initialisation by fan",
}


def group_runs(runs):
    """[Curve] of runs, in the order of each curve's first run.

    Seeds of one network and recipe become one curve. A user's own runs stay apart from published
    ones.
    """
    groups = {}
    for run in runs:
        groups.setdefault((run_files.is_own(run), _recipe(run)), []).append(run)
    curves = []
    for first, *others in groups.values():
        label = run_files.label(first)
        same = [members[0] for members in groups.values() if run_files.label(members[0]) == label]
        curves.append(Curve(", ".join([label, *_differences(first, same)]), [first, *others]))
    return curves


def _recipe(run):
    recipe = {key: value for key, value in run.config["recipe"].items() if key not in FREE}
    return json.dumps(recipe, sort_keys=True, default=str)


def _differences(run, others):
    """['learning rate 0.05']: in what a run differs from others with the same label."""
    recipe = {**run.config["recipe"], "data": run.config["data"]}
    differing = [
        key
        for key, value in run.config["recipe"].items()
        if any(other.config["recipe"].get(key) != value for other in others)
    ]
    keys = [key for key in differing if key not in UNSAID] or differing
    return list(filter(None, dict.fromkeys(_words(key, recipe[key]) for key in keys)))


def _words(option, value):
    """'learning rate 0.05'; empty for an option that is off, and for a word that is the default."""
    name = SAID.get(option, option.replace("_", " "))
    if value is True:
        return name
    if value in (False, None) or option in FREE or option == "dataset":
        return ""
    if isinstance(value, str):
        return "" if value == configuration.DEFAULTS.get(option) else f"{name} {value}"
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    text = ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
    return f"{name} {text or 'none'}"


def shown(curve):
    """The runs whose median a curve shows: the finished ones, or all if none is finished."""
    return [run for run in curve.runs if run_files.is_whole(run)] or curve.runs


def series(curve, column, by="iteration"):
    """The Series of a column of the log, or of train_accuracy or test_accuracy.

    by: the x axis: "iteration", "epoch", or "fraction" of the training. A run that diverged keeps
    its last value to the end of the others.
    """
    tables = []
    for run in shown(curve):
        unit = run.config["recipe"]["iterations"] if by == "fraction" else 1
        x = "iteration" if by == "fraction" else by
        values = ((row[x] / unit, cell(row, column)) for row in run.rows)
        tables.append({x: y for x, y in values if y is not None})
    tables = list(filter(None, tables))
    last = max(map(max, tables), default=0)
    complete = [set(table) for table in tables if max(table) == last]
    xs = sorted(set.intersection(*complete)) if complete else []
    values = [[_at(table, x) for table in tables] for x in xs]
    values = [[value for value in row if value is not None] for row in values]
    return Series(
        np.array(xs),
        *(np.array([choose(row) for row in values]) for choose in (np.median, np.min, np.max)),
    )


def cell(row, column):
    """A value of a row of the log, or the accuracy in % in place of an error."""
    if not column.endswith("_accuracy"):
        return row[column]
    error = row[column.replace("accuracy", "error")]
    return None if error is None else 100 - error


def _at(table, x):
    """The value at x; the last one beyond the end; None between the values."""
    return table.get(x) if x <= max(table) else table[max(table)]


def legend_label(curve, what="error"):
    """A curve's label with the median of its last test errors or accuracies."""
    runs = shown(curve)
    errors = [run_files.last_error(run) for run in runs if run_files.last_error(run) is not None]
    unfinished = "" if all(map(run_files.is_whole, runs)) else ", unfinished"
    if not errors:
        return f"{curve.label} (no test yet{unfinished})"
    several = f", median of {len(errors)}" if len(errors) > 1 else ""
    error = np.median(errors)
    result = f"accuracy {100 - error:.2f}" if what == "accuracy" else f"error {error:.2f}"
    return f"{curve.label} ({result} %{several}{unfinished})"


def ends(curves, columns):
    """The finite lower and upper ends of the bands of some columns."""
    bands = [series(curve, column) for curve in curves for column in columns]
    values = [value for band in bands for value in (*band.low, *band.high)]
    return [value for value in values if math.isfinite(value)]
