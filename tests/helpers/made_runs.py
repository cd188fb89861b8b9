"""Runs with a log and two checkpoints, made in a moment: what the tests of a run's folder damage."""

import contextlib
import shutil
import time

import mxnet as mx
import pytest

from training import checkpoint
from training.log import read_log
from training.recipe import Recipe
from training.run import Run

SMALL_RECIPE = Recipe(
    iterations=24, log_every=5, test_every=10, steps=(12,), warmup_iterations=2, batch_size=20
)
RECIPE = {**SMALL_RECIPE.settings(), "steps": [12], "kv_store": "local"}
CONFIG = {
    "recipe": RECIPE,
    "network": "n",
    "data": "d",
    "versions": {"commit": "a"},
    "host": {"cores": 2},
}


def numbers(k):
    """What a checkpoint of a small network might hold."""
    return {
        "arg:w": mx.nd.arange(300) * k,
        "aux0:m": mx.nd.ones((2, 3)) * k,
        "momentum:0": mx.nd.zeros((1,)) + k,
    }


@pytest.fixture
def two(tmp_path):
    """The folder of a run with checkpoints of iterations 5 and 10."""
    with contextlib.closing(Run(tmp_path / "run", CONFIG)) as run:
        run.checkpoint()
        for k in (5, 10):
            for i in range(k - 4, k + 1):
                run.log(iteration=i, train_loss=1 / i)
            run.save(numbers(k), {"iteration": k})
    return tmp_path / "run"


def reopened(folder, config=CONFIG):
    """(arrays as bytes, state) that a run goes on from, in a copy of the folder; and the copy."""
    copy = folder.with_name(f"copy-{time.time_ns()}")
    shutil.copytree(folder, copy)
    with contextlib.closing(Run(copy, config)) as run:
        arrays, state = run.checkpoint()
    return {name: array.asnumpy().tobytes() for name, array in arrays.items()}, state, copy


def goes_on_from(folder, k):
    arrays, state, copy = reopened(folder)
    assert (
        arrays == {name: array.asnumpy().tobytes() for name, array in numbers(k).items()}
        and state["iteration"] == k
    )
    assert [row["iteration"] for row in read_log(copy)] == list(range(1, k + 1))
    assert [path.name for path in checkpoint.found(copy)][-1] == f"checkpoint-{k:07d}"
    return copy
