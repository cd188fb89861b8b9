"""What the tests share: a small generated set, and train_cifar.py as a user runs it."""
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import training  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
from data import generated
from errors import UserError

ROOT = Path(__file__).resolve().parent.parent
# Small enough for a second: 8 layers, pictures of 8x8.
SMALL = ["--depth", "8", "--image-size", "8", "--batch-size", "20", "--iterations", "40", "--log-every", "5", "--test-every", "10"]


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder with 500 + 100 generated pictures; no batch size but 1, 2, 4, 5, 10, 20, 25, 50 and 100 divides the 100."""
    folder = tmp_path_factory.mktemp("generated")
    generated.write(folder, images=600)
    return folder


def start(*arguments, checkpoint_seconds=60, **options):
    """train_cifar.py in a process of its own."""
    code = (f"import training.loop; training.loop.CHECKPOINT_SECONDS = {checkpoint_seconds}; "
            "import errors, train_cifar; errors.run(train_cifar.main)")
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **options})


@pytest.fixture
def train(images):
    """train("--shortcut", "dropout", ...) -> (exit code, standard output, standard error)"""
    def call(*arguments, **options):
        process = start("--data-dir", images, *SMALL, *arguments, **options)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err
    return call


def refused(result, *words):
    """Whether a command ended as a user's mistake must: exit code 2, one line on standard error, these words in it."""
    code, _, err = result
    lines = err.strip().splitlines()
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), (code, err)
    assert all(word in lines[0] for word in words), (words, lines[0])
    return True


def refusal(call, *mentions):
    """The message of the UserError that call() raises: one line that has all of mentions. It may not take long."""
    began = time.monotonic()
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert message.splitlines() == [message]
    for mention in mentions:
        assert str(mention) in message, message
    assert time.monotonic() - began < 10
    return message
