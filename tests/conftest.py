"""Shared by the tests: a small generated set, and the scripts as a user runs them."""

import functools
import io
import os
import signal
import sys
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout

import pytest

# Images of 8x8 do not keep a second thread busy, which would wait, for long on a busy machine.
os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS") or "1"  # it can be empty
from cifar_files import records  # noqa: F401 (fixtures: small sets)
from commands import begin
from drawn_runs import logged_run, results  # noqa: F401 (runs with a log of made-up numbers)
from made_runs import two  # noqa: F401 (a run's folder with two checkpoints)
from trees import prepared, source  # noqa: F401 (fixtures for the tests of ImageNet)

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)

import mxnet as mx  # isort: skip
import score
import train_cifar
from common.environment import has_bfloat16, physical_cores
from common.errors import UserError, run_main
from common.files import ROOT  # noqa: F401 (for the tests)
from data import generated
from paper.words import ACTIVATIONS, SHORTCUT_ORDER
from symbols import get_symbol, names
from training.checkpoint import paths
from training.figure import Figure
from training.log import COLUMNS, read_log
from training.run import Run

# A make or a shell that runs the tests must not affect the makes that they run.
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SCALE"):
    os.environ.pop(name, None)
# A shell that runs the tests in the background ignores signals, which processes inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_xdist_auto_num_workers(config):
    """The processes of -n auto: a container can have fewer cores than its host."""
    return physical_cores()


NEEDS_BFLOAT16 = pytest.mark.skipif(
    not has_bfloat16(), reason="this processor has no AVX512-BF16 to multiply in"
)
# A run of a second: 8 layers, images of 8x8.
SMALL = (
    "--depth 8 --image-size 8 --batch-size 20 --iterations 40 --log-every 5 --test-every 10".split()
)


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder with 500 + 100 generated images."""
    folder = tmp_path_factory.mktemp("generated")
    generated.write(folder, images=600)
    return folder


EXACT = COLUMNS[: COLUMNS.index("test_error") + 1]  # speed and time differ from run to run


def start(*arguments, checkpoint_seconds=60, figures=False, file_limit=None, **options):
    """Start train_cifar.py, by default without its figure."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_limit}, -1)); "
    code = (
        f"import training.interrupt as i; i.CHECKPOINT_SECONDS = {checkpoint_seconds}; "
        "import train_cifar; from common import errors; from training.figure import Figure; "
        f"{limit if file_limit else ''}"
        f"{'' if figures else 'Figure.draw = Figure.finish = lambda self: None; '}"
        "errors.run_main(train_cifar.main)"
    )
    return begin(code, *arguments, **options)


def run_here(*arguments, main=train_cifar.main, stop=None):
    """(exit code, standard output, standard error) of a training script in this process, without
    its figure. stop: the iteration after whose row the run receives SIGTERM.
    """
    out, err = io.StringIO(), io.StringIO()
    log = Run.log

    def log_and_stop(self, **row):
        log(self, **row)
        if row["iteration"] == stop:
            signal.raise_signal(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [f"{main.__module__}.py", *map(str, arguments)])
        patch.setattr(Run, "log", log_and_stop)
        for name in ("draw", "finish"):
            patch.setattr(Figure, name, lambda self: None)
        with pytest.raises(SystemExit) as ended:
            run_main(main)
    return ended.value.code, out.getvalue(), err.getvalue()


@pytest.fixture
def train(images):
    """train("--shortcut", "dropout", ...) -> (exit code, standard output, standard error)"""
    return lambda *arguments, **options: run_here(
        "--data-dir", images, *SMALL, *arguments, **options
    )


@pytest.fixture
def resumes_exactly(train, tmp_path):
    """resumes_exactly(*options): a run that is stopped and resumed ends as an uninterrupted one."""

    def check(*options):
        uninterrupted, resumed = tmp_path / "uninterrupted", tmp_path / "resumed"
        for output, stop, expected in (
            (uninterrupted, None, 0),
            (resumed, 20, 143),
            (resumed, None, 0),
        ):
            code, _, err = train(*options, "--output", output, stop=stop)
            assert code == expected, err
        seconds = [row["seconds"] for row in read_log(resumed)]
        assert seconds == sorted(seconds), "the clock starts again when a run is resumed"
        return same(uninterrupted, resumed)

    return check


def trained(folder, images, *arguments):
    """Train a small run on generated images; returns its folder."""
    code, _, err = run_here("--data-dir", images, *SMALL, "--output", folder, *arguments)
    assert code == 0, err
    return folder


@pytest.fixture(scope="session")
def finished(images, tmp_path_factory):
    """The folder of a finished run of dropout8. score.py may add its results; others use copies."""
    return trained(tmp_path_factory.mktemp("finished") / "run", images, "--shortcut", "dropout")


# The paper's variants. Tests of a user's variants check the contract alone.
PAPER = {"shortcuts": SHORTCUT_ORDER, "activations": tuple(ACTIVATIONS)}


@functools.lru_cache(None)
def sound(folder):
    """The variants of symbols/<folder>/ that build a small network.

    An invalid file of a user is left out with a warning; test_graph.py and test_reference.py in
    tests/symbols/ require the paper's.
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


def last_error(folder):
    """The last test error of a run."""
    return read_log(folder)[-1]["test_error"]


def arrays(folder):
    """{name: NumPy array} of the newest checkpoint."""
    loaded = mx.nd.load(str(paths(folder)[-1] / "arrays.params"))
    return {name: array.asnumpy() for name, array in loaded.items()}


def same(left, other):
    """Assert that two finished runs have the same log, parameters, moving averages and momenta, bit
    for bit. Returns True.
    """
    assert rows(left) and len(rows(left)) == len(rows(other)), (len(rows(left)), len(rows(other)))
    for row, counterpart in zip(rows(left), rows(other)):
        assert str(row) == str(counterpart), (row, counterpart)  # as text, because nan is not nan
    first, second = arrays(left), arrays(other)
    assert first.keys() == second.keys()
    assert {name.split(":")[0] for name in first} >= {"arg", "aux0"}
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    return True


def wait_for_row(folder, iteration, process=None):
    """Wait until a run has logged an iteration. process: the run's, if it can be asked."""
    for _ in range(36000):  # half an hour, for a busy machine
        if any(row["iteration"] >= iteration for row in read_log(folder)):
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the run did not write the row")


def typed(monkeypatch, main, *words):
    """The result of a script's main() in this process, with words on its command line."""
    monkeypatch.setattr(sys, "argv", [f"{main.__module__}.py", *map(str, words)])
    return main()


def scored(monkeypatch, *arguments):
    """Run score.py in this process; returns the result of its main()."""
    return typed(monkeypatch, score.main, *arguments)


def refused(result, *words):
    """Assert that a command ended as a user's mistake: exit code 2, and one line with some words.

    result: (exit code, standard output, standard error). Returns True.
    """
    code, _, err = result
    lines = err.strip().splitlines()
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), (code, err)
    assert all(word in lines[0] for word in words), (words, lines[0])
    return True


def refusal(call, *mentions):
    """The message of the UserError that call() raises soon: one line with some words."""
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert message.splitlines() == [message]
    for mention in mentions:
        assert str(mention) in message, message
    assert time.process_time() - began < 10
    return message
