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


def as_bytes(arrays):
    return {name: array.asnumpy().tobytes() for name, array in arrays.items()}


def written(folder, *iterations, config=CONFIG):
    """The folder of a run with a log, and a checkpoint of each of these iterations."""
    with Run(folder, config) as run:
        run.resume()
        for k in range(1, iterations[-1] + 1):
            run.log(iteration=k, train_loss=1 / k)
            if k in iterations:
                run.save(numbers(k), {"iteration": k})
    return folder


@pytest.fixture
def two(tmp_path):
    """The folder of a run with checkpoints of iterations 5 and 10."""
    return written(tmp_path / "run", 5, 10)


def resumed(folder, config=CONFIG):
    """Open a run folder and return (arrays, state) that the run resumes from."""
    with Run(folder, config) as run:
        return run.resume()


def reopened(folder):
    """(arrays as bytes, state) that a run resumes from in a copy of its folder, and the copy."""
    copy = folder.with_name(f"copy-{time.time_ns()}")
    shutil.copytree(folder, copy)
    arrays, state = resumed(copy)
    return as_bytes(arrays), state, copy


def resumes_from(folder, k):
    """Assert that a copy of a run folder resumes from iteration k; return the copy."""
    arrays, state, copy = reopened(folder)
    assert arrays == as_bytes(numbers(k))
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
