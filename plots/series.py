"""Curves of runs: which runs belong together, their median and band, and their labels."""

import json
import math
from collections import Counter, namedtuple
from dataclasses import fields

import numpy as np

from common.data_names import compared_as
from paper import configuration, counted_runs, run_files
from training.recipe import INTERVALS, Recipe

# label: for the legend. runs: of one network and recipe, with different seeds.
Curve = namedtuple("Curve", "label runs")
# x, median, low, high: arrays of equal length; low and high are the minimum and maximum over seeds.
Series = namedtuple("Series", "x median low high")
# Options in which runs of one curve may differ.
NOT_COMPARED = ("seed", *INTERVALS)
# Options of how a run is computed, in which its seeds may differ, too.
COMPUTED = ("devices", "workers", "micro_batch", "kv_store", "dtype")
# Options that follow from others, or that the label contains anyway.
FOLLOWING = (
    "steps",
    "warmup_iterations",
    "activation",
    "departure",
    "shortcut",
    "shortcut_args",
    "depth",
)
# Options of the recipe that a curve states if the runs of other networks differ in them, too.
STATED = {field.name for field in fields(Recipe)}.difference(NOT_COMPARED, COMPUTED, FOLLOWING)
OPTION_WORDS = {
    "validation": "tested on held-out images",
    "nesterov": "Nesterov momentum",
    "batch_size": "batch",
    "initial": "initial weights",
    "init_fan": "initialization by fan",
}


def group_runs(runs):
    """Return [Curve] of runs, in the order of each curve's first run.

    Seeds of one network and recipe become one curve. A user's own runs stay apart from published
    ones. If a seed occurs twice, runs that are computed in another way are another curve, and a
    repetition is left out.
    """
    groups = {}
    for run in runs:
        groups.setdefault(
            (run_files.is_own(run), _recipe(run, NOT_COMPARED + COMPUTED)), []
        ).append(run)
    parts = {}
    for key, members in groups.items():
        seeds = {run.recipe["seed"] for run in members}
        for run in members:
            exact = _recipe(run, NOT_COMPARED) if len(seeds) < len(members) else ""
            curve = parts.setdefault((*key, exact), {})
            first = curve.setdefault(run.recipe["seed"], run)
            if first is not run:
                run_files.say_once(f"left out: {run.folder} repeats the seed of {first.folder}")
    curves = []
    groups = [list(curve.values()) for curve in parts.values()]
    for members in groups:
        label = ", ".join([run_files.label(members[0]), *_differences(members, groups)])
        curves.append(Curve(label, members))
    labels = Counter(curve.label for curve in curves)
    return [
        curve._replace(label=f"{curve.label} ({curve.runs[0].folder})")
        if labels[curve.label] > 1
        else curve
        for curve in curves
    ]


def _recipe(run, without):
    recipe = {key: value for key, value in run.recipe.items() if key not in without}
    return json.dumps(recipe, sort_keys=True, default=str)


def _differences(members, groups):
    """Return ['learning rate 0.05']: how the runs of a curve differ from those of other curves.

    Runs of the same network are compared in all options, other runs only in the recipe.
    """
    first = members[0]
    recipe = {**first.recipe, "data": first.data}
    runs = [run for group in groups for run in group]
    same = [run for run in runs if run_files.network(run) == run_files.network(first)]
    differing = []
    for key in first.recipe:
        others = runs if key in STATED else same
        is_common = len({_value(run, key) for run in members}) == 1
        if is_common and any(_value(run, key) != _value(first, key) for run in others):
            differing.append(key)
    keys = [key for key in differing if key not in NOT_COMPARED + FOLLOWING] or differing
    return list(filter(None, dict.fromkeys(_words(key, recipe[key]) for key in keys)))


def _value(run, key):
    return json.dumps(run.recipe.get(key), sort_keys=True, default=str)


def _words(option, value):
    """Return 'learning rate 0.05'; empty for an option that is off, and for the default word."""
    name = OPTION_WORDS.get(option, option.replace("_", " "))
    if value is True:
        return name
    if value in (False, None) or option in (*NOT_COMPARED, "dataset"):
        return ""
    if isinstance(value, str):
        return "" if value == configuration.DEFAULTS.get(option) else f"{name} {value}"
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    text = ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
    return f"{name} {text or 'none'}"


def with_images(curves, among):
    """Return curves with their data set in the label unless it is that of most curves of `among`."""
    usual = counted_runs.usual_data([curve.runs[0] for curve in among])
    labelled = []
    for curve in curves:
        data = curve.runs[0].data
        is_named = compared_as(data) == usual or data in curve.label
        labelled.append(curve if is_named else curve._replace(label=f"{curve.label}, {data}"))
    return labelled


def shown(curve):
    """Return the runs whose median a curve shows: the finished ones, or else the longest."""
    finished = [run for run in curve.runs if run_files.is_whole(run)]
    return finished or [max(curve.runs, key=lambda run: run.rows[-1]["iteration"])]


def series(curve, column, by="iteration"):
    """Return the Series of a column of the log, or of train_accuracy or test_accuracy.

    by: the x axis: "iteration", "epoch", or "fraction" of the training. A run that diverged keeps
    its last value to the end of the others.
    """
    tables = []  # {x: y} of each run
    for run in shown(curve):
        divisor = run.recipe["iterations"] if by == "fraction" else 1
        position = "iteration" if by == "fraction" else by
        values = ((row[position] / divisor, cell(row, column)) for row in run.rows)
        table = {x: y for x, y in values if y is not None}
        if table:
            tables.append(table)
    if not tables:
        nothing = np.array([])
        return Series(nothing, nothing, nothing, nothing)
    lasts = [max(table) for table in tables]  # the last x of each run
    longest = [set(table) for table, last in zip(tables, lasts) if last == max(lasts)]
    xs = sorted(set.intersection(*longest))
    rows = [_values(tables, lasts, x) for x in xs]
    median = np.array([_median(row) for row in rows])
    low = np.array([np.fmin.reduce(row) for row in rows])
    high = np.array([np.fmax.reduce(row) for row in rows])
    return Series(np.array(xs), median, low, high)


def _values(tables, lasts, x):
    """Return the value of each run at x; a run that ended at one of lasts keeps its last value."""
    values = [table.get(min(x, last)) for table, last in zip(tables, lasts)]
    return [value for value in values if value is not None]


def _median(values):
    """Return the median, in which the loss of a run that diverged is infinite."""
    return np.median([math.inf if math.isnan(value) else value for value in values])


def cell(row, column):
    """Return a value of a row of the log, or the accuracy in % in place of an error."""
    if not column.endswith("_accuracy"):
        return row[column]
    error = row[column.replace("accuracy", "error")]
    return None if error is None else 100 - error


def legend_label(curve, what="error"):
    """Return a curve's label with the median of its last test errors or accuracies."""
    runs = shown(curve)
    errors = [run_files.last_error(run) for run in runs]
    rest = len(curve.runs) - len(runs)
    if not run_files.is_whole(runs[0]):
        unfinished = f", unfinished, the longest of {1 + rest}" if rest else ", unfinished"
    else:
        unfinished = f", {rest} more unfinished" if rest else ""
    if None in errors:
        return f"{curve.label} (no test yet{unfinished})"
    several = f", median of {len(errors)}" if len(errors) > 1 else ""
    error = np.median(errors)
    result = f"accuracy {100 - error:.2f}" if what == "accuracy" else f"error {error:.2f}"
    return f"{curve.label} ({result} %{several}{unfinished})"


def ends(curves, columns):
    """Return the finite lower and upper ends of the bands of some columns."""
    bands = [series(curve, column) for curve in curves for column in columns]
    values = [value for band in bands for value in (*band.low, *band.high)]
    return [value for value in values if math.isfinite(value)]
