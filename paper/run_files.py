"""Runs as tables and figures read them: config.json, log.csv and test.json."""

import glob
import json
import os
import re
from collections import namedtuple
from functools import lru_cache
from pathlib import Path

from common import data_names, files
from common.errors import UserError
from symbols import names
from training.log import is_finished, read_log

from . import configuration, words


class RunRecord(namedtuple("RunRecord", "folder config rows")):
    """A run folder: its relative path, config.json with a complete recipe, the rows of log.csv."""

    @property
    def recipe(self):
        """{option: value} of the network and its training."""
        return self.config["recipe"]

    @property
    def data(self):
        """The name of the images."""
        return self.config["data"]

    def is_trained_on(self, images):
        """Return whether the run has these images. images: has a name and a fingerprint."""
        is_same = self.recipe.get("data") == images.fingerprint
        return is_same or data_names.is_known_and_same(self.data, images.name)


def read(folder):
    """Return the RunRecord of a folder. Raises UserError without a run or a row of its log."""
    folder = Path(os.path.relpath(folder))
    config = configuration.read(folder)
    path = folder / "log.csv"
    # the lines first: a run that is training adds rows in between
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    rows = read_log(folder)
    if not rows:
        raise UserError(f"{path} has no complete row yet; {again(config)}")
    corrupt = len(list(filter(str.strip, lines))) - 1 - len(rows)
    if corrupt > 0:
        count = f"{corrupt} corrupt row{'s' if corrupt > 1 else ''}"
        say_once(f"left out: {count} of {path}; {again(config)}")
    return RunRecord(folder, config, rows)


def is_own(run):
    """Return whether a run is a user's, not a published one."""
    return files.RESULTS not in Path(run.folder).resolve().parents


def every():
    """Return all runs: published ones, then a user's own. Bad ones are reported and left out."""
    runs = []
    for place in (files.RESULTS, files.RUNS):
        pattern = f"{glob.escape(str(place))}/**/config.json"  # rglob follows no links
        for path in sorted(map(Path, glob.glob(pattern, recursive=True))):
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
    return is_finished(run.rows, run.recipe["iterations"])


def last_error(run):
    """Return the last test error in %; None before the first test."""
    errors = [row["test_error"] for row in run.rows if row["test_error"] is not None]
    return errors[-1] if errors else None


def tested(run, rule):
    """Return the error in % of a run's last iteration by a crop rule, from the test.json of score.py.

    None without such a test.
    """
    path = run.folder / "test.json"
    last = int(run.rows[-1]["iteration"])
    try:
        test = json.loads(path.read_text()).get(rule) if path.is_file() else None
        if test is None:
            return None
        error = float(test["top1"])
        if test.get("iteration") == last:
            return error
        reason = f"by rule {rule} is not of the last iteration, {last:,}"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "is corrupt: delete it"
    say_once(f"left out: {path} {reason}: test the run again with score.py")
    return None


def check_output(folder, run):
    """Raise UserError for a folder of results that is a file, a checkpoint, or another run's."""
    if not folder:
        return
    if folder.is_file():
        raise UserError(f"--output {folder} is a file: name a folder (make: OUTPUT=)")
    if (folder / "state.json").is_file():
        raise UserError(
            f"{folder} is a checkpoint, which the next one replaces: name another folder by --output "
            "(make: OUTPUT=)"
        )
    is_own = run and folder.resolve() == run.resolve()
    if (folder / "config.json").exists() and not is_own:
        raise UserError(f"--output {folder} is another run: name another folder (make: OUTPUT=)")


def check_tests(folder, keys, weights, dataset):
    """Raise UserError if a folder has a test of other weights, or on other images.

    folder: as a user named it, or None. The tests in a run's own folder have keys that differ.
    """
    is_own = folder and weights.run and folder.resolve() == weights.run.resolve()
    if is_own or not folder or not (folder / "test.json").exists():
        return
    tests = _tests(folder / "test.json")
    for test in (tests[key] for key in keys if key in tests):
        if (test.get("of"), test.get("data")) != (weights.name, dataset.name):
            raise UserError(
                f"{folder} has a test of {test.get('of')} on {test.get('data')}: name another "
                "folder by --output (make: OUTPUT=)"
            )


def _tests(path):
    """Return the content of a test.json; empty if it is corrupt."""
    try:
        return {key: {**test} for key, test in json.loads(path.read_text()).items()}
    except (ValueError, TypeError, AttributeError):
        print(f"{path} was corrupt: it is replaced, and earlier tests are lost")
        return {}


def add_tests(path, results):
    """Add results to the test.json of a run, to which another process may add its own."""
    with files.locked(path.parent):
        before = _tests(path) if path.exists() else {}
        files.write_whole(path, json.dumps({**before, **results}, indent=2) + "\n")


def machine(run):
    """Return 'AMD EPYC (threads: 2)'; for two contexts 'AMD EPYC (devices: 2, threads: 1 each)'.

    A run that was continued on another machine has both.
    """
    later = [change["host"] for change in run.config.get("continued", []) if "host" in change]
    return ", ".join(dict.fromkeys(map(_machine, [run.config["host"], *later])))


def _machine(host):
    processor = re.sub(r"\(R\)|,.*| Processor", "", host["processor"])
    kind, _, devices = host["devices"].partition(" x ")
    name = processor if kind == "CPU" else host["devices"]
    threads = f"threads: {host.get('OMP_NUM_THREADS') or host['cores']}"
    if kind == "CPU" and devices != "1":
        threads = f"devices: {devices}, {threads} each"
    return f"{name} ({threads})"


def network(run):
    """Return '110, exclusive gating (init b=-6)': depth, and what is not original."""
    recipe = run.recipe
    parts = [str(recipe["depth"]), words.kind(recipe)]
    unit = recipe.get("unit")  # the notes' network has no kind of unit, and always other widths
    if unit and recipe["dataset"] != "imagenet" and unit != names.implied_unit(recipe["depth"]):
        parts.append(f"{unit.replace('_', ' ')} units")
    if unit and recipe.get("widths"):
        parts.append(f"widths {str(recipe['widths']).strip('[]')}")
    return ", ".join(parts)


def label(run):
    """Return the network of a run, and '(yours)' for a user's own run."""
    return f"{network(run)} (yours)" if is_own(run) else network(run)
