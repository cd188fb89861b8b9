"""Runs as figures see them: config.json and log.csv of a folder, and where a figure of theirs
belongs.
"""

import json
import os
from collections import Counter, namedtuple
from functools import lru_cache
from pathlib import Path

from common import files
from common.errors import UserError
from symbols import names
from training.log import is_finished, read_log

from . import configuration, experiments, scales, words

Run = namedtuple("Run", "folder config rows")
OWN_RECIPE = "own recipe"


def read(folder):
    """The run in a folder. Raises UserError if there is none, or if its log has no row yet."""
    folder = Path(os.path.relpath(folder))
    config = configuration.read(folder)
    rows = read_log(folder)
    if not rows:
        raise UserError(f"{folder / 'log.csv'} has no whole row yet; {again(config)}")
    with open(folder / "log.csv", errors="replace") as file:
        damaged = sum(1 for line in file if line.strip()) - 1 - len(rows)
    if damaged > 0:
        say_once(
            f"left out: {damaged} damaged row{'s'[:damaged - 1]} of {folder / 'log.csv'};"
            f" {again(config)}"
        )
    return Run(folder, config, rows)


def differences(run, experiment, scale):
    """{option: (the run's, the scale's)} where a run is not what an experiment at a scale asks for."""
    pairs = {"name": (run.config["name"], experiment.network)}
    for option, wanted in experiment.settings(scale).items():
        value = run.config["recipe"].get(option)
        if not (wanted == "fast" and value in ("float32", "bfloat16")):
            pairs[option] = (value, wanted)
    if _began_otherwise(run.config):
        pairs["schedule"] = (
            "that of a shorter run before it went on",
            "has one from beginning to end",
        )
    return {option: pair for option, pair in pairs.items() if pair[0] != pair[1]}


def _began_otherwise(config):
    """Whether a run was taken on to more iterations, of which the first had another learning rate."""
    schedule = {"steps", "warmup_iterations"}
    return any(schedule & change.get("recipe", {}).keys() for change in config.get("continued", []))


def check(run, experiment, scale):
    """Raise UserError if a run does not count for an experiment at a scale: it is of another
    network, or of another recipe."""
    for option, (value, wanted) in differences(run, experiment, scale).items():
        raise UserError(
            f"{run.folder} has {option} {value}, and scale {scale} {wanted}: "
            f"move it away, and {experiment.target(scale)} trains another"
        )


def recipe_of(run):
    """'pocket': the scale whose recipe a run has; 'own recipe' where it has none's."""
    recipe = run.config["recipe"]
    scale = run.config["scale"]
    unit = recipe.get("unit") or names.PAPER_UNIT.get(recipe["depth"])
    if scale not in scales.SCALES or unit is None:
        return OWN_RECIPE
    experiment = experiments.experiment(
        recipe["depth"],
        recipe["activation"],
        recipe["shortcut"],
        run.config["name"].split("-")[0],
        unit,
    )
    # the search holds pictures out, and the network's constants are its own affair
    differing = differences(run, experiment, scale).keys() - {"name", "validation"}
    return OWN_RECIPE if differing else scale


def is_own(run):
    """Whether a run is the user's, not one of the published ones."""
    return files.RESULTS not in Path(run.folder).resolve().parents


def dtype(run):
    """What the network computed in: float32, bfloat16 or float16."""
    return run.config["recipe"]["dtype"]


def folders(experiment, scale):
    """Where its runs are: the published ones, and then a user's own."""
    places = [path / scale / experiment.at(scale).name for path in (files.RESULTS, files.RUNS)]
    return [
        path.parent
        for place in places
        for path in sorted(place.glob("seed*/config.json"), key=_seed)
    ]


def _seed(path):
    return int("0" + "".join(filter(str.isdigit, path.parent.name)))


def of(experiment, scale):
    """The runs of an experiment at a scale, by seed.

    A run of another recipe is left out with a line, and so are those on other
    pictures than most of them."""
    experiment = experiment.at(scale)
    found = []
    for folder in folders(experiment, scale):
        try:
            run = read(folder)
            check(run, experiment, scale)
            for other in found:
                if run.config["recipe"]["seed"] == other.config["recipe"]["seed"]:
                    raise UserError(
                        f"{run.folder} is seed {run.config['recipe']['seed']} once more, as"
                        f" {other.folder} is"
                    )
        except UserError as error:
            say_once(f"left out: {error}")
            continue
        found.append(run)
    data = Counter(run.config["data"] for run in found).most_common(1)
    for run in found:
        if run.config["data"] != data[0][0]:
            say_once(
                f"left out: {run.folder} was trained on {run.config['data']}, not on {data[0][0]}"
            )
    return [run for run in found if run.config["data"] == data[0][0]]


def every_folder(scale=None):
    """Folders with a config.json, published ones and a user's own, or those of one scale."""
    folders = []
    for parent in (files.RESULTS, files.RUNS):
        configs = (parent / scale if scale else parent).rglob("config.json")
        folders += [path.parent for path in sorted(configs)]
    return folders


def every(scale=None):
    """All runs that can be read, published ones and a user's own, or those of one scale."""
    there = []
    for folder in every_folder(scale):
        try:
            there.append(read(folder))
        except UserError as error:
            say_once(f"left out: {error}")
    return there


@lru_cache(None)
def say_once(line):
    """Print a line, but not again for the next figure that meets the same run."""
    print(line)


def again(config):
    """What to type for the rest of a run."""
    return f"this goes on with it: {config.get('command', 'the command that began it')}"


def is_whole(run):
    return is_finished(run.rows, run.config["recipe"]["iterations"])


def last_error(run):
    """The newest test error in %, None before the first."""
    errors = [row["test_error"] for row in run.rows if row["test_error"] is not None]
    return errors[-1] if errors else None


def tested(run):
    """{crop rule: error in %} of a run's last iteration, as score.py left them in its folder."""
    path, last = run.folder / "test.json", int(run.rows[-1]["iteration"])
    try:
        tests = json.loads(path.read_text()) if path.is_file() else {}
        found = {
            rule: float(test["top1"])
            for rule, test in tests.items()
            if test.get("iteration") == last
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        say_once(f"left out: {path} is damaged: delete it, and test the run again by score.py")
        return {}
    for rule in tests.keys() - found.keys():
        say_once(
            f"left out: {path} by rule {rule} is not of the last iteration, {last:,}: test the run"
            " again by score.py"
        )
    return found


def label(run):
    """'110, exclusive gating (init b=-6)': depth, and what differs from the original network."""
    name = f"{run.config['recipe']['depth']}, {words.kind(run.config['recipe'])}"
    return f"{name} (yours)" if run.folder is not None and is_own(run) else name
