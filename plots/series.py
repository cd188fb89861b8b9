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
FREE = ("seed", "log_every", "test_every")
# Options of how a run is computed, in which its seeds may differ, too.
COMPUTED = ("devices", "workers", "micro_batch", "kv_store", "dtype")
# Options that follow from others, or that the label contains anyway.
FOLLOWING = ("steps", "warmup_iterations", "activation", "shortcut", "shortcut_args", "depth")
SAID = {
    "validation": "tested on held-out images",
    "nesterov": "Nesterov momentum",
    "batch_size": "batch",
    "initial": "initial weights",
    "init_fan": "initialisation by fan",
}


def group_runs(runs):
    """Return [Curve] of runs, in the order of each curve's first run.

    Seeds of one network and recipe become one curve. A user's own runs stay apart from published
    ones. If a seed occurs twice, runs that are computed in another way are another curve.
    """
    groups = {}
    for run in runs:
        groups.setdefault((run_files.is_own(run), _recipe(run, FREE + COMPUTED)), []).append(run)
    parts = {}
    for key, members in groups.items():
        seeds = {run.config["recipe"]["seed"] for run in members}
        for run in members:
            exact = _recipe(run, FREE) if len(seeds) < len(members) else ""
            parts.setdefault((*key, exact), []).append(run)
    curves = []
    for members in parts.values():
        network = run_files.network(members[0])
        same = [others for others in parts.values() if run_files.network(others[0]) == network]
        label = ", ".join([run_files.label(members[0]), *_differences(members, same)])
        curves.append(Curve(label, members))
    return curves


def _recipe(run, without):
    recipe = {key: value for key, value in run.config["recipe"].items() if key not in without}
    return json.dumps(recipe, sort_keys=True, default=str)


def _differences(members, groups):
    """Return ['learning rate 0.05']: how the runs of a curve differ from other curves' runs."""
    recipe = {**members[0].config["recipe"], "data": members[0].config["data"]}
    differing = [
        key
        for key in members[0].config["recipe"]
        if len({_value(run, key) for run in members}) == 1
        and any(_value(run, key) != _value(members[0], key) for runs in groups for run in runs)
    ]
    keys = [key for key in differing if key not in FREE + FOLLOWING] or differing
    return list(filter(None, dict.fromkeys(_words(key, recipe[key]) for key in keys)))


def _value(run, key):
    return json.dumps(run.config["recipe"].get(key), sort_keys=True, default=str)


def _words(option, value):
    """Return 'learning rate 0.05'; empty for an option that is off, and for the default word."""
    name = SAID.get(option, option.replace("_", " "))
    if value is True:
        return name
    if value in (False, None) or option in (*FREE, "dataset"):
        return ""
    if isinstance(value, str):
        return "" if value == configuration.DEFAULTS.get(option) else f"{name} {value}"
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    text = ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
    return f"{name} {text or 'none'}"


def with_images(curves, among):
    """Return curves with their data set in the label unless it is that of most curves of `among`."""
    usual = run_files.usual_images([curve.runs[0] for curve in among])
    labelled = []
    for curve in curves:
        images = curve.runs[0].config["data"]
        is_named = images == usual or images in curve.label
        labelled.append(curve if is_named else curve._replace(label=f"{curve.label}, {images}"))
    return labelled


def shown(curve):
    """Return the runs whose median a curve shows: the finished ones, or all if none is finished."""
    return [run for run in curve.runs if run_files.is_whole(run)] or curve.runs


def series(curve, column, by="iteration"):
    """Return the Series of a column of the log, or of train_accuracy or test_accuracy.

    by: the x axis: "iteration", "epoch", or "fraction" of the training. A run that diverged keeps
    its last value to the end of the others; an unfinished one has no values beyond its end.
    """
    columns = []  # (whether a run keeps its last value, {x: y})
    for run in shown(curve):
        unit = run.config["recipe"]["iterations"] if by == "fraction" else 1
        x = "iteration" if by == "fraction" else by
        values = ((row[x] / unit, cell(row, column)) for row in run.rows)
        table = {x: y for x, y in values if y is not None}
        if table:
            columns.append((run_files.is_whole(run), table))
    if not columns:
        return Series(*4 * [np.array([])])
    last = max(max(table) for _, table in columns)
    complete = [set(table) for _, table in columns if max(table) == last]
    xs = sorted(set.intersection(*complete))
    rows = [[_at(table, keeps, x) for keeps, table in columns] for x in xs]
    rows = [[value for value in row if value is not None] for row in rows]
    median = np.array([_median(row) for row in rows])
    low = np.array([np.fmin.reduce(row) for row in rows])
    high = np.array([np.fmax.reduce(row) for row in rows])
    return Series(np.array(xs), median, low, high)


def _median(values):
    """Return the median, in which the loss of a run that diverged is infinite."""
    return np.median([math.inf if math.isnan(value) else value for value in values])


def cell(row, column):
    """Return a value of a row of the log, or the accuracy in % in place of an error."""
    if not column.endswith("_accuracy"):
        return row[column]
    error = row[column.replace("accuracy", "error")]
    return None if error is None else 100 - error


def _at(table, keeps, x):
    """Return the value at x; beyond the end the last one if a run keeps it; otherwise None."""
    return table[max(table)] if keeps and x > max(table) else table.get(x)


def legend_label(curve, what="error"):
    """Return a curve's label with the median of its last test errors or accuracies."""
    runs = shown(curve)
    tested = [run for run in runs if run_files.last_error(run) is not None]
    last = max(map(_last_test, tested), default=0)
    # runs that reach the end of the curve
    ends_here = [run for run in tested if run_files.is_whole(run) or _last_test(run) == last]
    errors = list(map(run_files.last_error, ends_here))
    unfinished = "" if all(map(run_files.is_whole, runs)) else ", unfinished"
    if len(runs) < len(curve.runs):
        unfinished = f", {len(curve.runs) - len(runs)} more unfinished"
    if not errors:
        return f"{curve.label} (no test yet{unfinished})"
    several = f", median of {len(errors)}" if len(errors) > 1 else ""
    error = np.median(errors)
    result = f"accuracy {100 - error:.2f}" if what == "accuracy" else f"error {error:.2f}"
    return f"{curve.label} ({result} %{several}{unfinished})"


def _last_test(run):
    """Return the iteration of a run's last test."""
    return max(row["iteration"] for row in run.rows if row["test_error"] is not None)


def ends(curves, columns):
    """Return the finite lower and upper ends of the bands of some columns."""
    bands = [series(curve, column) for curve in curves for column in columns]
    values = [value for band in bands for value in (*band.low, *band.high)]
    return [value for value in values if math.isfinite(value)]
