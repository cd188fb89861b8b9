"""What the tests share: a small generated set, and train_cifar.py as a user runs it."""

import functools
import io
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

# Pictures of 8x8 leave a second thread nothing to do but wait, for ages on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
from cifar_files import records  # noqa: F401 (fixtures: small sets)
from drawn_runs import logged_run, results  # noqa: F401 (runs with a log of made-up numbers)
from made_runs import two  # noqa: F401 (a run's folder with two checkpoints)
from trees import prepared, source  # noqa: F401 (fixtures for the tests of ImageNet)

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)

import mxnet as mx  # isort: skip
import score
import train_cifar
from common.errors import UserError, run_main
from data import generated
from symbols import get_symbol, names
from training.checkpoint import paths
from training.figure import Figure
from training.log import COLUMNS, read_log

# What make says to a make below it; the tests begin makes of their own
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
    os.environ.pop(name, None)
# What starts tests in the background has signals ignored, and processes inherit that; here they are
# sent to some.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
ROOT = Path(__file__).resolve().parent.parent
# Small enough for a second: 8 layers, pictures of 8x8.
SMALL = (
    "--depth 8 --image-size 8 --batch-size 20 --iterations 40 --log-every 5 --test-every 10".split()
)


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder with 500 + 100 generated pictures; no batch size but 1, 2, 4, 5, 10, 20, 25, 50 and
    100 divides the 100.
    """
    folder = tmp_path_factory.mktemp("generated")
    generated.write(folder, images=600)
    return folder


EXACT = COLUMNS[: COLUMNS.index("test_error") + 1]  # speed and time differ from run to run


def sends_itself(number, iteration):
    """Code by which a run sends itself a signal as soon as it has written the row of an iteration:
    on
    no machine, however busy, does the signal come too late."""
    return f"""import os
from training.run import Run
log = Run.log
def log_and_signal(self, **row):
    log(self, **row)
    if row["iteration"] == {iteration}:
        os.kill(os.getpid(), {int(number)})
Run.log = log_and_signal
"""


def start(*arguments, checkpoint_seconds=60, figures=False, file_limit=None, first="", **options):
    """train_cifar.py in a process of its own; its figure costs more than its training, so only who
    looks at it has it drawn. first: code that it runs before."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_limit}, -1)); "
    code = (
        f"{first}import training.loop; training.loop.CHECKPOINT_SECONDS = {checkpoint_seconds}; "
        "import train_cifar; from common import errors; from training.figure import Figure; "
        f"{limit if file_limit else ''}"
        f"{'' if figures else 'Figure.draw = Figure.finish = lambda self: None; '}"
        "errors.run_main(train_cifar.main)"
    )
    return begin(code, *arguments, **options)


def begin(code, *arguments, **environment):
    """Python code in a process of its own, both of its streams as text."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def run_here(*arguments):
    """(exit code, standard output, standard error) of train_cifar.py in this process, without its
    figure.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["train_cifar.py", *map(str, arguments)])
        for name in ("draw", "finish"):
            patch.setattr(Figure, name, lambda self: None)
        with pytest.raises(SystemExit) as ended:
            run_main(train_cifar.main)
    return ended.value.code, out.getvalue(), err.getvalue()


@pytest.fixture
def train(images):
    """train("--shortcut", "dropout", ...) -> (exit code, standard output, standard error)"""
    return lambda *arguments: run_here("--data-dir", images, *SMALL, *arguments)


def trained(folder, images, *arguments):
    """A finished run of some seconds on generated pictures; its folder."""
    code, _, err = run_here("--data-dir", images, *SMALL, "--output", folder, *arguments)
    assert code == 0, err
    return folder


@pytest.fixture(scope="session")
def finished(images, tmp_path_factory):
    """The folder of a run of dropout8 that has ended; whoever changes it copies it."""
    return trained(tmp_path_factory.mktemp("finished") / "run", images, "--shortcut", "dropout")


# The paper's own variants, of which facts are tested; of a user's, what its file promises.
PAPER = {
    "shortcuts": (
        "identity",
        "constant_scaling",
        "plain",
        "exclusive_gating",
        "shortcut_only_gating",
        "convolution",
        "dropout",
    ),
    "activations": (
        "original",
        "bn_after_addition",
        "relu_before_addition",
        "relu_only_preact",
        "preact",
    ),
}


@functools.lru_cache(None)
def sound(folder):
    """The variants of symbols/<folder>/ that a small network can be made of.

    The paper's own must be among them (tests/symbols/test_symbols.py); a user's that is not is said, and
    left out.
    """
    variants = []
    for name in names.variants(folder):
        try:
            get_symbol(8, **{folder[:-1]: name})
        except UserError as error:
            warnings.warn(f"left out of the tests: {error}", stacklevel=1)
            continue
        variants.append(name)
    return variants


def rows(folder):
    """The log without its clock."""
    return [[row[name] for name in EXACT] for row in read_log(folder)]


def arrays(folder):
    """What the newest checkpoint holds, as it is."""
    return {
        name: array.asnumpy()
        for name, array in mx.nd.load(str(paths(folder)[-1] / "arrays.params")).items()
    }


def same(left, other):
    """Whether two finished runs have the same log, and the same parameters, moving averages and
    momenta, bit for bit.
    """
    assert rows(left) and len(rows(left)) == len(rows(other)), (len(rows(left)), len(rows(other)))
    for row, counterpart in zip(rows(left), rows(other)):
        assert str(row) == str(counterpart), (row, counterpart)  # as text, because nan is not nan
    first, second = arrays(left), arrays(other)
    assert first.keys() == second.keys() and {name.split(":")[0] for name in first} >= {
        "arg",
        "aux0",
        "momentum",
    }
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    return True


def wait_for_row(folder, iteration):
    for _ in range(6000):  # in five minutes a busy machine gets there, too
        if any(row["iteration"] >= iteration for row in read_log(folder)):
            return
        time.sleep(0.05)
    raise AssertionError("the run never got there")


def scored(monkeypatch, *arguments):
    """score.py as a user runs it, in this process; what its main() returns."""
    monkeypatch.setattr(sys, "argv", ["score.py", *map(str, arguments)])
    return score.main()


def killed_and_stopped(images, folder, options):
    """Begin a run, kill it, let it go on, stop it, each after a row of its own; the iteration of
    the last row."""
    reached = 0
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 143)):
        process = start(
            "--data-dir", images, *SMALL, *options, "--output", folder, checkpoint_seconds=0.05
        )
        wait_for_row(folder, reached + 10)
        process.send_signal(number)
        process.communicate()
        assert process.returncode == code
        reached = rows(folder)[-1][0]
    return reached


def refused(result, *words):
    """Whether a command ended as a user's mistake must: exit code 2, one line on standard error,
    these words in it.
    """
    code, _, err = result
    lines = err.strip().splitlines()
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), (code, err)
    assert all(word in lines[0] for word in words), (words, lines[0])
    return True


def refusal(call, *mentions):
    """The message of the UserError that call() raises: one line that has all of mentions.

    It may not take long.
    """
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert message.splitlines() == [message]
    for mention in mentions:
        assert str(mention) in message, message
    assert time.process_time() - began < 10
    return message
