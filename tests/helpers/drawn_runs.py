"""Runs with a log of made-up numbers: what the tests of figures and tables draw."""

import json

import pytest

from common import files
from training.log import COLUMNS

CONFIG = {
    "name": "cifar10-preact20",
    "scale": "pocket",
    "data": "test data",
    "host": {"devices": "CPU x 1", "cores": 2, "processor": "a CPU"},
    "command": "python train_cifar.py --depth 20",
    "recipe": {
        "dataset": "cifar10",
        "activation": "preact",
        "shortcut": "identity",
        "shortcut_args": {},
        "depth": 20,
        "iterations": 400,
        "image_size": 16,
        "batch_size": 128,
        "seed": 0,
    },
}


def row(iteration, **values):
    """A row of a log; other columns have made-up numbers, the test columns none."""
    usual = dict(learning_rate=0.1, train_loss=1, train_error=50, images_per_second=500)
    return {
        **usual,
        "epoch": iteration / 78,
        "seconds": iteration,
        "iteration": iteration,
        **values,
    }


def rows(last, error=30.0, loss=1.0):
    """The rows of a log up to an iteration, with a test every 200 iterations."""
    return [
        row(
            i,
            train_loss=loss * 100 / i,
            test_loss=None if i % 200 else 1,
            test_error=None if i % 200 else error,
        )
        for i in range(100, last + 1, 100)
    ]


def write(folder, lines, recipe, **config):
    """Write the config.json and log.csv of a run. Returns its folder."""
    folder.mkdir(parents=True)
    config = {**CONFIG, **config, "recipe": {**CONFIG["recipe"], **recipe}}
    (folder / "config.json").write_text(json.dumps(config))
    cells = [
        ["" if line.get(name) is None else str(line[name]) for name in COLUMNS] for line in lines
    ]
    (folder / "log.csv").write_text("\n".join(map(",".join, [COLUMNS, *cells])) + "\n")
    return folder


@pytest.fixture(name="run")
def logged_run(tmp_path):
    """run(rows, **recipe): a run's folder."""

    def call(lines, **recipe):
        return write(tmp_path / f"run{len(list(tmp_path.iterdir()))}", lines, recipe)

    return call


@pytest.fixture
def results(tmp_path, monkeypatch):
    """results(experiment, errors): writes a finished run for each error; figures go to a folder of
    the test. rows: [(iteration, training loss, test error)]. data: name of the images. changes: of
    the recipe.
    """
    for place in ("RESULTS", "RUNS", "FIGURES"):
        monkeypatch.setattr(files, place, tmp_path / place.lower())

    def call(experiment, errors, scale="pocket", rows=None, data="test data", **changes):
        experiment = experiment.at(scale)
        recipe = {**experiment.settings(scale), "shortcut_args": experiment.constants, **changes}
        for name in ("dataset", "activation", "shortcut", "depth"):
            recipe[name] = getattr(experiment, name)
        if recipe["dtype"] == "fast":
            recipe["dtype"] = "float32"
        last = recipe["iterations"]
        for seed, error in enumerate(errors):
            values = rows or [(last // 2, 1.0, error + 5), (last, 0.5, error)]
            tested = [row(i, train_loss=a, test_loss=a, test_error=b) for i, a, b in values]
            folder = files.RESULTS / scale / experiment.folder_name / f"seed{seed}"
            names = {"name": experiment.run_name, "scale": scale, "data": data}
            write(folder, tested, {**recipe, "seed": seed}, **names)

    return call
