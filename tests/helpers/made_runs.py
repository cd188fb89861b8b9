"""Run folders with a log and two checkpoints, without training, for the tests of run folders."""

import contextlib
import resource
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
    "command": "python train_cifar.py",
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
    with Run(tmp_path / "run", CONFIG) as run:
        run.resume()
        for k in (5, 10):
            for i in range(k - 4, k + 1):
                run.log(iteration=i, train_loss=1 / i)
            run.save(numbers(k), {"iteration": k})
    return tmp_path / "run"


def resumed(folder, config=CONFIG):
    """Open a run folder and return (arrays, state) that the run resumes from."""
    with Run(folder, config) as run:
        return run.resume()


def reopened(folder):
    """(arrays as bytes, state) that a run resumes from in a copy of its folder, and the copy."""
    copy = folder.with_name(f"copy-{time.time_ns()}")
    shutil.copytree(folder, copy)
    arrays, state = resumed(copy)
    return {name: array.asnumpy().tobytes() for name, array in arrays.items()}, state, copy


def resumes_from(folder, k):
    """Assert that a copy of a run folder resumes from iteration k; return the copy."""
    arrays, state, copy = reopened(folder)
    assert arrays == {name: array.asnumpy().tobytes() for name, array in numbers(k).items()}
    assert state["iteration"] == k
    assert [row["iteration"] for row in read_log(copy)] == list(range(1, k + 1))
    assert checkpoint.paths(copy)[-1].name == checkpoint.name(k)
    return copy


@contextlib.contextmanager
def full_disk(size):
    """No file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
