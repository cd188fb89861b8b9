"""Which runs count for an experiment or a row of a table, and which rows can be compared."""

import math
from collections import Counter, namedtuple

from common import files
from common.data_names import compared_as
from common.errors import UserError
from symbols import names

from . import experiments, run_files, scales
from .experiment import Experiment

OWN_RECIPE = "own recipe"
TYPES = ("float32", "bfloat16")  # both count: docs/RESULTS.md, bfloat16


def differences(run, experiment, scale):
    """Return {option: (of the run, of the experiment at the scale)} where they differ."""
    pairs = {"name": (run.config["name"], experiment.run_name)}
    for option, expected in experiment.settings(scale).items():
        value = run.recipe.get(option)
        if not (option == "dtype" and value in TYPES):
            pairs[option] = (value, expected)
    for change in run.config.get("continued", []):
        # the first iterations of an extended run may have had another learning rate
        if {"steps", "warmup_iterations"} & change.get("recipe", {}).keys():
            pairs["schedule"] = ("that changed when it was extended", "one from start to end")
    return {option: pair for option, pair in pairs.items() if pair[0] != pair[1]}


def check(run, experiment, scale):
    """Raise UserError if a run is of another network or recipe than an experiment at a scale."""
    differing = differences(run, experiment, scale)
    if differing:
        option, (value, expected) = next(iter(differing.items()))
        raise UserError(
            f"{run.folder} has {option} {value}, scale {scale} has {expected}: move it away; "
            f"{experiment.target(scale)} trains another"
        )


def scale_of(run):
    """Return 'pocket': the scale whose recipe a run has; 'own recipe' if no scale has it."""
    recipe = run.recipe
    scale = run.config["scale"]
    unit = recipe.get("unit") or names.PAPER_UNIT.get(recipe["depth"])
    if scale not in scales.SCALES or unit is None:
        return OWN_RECIPE
    network = [recipe[part] for part in ("dataset", "activation", "shortcut", "depth")]
    experiment = Experiment(*network, unit, {}, {})
    # constants of the network and the search on held-out images do not change the recipe
    differing = differences(run, experiment, scale).keys() - {"name", "validation"}
    return OWN_RECIPE if differing else scale


def folders(folder_name, scale):
    """Return the folders of a network's runs at a scale: the published ones, then a user's own."""
    pattern = str(files.run_place(scale, folder_name, "*") / "config.json")
    return [
        path.parent for place in (files.RESULTS, files.RUNS) for path in sorted(place.glob(pattern))
    ]


def of(experiment, scale):
    """Return [RunRecord] of an experiment at a scale, all on the same images.

    If runs differ in their images, the most frequent images are used. The user's finished runs
    decide; without any, all finished runs; without any, all runs. Runs on other images, runs of
    another recipe, and seeds that occur twice are reported and left out; of two runs with one seed,
    the user's finished one counts.
    """
    experiment = experiment.at(scale)
    candidates = []
    for folder in folders(experiment.folder_name, scale):
        try:
            run = run_files.read(folder)
            check(run, experiment, scale)
            candidates.append(run)
        except UserError as error:
            run_files.say_once(f"left out: {error}")
    finished = list(filter(run_files.is_whole, candidates))
    own = list(filter(run_files.is_own, finished))
    usual = usual_data(own or finished or candidates)
    runs = {}
    # the user's finished runs come first
    for run in [*own, *(run for run in candidates if run not in own)]:
        seed = run.recipe["seed"]
        if compared_as(run.data) != usual:
            run_files.say_once(f"left out: {run.folder} was trained on {run.data}, not on {usual}")
        elif seed in runs:
            run_files.say_once(
                f"left out: {run.folder} has the same seed {seed} as {runs[seed].folder}"
            )
        else:
            runs[seed] = run
    return list(runs.values())


def usual_data(runs):
    """Return the name, as compared, of the data set of most runs; None without runs."""
    counts = Counter(compared_as(run.data) for run in runs)
    return max(sorted(counts), key=counts.get, default=None)


class Results(namedtuple("Results", "errors runs unfinished unscored")):
    """Our runs of a row.

    errors: last iterate of each finished run, in %. runs: these runs. unfinished: number of others.
    unscored: folders of finished runs without the test by score.py that the row needs.
    """

    @property
    def data(self):
        """The names of the data sets; empty without finished runs."""
        return ", ".join(sorted({run.data for run in self.runs}))


def results_of(experiment, scale, crop=None):
    """Return the finished runs of an experiment. crop: take the error of this rule of score.py."""
    runs = of(experiment, scale)
    finished = list(filter(run_files.is_whole, runs))
    unfinished = len(runs) - len(finished)
    unscored = []
    if crop:
        tests = [(run, run_files.tested(run, crop)) for run in finished]
        unscored = [run.folder for run, error in tests if error is None]
        finished = [run for run, error in tests if error is not None]
        errors = [error for _, error in tests if error is not None]
    else:
        errors = list(map(run_files.last_error, finished))
    return Results(errors, finished, unfinished, unscored)


def number(error):
    """Return an error for sorting. The paper's "fail" rows are tied at the end."""
    return math.inf if error == experiments.FAIL else error


def finished_rows(rows, scale):
    """Return [(row, Results)] of the rows with a finished run, each network once, sorted by the
    paper's error.

    Rows that the paper calls failures are last, in the order of the table.
    """
    pairs = {}
    for row in rows:
        results = results_of(row.experiment, scale, row.crop)
        if results.errors:
            pairs.setdefault((row.experiment.at(scale).folder_name, row.crop), (row, results))
    return sorted(pairs.values(), key=lambda pair: number(pair[0].paper))


def comparable_rows(rows, scale):
    """Return the finished_rows that were trained on the same images."""
    return comparable(finished_rows(rows, scale))


def comparable(pairs):
    """Return the pairs whose runs used the most frequent images of their data set.

    pairs: [(anything, Results with runs)]. Other pairs are reported and left out.
    """
    groups = {}
    for _, results in pairs:
        first = results.runs[0]
        groups.setdefault(first.recipe["dataset"], []).append(first)
    usual = {dataset: usual_data(group) for dataset, group in groups.items()}
    kept = []
    for subject, results in pairs:
        first = results.runs[0]
        data = usual[first.recipe["dataset"]]
        if compared_as(first.data) == data:
            kept.append((subject, results))
        else:
            run_files.say_once(
                f"left out: {first.folder} was trained on {results.data}, and the networks compared "
                f"here on {data}"
            )
    return kept
