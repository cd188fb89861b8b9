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
    "image_size": "image size",
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
    labels = [run_files.label(members[0]) for members in groups.values()]
    curves = []
    for label, members in zip(labels, groups.values()):
        same = [runs[0] for other, runs in zip(labels, groups.values()) if other == label]
        curves.append(Curve(", ".join([label, *_differences(members[0], same)]), members))
    return curves


def _recipe(run):
    recipe = {key: value for key, value in run.config["recipe"].items() if key not in FREE}
    return json.dumps(recipe, sort_keys=True, default=str)


def _differences(run, others):
    """['learning rate 0.05']: in what a run differs from others with the same label."""
    recipe = run.config["recipe"]
    differing = [
        key
        for key, value in recipe.items()
        if any(other.config["recipe"].get(key) != value for other in others)
    ]
    suffixes = []
    for key in [key for key in differing if key not in UNSAID] or differing:
        value = run.config["data"] if key == "data" else recipe[key]
        suffixes.append(_words(key, value))
    return list(filter(None, dict.fromkeys(suffixes)))


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


def series(curve, column, by="iteration", change=None):
    """The Series of a column of the log.

    by: the x axis: "iteration", "epoch", or "fraction" of the training. change: function of each
    value, for example accuracy(). A run that diverged keeps its last value to the end of the others.
    """
    tables = []
    for run in shown(curve):
        unit = run.config["recipe"]["iterations"] if by == "fraction" else 1
        x = "iteration" if by == "fraction" else by
        table = {row[x] / unit: row[column] for row in run.rows if row[column] is not None}
        tables.append({x: change(y) for x, y in table.items()} if change else table)
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
    value = f"accuracy {accuracy(error):.2f}" if what == "accuracy" else f"error {error:.2f}"
    return f"{curve.label} ({value} %{several}{unfinished})"


def accuracy(error):
    """The accuracy in % for an error in %."""
    return 100 - error


def finite(*arrays):
    """The finite numbers of some arrays as one list."""
    return [value for array in arrays for value in array if math.isfinite(value)]
