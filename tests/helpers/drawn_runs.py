"""Runs with a log of made-up numbers: what the tests of figures draw."""

import json

import pytest

from training.log import COLUMNS

CONFIG = {
    "name": "cifar10-preact20",
    "scale": "pocket",
    "data": "generated shapes",
    "host": {"devices": "CPU x 1", "cores": 2},
    "command": "python train_cifar.py --depth 20",
    "recipe": {
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


@pytest.fixture(name="run")
def logged_run(tmp_path):
    """write(rows, recipe changes) -> a run's folder"""

    def write(rows, **recipe):
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "config.json").write_text(
            json.dumps({**CONFIG, "recipe": {**CONFIG["recipe"], **recipe}})
        )
        lines = [
            ",".join("" if row.get(name) is None else str(row[name]) for name in COLUMNS)
            for row in rows
        ]
        (folder / "log.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
        return folder

    return write


def rows(last, error=30.0, loss=1.0):
    return [
        dict(
            iteration=i,
            epoch=i / 78,
            learning_rate=0.1,
            train_loss=loss * 100 / i,
            train_error=50,
            seconds=i,
            images_per_second=500,
            **({"test_loss": 1, "test_error": error} if i % 200 == 0 else {}),
        )
        for i in range(100, last + 1, 100)
    ]
