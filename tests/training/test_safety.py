"""Whatever interrupts a run, it resumes and ends as an uninterrupted run does.

make fuzz and make torture test more; the last test is a short form of make torture.
"""

import math
import os
import shutil
import signal
from dataclasses import replace
from types import SimpleNamespace

import mxnet as mx
import pytest
import torture
from cifar_options import read_options
from conftest import SMALL, arrays, refusal, rows, run_here, same, typed
from made_runs import CONFIG, RECIPE, SMALL_RECIPE, resumed

import train_cifar
import train_notes
from analysis import departures
from common.environment import be_deterministic
from common.errors import UserError
from data import batches, cifar
from symbols import get_symbol
from training import checkpoint, interrupt
from training.interrupt import Interruptions, Stopped, duration
from training.log import read_log, write_number
from training.loop import Training, train
from training.run import Run
from training.workers import Workers

DROPOUT = get_symbol(8, shortcut="dropout")


@pytest.fixture(scope="module")
def set_(images):
    return cifar.load("cifar10", images, 8)


class EvaluationSet(mx.io.NDArrayIter):
    """The test set; calls back before its batch number `at`, counted over all tests."""

    count, at, call = 0, 0, None

    def next(self):
        self.count += 1
        if self.count == self.at:
            self.call()
        return super().next()


class TrainingSet(batches.TrainingBatches):
    """The training set; calls back before training batch number `at`."""

    at, call = 0, None

    def stream(self, first, last):
        for i, batch in enumerate(super().stream(first, last), first):
            if i == self.at:
                self.call()
            yield batch


def train_in(
    folder,
    set_,
    test=(0, None),
    batch=(0, None),
    recipe=None,
    symbol=DROPOUT,
    devices=1,
    keep_going=False,
    deadline=math.inf,
):
    """Train in this process, and return the exit code. test, batch: (number, what to call)."""
    mean = batches.mean_of(set_.train_images, "mean")
    recipe = replace(SMALL_RECIPE, **(recipe or {}))
    tests = EvaluationSet(set_.test_images - mean, set_.test_labels.astype("float32"), 30)
    images = TrainingSet(set_.train_images, set_.train_labels, mean, recipe.batch_size, recipe.seed)
    (tests.at, tests.call), (images.at, images.call) = test, batch
    config = {**CONFIG, "recipe": {**RECIPE, **recipe.settings()}}
    contexts = [mx.cpu(k) for k in range(devices)]
    with Run(folder, config, keep_going) as run:
        saved = run.resume()
        if run.finished:
            return 0
        job = SimpleNamespace(recipe=recipe, symbol=symbol)
        training = Training(job, run, saved, (images, tests), contexts, Workers("local"))
        return train(training, deadline)


@pytest.fixture
def trains(set_, tmp_path):
    """trains("name", test=(6, call), batch=(17, call), recipe={...}, symbol, devices) -> code"""
    return lambda name, **options: train_in(tmp_path / name, set_, **options)


@pytest.fixture(scope="module")
def whole(set_, tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train_in(folder, set_) == 0
    return folder


def signal_self(number):
    return lambda: os.kill(os.getpid(), number)


# ---- signals, time


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_run_that_is_stopped_in_the_middle_of_a_test_repeats_only_the_test(
    trains, whole, tmp_path, number, code
):
    # 4 batches a test: in the second test, after iteration 20
    assert trains("broken", test=(6, signal_self(number))) == code
    assert rows(tmp_path / "broken")[-1][0] == 15
    assert checkpoint.paths(tmp_path / "broken")[-1].name == "checkpoint-0000020"
    assert trains("broken") == 0
    assert same(whole, tmp_path / "broken")


def float16_symbol():
    """A network without convolutions, which CPUs lack in float16."""
    x = mx.sym.Cast(mx.sym.Variable("data"), dtype="float16")
    weight = mx.sym.Variable("scale_weight", shape=(1, 3, 8, 8), init=mx.init.Constant(1 / 3))
    x = mx.sym.Activation(mx.sym.broadcast_mul(x, weight), act_type="relu")
    x = mx.sym.BatchNorm(mx.sym.Cast(x, dtype="float32"), name="bn")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=10, name="fc"), name="softmax")


ADAM = {"optimizer": "adam", "learning_rate": 5e-4, "warmup_iterations": 0}


@pytest.mark.parametrize(
    "float16, devices, recipe",
    [
        (False, 1, ADAM),
        (True, 1, {}),
        (True, 2, {}),
        (True, 1, {"momentum": 0.0}),
        (True, 1, {"nesterov": True}),
    ],
)
def test_stopped_run_resumes_with_every_state_of_its_optimizer(
    trains, tmp_path, float16, devices, recipe
):
    options = {
        "symbol": float16_symbol() if float16 else DROPOUT,
        "devices": devices,
        "recipe": recipe,
    }
    assert trains("whole", **options) == 0
    assert trains("broken", batch=(17, signal_self(signal.SIGTERM)), **options) == 143
    assert checkpoint.paths(tmp_path / "broken")[-1].name == "checkpoint-0000017"
    assert trains("broken", **options) == 0
    assert same(tmp_path / "whole", tmp_path / "broken")
    if float16:
        whole = arrays(tmp_path / "whole")
        weight = whole["arg:scale_weight"]
        (master,) = [whole[name] for name in whole if name.startswith("master:")]
        assert weight.dtype == "float16" and master.dtype == "float32"
        assert (master != weight).any() and (master.astype("float16") == weight).all()


def test_usr1_saves_at_once_and_training_continues(trains, tmp_path):
    seen = []

    def look():
        seen.extend(path.name for path in checkpoint.paths(tmp_path / "run"))

    assert trains("run", batch=(7, signal_self(signal.SIGUSR1)), test=(2, look)) == 0
    assert seen == ["checkpoint-0000000", "checkpoint-0000007"]
    assert rows(tmp_path / "run")[-1][0] == 24


@pytest.mark.parametrize(
    "main, words",
    [
        (train_cifar.main, SMALL),
        (train_notes.main, ["--units", "1"]),
        (departures.main, ["none", "--scale", "demo"]),
    ],
)
def test_usr1_before_training_does_not_kill(monkeypatch, main, words):
    def load(*arguments, **options):
        signal.raise_signal(signal.SIGUSR1)
        raise UserError("the data set is loaded")

    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    monkeypatch.setattr(cifar, "load", load)
    refusal(lambda: typed(monkeypatch, main, *words), "the data set is loaded")


@pytest.mark.parametrize("renames", [0, 1])
def test_kill_between_two_renames_loses_no_checkpoint(two, monkeypatch, renames):
    """The only sound checkpoint is written again, and the kill comes after some of its files."""
    arrays, state = checkpoint.load(checkpoint.paths(two)[-1])
    shutil.rmtree(two / "checkpoint-0000005")
    real = os.replace
    calls = []

    def replace(source, target):
        calls.append(target)
        if len(calls) > renames:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(two, arrays, {**state, "row_due": True})
    monkeypatch.setattr(os, "replace", real)
    assert resumed(two)[1] == state
    assert [path.name for path in two.glob("checkpoint-*")] == ["checkpoint-0000010"]


@pytest.mark.parametrize("in_job", [True, False])
def test_lost_connection_ends_a_worker_of_a_job_at_once(in_job):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it
    try:
        with Interruptions(lambda: None, math.inf, in_job=in_job):
            assert (signal.getsignal(signal.SIGHUP) is signal.SIG_DFL) == in_job
    finally:
        signal.signal(signal.SIGHUP, before)


class Clock:
    """Replaces the time module: time passes in sleep() only."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_second_signal_stops_at_once(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(interrupt, "time", clock)
    with pytest.raises(SystemExit) as stopped, Interruptions(lambda: None, math.inf):
        os.kill(os.getpid(), signal.SIGINT)
        clock.sleep(3)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.code == 143


def test_request_that_arrives_twice_leaves_time_for_a_checkpoint(monkeypatch):
    monkeypatch.setattr(interrupt, "time", Clock())
    saved = []
    with pytest.raises(Stopped) as stopped, Interruptions(lambda: saved.append(1), math.inf) as run:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        run.look()
    assert stopped.value.args == (143,) and saved == [1]


def test_signal_during_the_checkpoint_of_the_time_limit_does_not_end_it(monkeypatch):
    monkeypatch.setattr(interrupt, "time", Clock())
    saved = []

    def save():
        os.kill(os.getpid(), signal.SIGTERM)
        saved.append(1)

    with pytest.raises(Stopped) as stopped, Interruptions(save, 0) as run:
        run.look()
    assert stopped.value.args == (75,) and saved == [1]


def test_pause_does_not_end_a_run_long_before_its_time_limit(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(interrupt, "time", clock)
    with pytest.raises(Stopped), Interruptions(lambda: None, 10800) as run:
        for batch in range(10800):
            clock.sleep(3700 if batch == 50 else 1)
            run.look()
    assert 10700 < clock.now < 10800


def test_time_limit_leaves_time_for_a_batch_and_a_checkpoint(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(interrupt, "time", clock)
    saved = []

    def save():
        clock.sleep(0.2)
        saved.append(clock.now)

    with pytest.raises(Stopped) as stopped, Interruptions(save, 2.5) as interruptions:
        while True:
            clock.sleep(0.3)
            interruptions.look()
    assert stopped.value.args == (75,) and 0.5 < clock.now < 2.5 and len(saved) == 1


def test_checkpoint_is_renewed_every_minute(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(interrupt, "time", clock)
    saved = []
    with Interruptions(lambda: saved.append(clock.now), math.inf) as interruptions:
        for _ in range(130):
            clock.sleep(1)
            interruptions.look()
    assert saved == [61, 122]


@pytest.mark.parametrize(
    "text, seconds",
    [("3h", 10800), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("45", 45), ("1h1s", 3601)],
)
def test_time_limit_is_read(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "3 hours", "-3h", "1.5h", "nan", "3m2h", "1h30", "3m2"])
def test_invalid_time_limit_is_rejected(text):
    refusal(lambda: read_options([f"--time-limit={text}"]), "--time-limit", "invalid duration")


def test_time_limit_ends_the_command_with_exit_code_75(images, tmp_path):
    words = ["--data-dir", images, *SMALL, "--output", tmp_path / "run", "--time-limit", "0s"]
    code, out, err = run_here(*words)
    assert code == 75, err
    assert "time limit" in out and "re-run the command to resume" in out


# ---- numbers that go wrong

DIVERGES = {"learning_rate": 1e20, "warmup_learning_rate": 1e20}


def test_divergence_is_recorded_in_its_iteration_for_any_log_every(trains, tmp_path):
    assert trains("every", recipe={**DIVERGES, "log_every": 1}) == 0
    assert trains("none", recipe={**DIVERGES, "log_every": 1000, "test_every": 1000}) == 0
    *before, last = read_log(tmp_path / "every")
    assert not math.isfinite(last["train_loss"])
    assert last["test_error"] == 90 and last["iteration"] < 24
    assert [row["iteration"] for row in read_log(tmp_path / "none")] == [last["iteration"]]
    assert all(math.isfinite(row["train_loss"]) for row in before)


def test_checkpoints_are_in_the_order_of_their_iterations_beyond_seven_digits(tmp_path):
    for number in ("9999999", "10000000", "0000020", "x1", "1x1"):
        (tmp_path / f"checkpoint-{number}").mkdir()
    numbers = [checkpoint.iteration_of(path) for path in checkpoint.paths(tmp_path)]
    assert numbers == [20, 9999999, 10000000]
    assert [write_number(value) for value in (19217505, 0.1, None)] == ["19217505", "0.1", ""]


def test_deterministic_sets_mxnets_variables(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    be_deterministic()
    assert os.environ == {"MXNET_ENFORCE_DETERMINISM": "1", "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}


def test_diverged_run_is_over_except_with_keep_going(trains, tmp_path, capsys):
    assert trains("run", recipe=DIVERGES) == 0
    assert "diverged: the training loss is" in capsys.readouterr().out
    before = len(read_log(tmp_path / "run"))
    assert trains("run", recipe=DIVERGES) == 0
    assert before and len(read_log(tmp_path / "run")) == before
    assert trains("run", recipe=DIVERGES, keep_going=True) == 0
    assert trains("from the start", recipe=DIVERGES, keep_going=True) == 0
    assert rows(tmp_path / "run")[-1][0] == 24
    assert same(tmp_path / "run", tmp_path / "from the start")


def test_diverged_run_that_continued_ends_with_a_test_without_keep_going(trains, tmp_path):
    recipe = {**DIVERGES, "log_every": 7, "test_every": 1000}
    stop = (18, signal_self(signal.SIGTERM))
    assert trains("run", recipe=recipe, keep_going=True, batch=stop) == 143
    for _ in range(2):
        assert trains("run", recipe=recipe) == 0
        last = read_log(tmp_path / "run")[-1]
        assert last["iteration"] == 19 and last["test_error"] == 90
        assert not math.isfinite(last["train_loss"])


# ---- make torture


def test_run_that_is_killed_or_without_disk_ends_as_an_uninterrupted_one(tmp_path):
    tortured = torture.Torture(tmp_path, seed=1)
    variant = {"dropout": torture.VARIANTS["dropout"]}
    done, runs = torture.kills(tortured, 1, variant)
    assert done == 1 and runs >= 1
    torture.full_disks(tortured, variant["dropout"], [0.5])
