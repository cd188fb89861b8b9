"""What a curve shows: the median of a network's seeds, and the band of all of them."""

import json
import math
from collections import namedtuple

import numpy as np

from paper import run_files

# label: its words. runs: of one network and recipe, one a seed.
Curve = namedtuple("Curve", "label runs")
# x, median, low, high: arrays of equal length; low and high are the least and the greatest of the
# runs.
Series = namedtuple("Series", "x median low high")
# What runs of one curve may differ in.
FREE = ("seed", "log_every", "test_every", "devices", "micro_batch", "kv_store", "dtype")


def group_runs(runs):
    """[Curve] of runs, in the order of each curve's first run.

    Seeds of one network and recipe become one curve. A user's own runs stay apart from published
    ones.
    """
    groups = {}
    for run in runs:
        groups.setdefault((run_files.is_own(run), _recipe(run)), []).append(run)
    labels = [run_files.label(members[0]) for members in groups.values()]
    named = []
    for label, members in zip(labels, groups.values()):
        if labels.count(label) > 1:
            same = [runs[0] for other, runs in zip(labels, groups.values()) if other == label]
            label += _own_options(members[0], same)
        named.append(Curve(label, members))
    return named


def _recipe(run):
    recipe = {key: value for key, value in run.config["recipe"].items() if key not in FREE}
    return json.dumps(recipe, sort_keys=True, default=str)


def _own_options(run, others):
    """', learning rate 0.05': what tells a run from others of the same network."""
    recipe = run.config["recipe"]
    silent = (*FREE, "data", "steps", "warmup_iterations")
    differing = [
        key
        for key in recipe
        if key not in silent
        and any(other.config["recipe"].get(key) != recipe[key] for other in others)
    ]
    return "".join(f", {key.replace('_', ' ')} {recipe[key]}" for key in differing)


def shown(curve):
    """The runs that a curve is the median of: the finished ones, or all where none is."""
    return [run for run in curve.runs if run_files.is_whole(run)] or curve.runs


def series(curve, column, by="iteration", change=None):
    """The Series of a column of the log over iterations or epochs.

    change: what becomes of each value, for example accuracy().
    A run that diverged keeps its last value to the end of the others.
    """
    tables = []
    for run in shown(curve):
        table = {row[by]: row[column] for row in run.rows if row[column] is not None}
        tables.append({x: change(y) for x, y in table.items()} if change else table)
    last = max((max(table) for table in tables if table), default=0)
    going = [set(table) for table in tables if table and max(table) == last]
    xs = sorted(set.intersection(*going)) if going else []
    values = [[_at(table, x) for table in tables if table] for x in xs]
    values = [[value for value in row if value is not None] for row in values]
    return Series(
        np.array(xs),
        *(np.array([choose(row) for row in values]) for choose in (np.median, np.min, np.max)),
    )


def _at(table, x):
    return table[x] if x in table else table[max(table)] if x > max(table) else None


def legend_label(curve, what="error"):
    """A curve's label with the median of its last test errors, or accuracies, and what it is of."""
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
    """The other side of an error, in %."""
    return 100 - error


def finite(*arrays):
    """The finite numbers of some arrays as one list."""
    return [value for array in arrays for value in array if math.isfinite(value)]
