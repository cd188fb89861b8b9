"""Runs as tables and figures read them: config.json and log.csv, and which experiment they count for."""

import json
import os
import re
from collections import Counter, namedtuple
from functools import lru_cache
from pathlib import Path

from common import files
from common.errors import UserError
from symbols import names
from training.log import is_finished, read_log

from . import configuration, experiments, scales, words

# folder: relative path. config: of config.json, with a complete recipe. rows: of log.csv.
Run = namedtuple("Run", "folder config rows")
OWN_RECIPE = "own recipe"


def read(folder):
    """Return the Run in a folder. Raises UserError without a run, and if its log has no row yet."""
    folder = Path(os.path.relpath(folder))
    config = configuration.read(folder)
    rows = read_log(folder)
    path = folder / "log.csv"
    if not rows:
        raise UserError(f"{path} has no complete row yet; {again(config)}")
    lines = path.read_text(errors="replace").splitlines()
    corrupt = len(list(filter(str.strip, lines))) - 1 - len(rows)
    if corrupt > 0:
        count = f"{corrupt} corrupt row{'s' if corrupt > 1 else ''}"
        say_once(f"left out: {count} of {path}; {again(config)}")
    return Run(folder, config, rows)


def differences(run, experiment, scale):
    """Return {option: (of the run, of the experiment at the scale)} where they differ."""
    pairs = {"name": (run.config["name"], experiment.network)}
    for option, expected in experiment.settings(scale).items():
        value = run.config["recipe"].get(option)
        if not (expected == "fast" and value in ("float32", "bfloat16")):
            pairs[option] = (value, expected)
    for change in run.config.get("continued", []):
        # the first iterations of an extended run may have had another learning rate
        if {"steps", "warmup_iterations"} & change.get("recipe", {}).keys():
            pairs["schedule"] = ("changed when it was extended", "one from beginning to end")
    return {option: pair for option, pair in pairs.items() if pair[0] != pair[1]}


def check(run, experiment, scale):
    """Raise UserError if a run is of another network or recipe than an experiment at a scale."""
    for option, (value, expected) in differences(run, experiment, scale).items():
        raise UserError(
            f"{run.folder} has {option} {value}, scale {scale} has {expected}: move it away; "
            f"{experiment.target(scale)} trains another"
        )


def recipe_of(run):
    """Return 'pocket': the scale whose recipe a run has; 'own recipe' if no scale has it."""
    recipe = run.config["recipe"]
    scale = run.config["scale"]
    unit = recipe.get("unit") or names.PAPER_UNIT.get(recipe["depth"])
    if scale not in scales.SCALES or unit is None:
        return OWN_RECIPE
    network = (recipe["depth"], recipe["activation"], recipe["shortcut"])
    experiment = experiments.experiment(*network, run.config["name"].split("-")[0], unit)
    # constants of the network and the search on held-out images do not change the recipe
    differing = differences(run, experiment, scale).keys() - {"name", "validation"}
    return OWN_RECIPE if differing else scale


def is_own(run):
    """Return whether a run is a user's, not a published one."""
    return files.RESULTS not in Path(run.folder).resolve().parents


def folders(name, scale):
    """Return the folders of a name's runs at a scale: the published ones, then a user's own."""
    pattern = str(files.run_place(scale, name, "*") / "config.json")
    return [
        path.parent for place in (files.RESULTS, files.RUNS) for path in sorted(place.glob(pattern))
    ]


def of(experiment, scale):
    """Return [Run] of an experiment at a scale, all on the same images.

    If runs differ in their images, the most frequent images are used. The user's finished runs
    decide; without any, all finished runs; without any, all runs. Runs on other images, runs of
    another recipe, and seeds that occur twice are reported and left out.
    """
    experiment = experiment.at(scale)
    candidates = []
    for folder in folders(experiment.name, scale):
        try:
            run = read(folder)
            check(run, experiment, scale)
            candidates.append(run)
        except UserError as error:
            say_once(f"left out: {error}")
    finished = list(filter(is_whole, candidates))
    usual = usual_images(list(filter(is_own, finished)) or finished or candidates)
    runs = {}
    for run in candidates:
        seed = run.config["recipe"]["seed"]
        data = run.config["data"]
        if data != usual:
            say_once(f"left out: {run.folder} was trained on {data}, not on {usual}")
        elif seed in runs:
            say_once(f"left out: {run.folder} has the same seed {seed} as {runs[seed].folder}")
        else:
            runs[seed] = run
    return list(runs.values())


def usual_images(runs):
    """Return the name of the data set of most runs; None without runs."""
    counts = Counter(run.config["data"] for run in runs)
    return max(sorted(counts), key=counts.get, default=None)


def every():
    """Return all runs: published ones, then a user's own. Bad ones are reported and left out."""
    runs = []
    for place in (files.RESULTS, files.RUNS):
        for path in sorted(place.rglob("config.json")):
            try:
                runs.append(read(path.parent))
            except UserError as error:
                say_once(f"left out: {error}")
    return runs


@lru_cache(None)
def say_once(line):
    """Print a line, but not again for the next figure with the same run."""
    print(line)


def again(config):
    """Return the command that resumes a run."""
    return f"to resume: {config['command']}"


def is_whole(run):
    """Return whether a run is finished."""
    return is_finished(run.rows, run.config["recipe"]["iterations"])


def last_error(run):
    """Return the last test error in %; None before the first test."""
    errors = [row["test_error"] for row in run.rows if row["test_error"] is not None]
    return errors[-1] if errors else None


def tested(run):
    """Return {crop rule: error in %} of a run's last iteration, from the test.json of score.py."""
    path = run.folder / "test.json"
    last = int(run.rows[-1]["iteration"])
    errors = {}
    try:
        tests = json.loads(path.read_text()) if path.is_file() else {}
        for rule, test in tests.items():
            error = float(test["top1"])
            if test.get("iteration") == last:
                errors[rule] = error
            else:
                say_once(
                    f"left out: {path} by rule {rule} is not of the last iteration, {last:,}: test "
                    "the run again with score.py"
                )
    except (ValueError, KeyError, TypeError, AttributeError):
        say_once(f"left out: {path} is corrupt: delete it and test the run again with score.py")
        return {}
    return errors


def add_tests(path, results):
    """Add results to the test.json of a run."""
    try:
        before = {**json.loads(path.read_text())} if path.exists() else {}
    except (ValueError, TypeError):
        print(f"{path} was corrupt: it has only these tests now")
        before = {}
    files.write_whole(path, json.dumps({**before, **results}, indent=2) + "\n")


def machine(run):
    """Return 'AMD EPYC (threads: 2)'; for two contexts 'AMD EPYC (devices: 2, threads: 1 each)'."""
    host = run.config["host"]
    processor = re.sub(r"\(R\)|,.*| Processor", "", host["processor"])
    kind, _, devices = host["devices"].partition(" x ")
    name = processor if kind == "CPU" else host["devices"]
    threads = f"threads: {host.get('OMP_NUM_THREADS') or host['cores']}"
    if kind == "CPU" and devices != "1":
        threads = f"devices: {devices}, {threads} each"
    return f"{name} ({threads})"


def network(run):
    """Return '110, exclusive gating (init b=-6)': depth, and what is not original."""
    return f"{run.config['recipe']['depth']}, {words.kind(run.config['recipe'])}"


def label(run):
    """Return the network of a run, and '(yours)' for a user's own run."""
    return f"{network(run)} (yours)" if is_own(run) else network(run)
