"""Whatever interrupts a run, it resumes and ends as an uninterrupted run does.

More of this: make torture, make fuzz.
"""

import contextlib
import json
import math
import os
import resource
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import pytest
from conftest import SMALL, arrays, begin, refusal, rows, same, start
from made_runs import CONFIG, RECIPE, SMALL_RECIPE, numbers, reopened, resumed, resumes_from

from common import errors
from common.environment import be_deterministic
from common.errors import UserError
from data import batches, cifar
from symbols import get_symbol
from training import checkpoint, interrupt
from training.interrupt import Interruptions, Stopped, duration
from training.log import COLUMNS, read_log, write_number
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


@pytest.fixture
def trains(set_, tmp_path):
    """trains("name", test=(6, call), batch=(17, call), recipe={...}, symbol, devices) -> exit code

    Trains in this process.
    """
    mean = batches.mean_image(set_.train_images)

    def call(
        name,
        test=(0, None),
        batch=(0, None),
        recipe=None,
        symbol=DROPOUT,
        devices=1,
        keep_going=False,
        deadline=math.inf,
    ):
        recipe = replace(SMALL_RECIPE, **(recipe or {}))
        tests = EvaluationSet(set_.test_images - mean, set_.test_labels.astype("float32"), 30)
        images = TrainingSet(
            set_.train_images, set_.train_labels, mean, recipe.batch_size, recipe.seed
        )
        (tests.at, tests.call), (images.at, images.call) = test, batch
        config = {**CONFIG, "recipe": {**RECIPE, **recipe.settings()}}
        contexts = [mx.cpu(k) for k in range(devices)]
        with Run(tmp_path / name, config, keep_going) as run:
            saved = run.resume()
            if run.finished:
                return 0
            job = SimpleNamespace(recipe=recipe, symbol=symbol)
            training = Training(
                job, run, saved, (images, tests), contexts, Workers("local"), keep_going=keep_going
            )
            return train(training, deadline)

    return call


def signal_self(number):
    return lambda: os.kill(os.getpid(), number)


# ---- signals, time


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_run_that_is_stopped_in_the_middle_of_a_test_repeats_only_the_test(
    trains, tmp_path, number, code
):
    assert trains("whole") == 0
    # 4 batches a test: in the second test, after iteration 20
    assert trains("broken", test=(6, signal_self(number))) == code
    assert rows(tmp_path / "broken")[-1][0] == 15
    assert checkpoint.paths(tmp_path / "broken")[-1].name == "checkpoint-0000020"
    assert trains("broken") == 0
    assert same(tmp_path / "whole", tmp_path / "broken")


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
    assert trains("broken", **options) == 0
    assert str(rows(tmp_path / "whole")) == str(rows(tmp_path / "broken"))
    whole = arrays(tmp_path / "whole")
    broken = arrays(tmp_path / "broken")
    assert whole.keys() == broken.keys()
    assert all(whole[name].tobytes() == broken[name].tobytes() for name in whole)
    if float16:
        weight = whole["arg:scale_weight"]
        (master,) = [whole[name] for name in whole if name.startswith("master:")]
        assert weight.dtype == "float16" and master.dtype == "float32"
        assert (master != weight).any() and (master.astype("float16") == weight).all()


def test_signal_is_obeyed_within_the_iteration(trains, tmp_path):
    assert trains("run", batch=(17, signal_self(signal.SIGTERM))) == 143
    assert checkpoint.paths(tmp_path / "run")[-1].name == "checkpoint-0000017"


def test_usr1_saves_at_once_and_training_continues(trains, tmp_path):
    seen = []

    def look():
        seen.extend(path.name for path in checkpoint.paths(tmp_path / "run"))

    assert trains("run", batch=(7, signal_self(signal.SIGUSR1)), test=(2, look)) == 0
    assert seen == ["checkpoint-0000000", "checkpoint-0000007"]
    assert rows(tmp_path / "run")[-1][0] == 24


SENDS_USR1 = """
import os, signal, sys
signal.signal(signal.SIGUSR1, signal.SIG_DFL)
from common.errors import run_main
from data import official
from {script} import main
load = official.load
def load_and_signal(*arguments, **options):
    os.kill(os.getpid(), signal.SIGUSR1)
    return load(*arguments, **options)
official.load = load_and_signal
run_main(main)
"""


@pytest.mark.parametrize("script", ["train_cifar", "train_notes", "analysis.departures"])
def test_usr1_before_training_does_not_kill(images, script):
    options = ["--data-dir", images, "--cost-json"]
    if script == "train_cifar":
        options += SMALL
    if script == "train_notes":
        options += ["--units", 1]
    if script == "analysis.departures":
        options += ["none", "--scale", "demo"]
    process = begin(SENDS_USR1.format(script=script), *options)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and json.loads(out), err


def test_kill_between_two_renames_loses_no_checkpoint(two, monkeypatch):
    """The only sound checkpoint is written anew, and the kill comes when it has been put aside."""
    arrays, state = checkpoint.load(checkpoint.paths(two)[-1])
    shutil.rmtree(two / "checkpoint-0000005")
    real = os.replace

    def replace(source, target):
        if Path(source).name == "checkpoint.partial":
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(
            two, arrays, {key: value for key, value in state.items() if key != "arrays"}
        )
    monkeypatch.setattr(os, "replace", real)
    assert not checkpoint.paths(two)
    assert resumed(two)[1]["iteration"] == 10
    assert [path.name for path in two.glob("checkpoint-*")] == ["checkpoint-0000010"]


def test_checkpoints_are_in_the_order_of_their_iterations_beyond_seven_digits(tmp_path):
    for name in (
        "checkpoint-9999999",
        "checkpoint-10000000",
        "checkpoint-0000020",
        "checkpoint-x1",
        "checkpoint-1x1",
    ):
        (tmp_path / name).mkdir()
    assert [checkpoint.iteration_of(path) for path in checkpoint.paths(tmp_path)] == [
        20,
        9999999,
        10000000,
    ]
    assert (
        write_number(19217505) == "19217505"
        and write_number(0.1) == "0.1"
        and write_number(None) == ""
    )


def test_second_signal_stops_at_once():
    with pytest.raises(SystemExit) as stopped, Interruptions(lambda: None, 60, math.inf):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.code == 143


def test_time_limit_stops_in_time_and_the_same_command_goes_on(trains, tmp_path):
    assert trains("whole") == 0
    assert trains("broken", deadline=time.monotonic() + 0.5) == interrupt.OUT_OF_TIME == 75
    assert trains("broken") == 0
    assert same(tmp_path / "whole", tmp_path / "broken")


class Clock:
    """Stands for the time module: time passes when it is told to."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_time_limit_leaves_time_for_a_batch_and_a_checkpoint(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(interrupt, "time", clock)
    saved = []

    def save():
        clock.sleep(0.2)
        saved.append(clock.now)

    with pytest.raises(Stopped) as stopped, Interruptions(save, 60, 2.5) as interruptions:
        while True:
            clock.sleep(0.3)
            interruptions.look()
    assert stopped.value.code == 75 and 0.5 < clock.now < 2.5 and len(saved) == 1


@pytest.mark.parametrize(
    "text, seconds",
    [("3h", 10800), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("45", 45), ("1h1s", 3601)],
)
def test_time_limit_is_read(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "3 hours", "-3h", "1.5h", "nan", "3m2h"])
def test_time_limit_that_is_none_is_refused(text):
    refusal(lambda: duration(text), "--time-limit", "3h")


def test_determinism_is_asked_of_mxnet(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    be_deterministic()
    assert os.environ == {"MXNET_ENFORCE_DETERMINISM": "1", "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}


def test_command_line_knows_the_exit_codes(images, tmp_path):
    process = start(
        "--data-dir", images, *SMALL, "--output", tmp_path / "run", "--time-limit", "1s"
    )
    out, err = process.communicate()
    assert process.returncode == 75, err
    assert "time limit" in out and "re-run the command to resume" in out


# ---- numbers that go wrong

DIVERGES = {"learning_rate": 1e20, "warmup_learning_rate": 1e20}


def test_divergence_is_recorded_in_the_iteration_where_it_happens_whatever_the_log_says(
    trains, tmp_path
):
    assert trains("every", recipe={**DIVERGES, "log_every": 1}) == 0
    assert trains("none", recipe={**DIVERGES, "log_every": 1000, "test_every": 1000}) == 0
    last = read_log(tmp_path / "every")[-1]
    assert (
        not math.isfinite(last["train_loss"])
        and last["test_error"] == 90
        and last["iteration"] < 24
    )
    assert [row["iteration"] for row in read_log(tmp_path / "none")] == [last["iteration"]]
    assert all(math.isfinite(row["train_loss"]) for row in read_log(tmp_path / "every")[:-1])


def test_diverged_run_is_over_unless_told_to_go_on(trains, tmp_path):
    assert trains("run", recipe=DIVERGES) == 0
    before = read_log(tmp_path / "run")
    assert (
        trains("run", recipe=DIVERGES) == 0
        and read_log(tmp_path / "run")
        and len(before) == len(read_log(tmp_path / "run"))
    )
    assert trains("run", recipe=DIVERGES, keep_going=True) == 0
    assert trains("from the start", recipe=DIVERGES, keep_going=True) == 0
    assert rows(tmp_path / "run")[-1][0] == 24 and same(
        tmp_path / "run", tmp_path / "from the start"
    )


# ---- checkpoints


def test_run_goes_on_from_the_newest_checkpoint_with_the_log_up_to_it(two):
    with open(two / "log.csv", "a") as log:
        log.write("11,,,0.1,,,,,\n12,,,0.")
    resumes_from(two, 10)


@pytest.mark.parametrize("name", ["arrays.params", "state.json"])
@pytest.mark.parametrize("tenth", range(10))
def test_truncated_checkpoint_is_named_and_the_one_before_it_used(two, capsys, name, tenth):
    file = two / "checkpoint-0000010" / name
    os.truncate(file, file.stat().st_size * tenth // 10)
    copy = resumes_from(two, 5)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1 and "checkpoint-0000010 is damaged" in out
    assert "checkpoint-0000005" in out and name in out
    assert list(copy.glob("damaged-checkpoint-0000010-*")), "the damaged one is thrown away"


@pytest.mark.parametrize(
    "name, part, other",
    [
        ("arrays.params", mx.nd.array([2990]).asnumpy().tobytes(), b"\0\0\x80?"),
        ("state.json", b'"learning_rate": 0.1', b'"learning_rate": 0.2'),
        ("state.json", b"10,,,0.1,", b"10,,,0.2,"),
    ],
)
def test_missing_or_changed_file_is_damage(two, name, part, other):
    file = two / "checkpoint-0000010" / name
    content = file.read_bytes()
    assert content.count(part) == 1
    file.write_bytes(content.replace(part, other))
    resumes_from(two, 5)
    file.unlink()
    resumes_from(two, 5)


def test_run_without_any_sound_checkpoint_is_refused(two):
    for path in checkpoint.paths(two):
        (path / "arrays.params").write_bytes(b"\x12\x01" * 200)
    refusal(
        lambda: reopened(two),
        "checkpoint-0000005 is damaged",
        "checkpoint-0000010 is damaged",
        "move",
    )


def test_two_checkpoints_are_kept(two):
    with Run(two, CONFIG) as run:
        run.resume()
        for k in (15, 20, 20, 25):
            run.save(numbers(k), {"iteration": k})
    assert [path.name for path in sorted(two.glob("checkpoint*"))] == [
        "checkpoint-0000020",
        "checkpoint-0000025",
    ]


def test_log_is_mended_from_the_checkpoint(two):
    (two / "log.csv").write_bytes(b"\0\xff,nonsense\n" * 100)
    resumes_from(two, 10)
    (two / "log.csv").unlink()
    resumes_from(two, 10)


@contextlib.contextmanager
def full_disk(size):
    """No file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_stops_a_checkpoint_at_any_size_and_the_one_before_is_kept(two):
    sizes = [
        (two / "checkpoint-0000010" / name).stat().st_size
        for name in ("arrays.params", "state.json")
    ]
    cuts = {size * tenth // 10 for size in sizes for tenth in range(10)} | {
        sizes[0] - 1,
        sizes[0] - 20,
    }
    with Run(two, CONFIG) as run:
        run.resume()
        for cut in sorted(cut for cut in cuts if cut < max(sizes)):
            with pytest.raises(UserError) as caught, full_disk(cut):
                run.save(numbers(15), {"iteration": 15})
            assert (
                "is the disk full?" in str(caught.value)
                and len(str(caught.value).splitlines()) == 1
            )
            assert "Traceback" not in str(caught.value)
            assert not (
                two / "checkpoint.partial"
            ).exists(), "what is left over keeps the disk full"
    resumes_from(two, 10)


def test_full_disk_under_anything_else_is_one_line(tmp_path, capsys):
    def main():
        with full_disk(10), open(tmp_path / "figure.png", "wb") as file:
            file.write(b"x" * 100)

    with pytest.raises(SystemExit) as ended:
        errors.run_main(main)
    err = capsys.readouterr().err
    assert ended.value.code == 2 and len(err.splitlines()) == 1 and "the disk" in err


def test_full_disk_stops_a_log_row_with_one_line(two):
    with Run(two, CONFIG) as run:
        run.resume()
        with pytest.raises(UserError) as caught, full_disk((two / "log.csv").stat().st_size + 3):
            run.log(iteration=11, train_loss=0.1)
    assert "is the disk full?" in str(caught.value)
    resumes_from(two, 10)


# ---- the log

HEADER, ROW = ",".join(COLUMNS).encode(), b"100,0.5,0.1,2.25,80,,,500,1.5"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\0" * 50,
        b"\xff\xfe",
        b"100",
        b"," * 8,
        b",,,,,,,,,",
        b"nan" + b",1" * 8,
        b"inf" + b",1" * 8,
        b"-1" + b",1" * 8,
        b"50" + b",1" * 8,
        b"200,1,1,1",
        b"200" + b",1" * 9,
        b"200" + b",x" * 8,
        b"200,,,,,,,,",
        b"9" * 200000 + b",1" * 8,
        b'"200' + b",1" * 8,
        HEADER,
    ],
)
def test_damaged_line_is_left_out_and_no_other(tmp_path, junk):
    (tmp_path / "log.csv").write_bytes(
        b"\n".join([HEADER, ROW, junk, ROW.replace(b"100", b"300"), b"400,1,1,1,1,1,1,1,1"])
    )
    assert [row["iteration"] for row in read_log(tmp_path)] == [100, 300]


def test_log_keeps_what_is_no_number_of_a_diverged_run(tmp_path):
    (tmp_path / "log.csv").write_bytes(HEADER + b"\n100,0.5,0.1,nan,80,inf,90,500,1.5\n")
    (row,) = read_log(tmp_path)
    assert math.isnan(row["train_loss"]) and row["test_loss"] == math.inf
