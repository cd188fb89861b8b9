"""Runs resume exactly, evaluate exactly, and refuse what would spoil them."""

import json
import shutil
import signal

import mxnet as mx
import numpy as np
import pytest
from conftest import SMALL, begin, refused, rows, same, sends_itself, start, wait_for_row

from common.environment import without_notes
from data import batches, cifar, generated
from symbols import get_symbol
from training.evaluate import evaluate
from training.log import read_log
from training.optimizer import decay_multipliers


@pytest.mark.parametrize(
    "arguments", [[], ["--shortcut", "dropout", "--cpus", "2", "--activation", "preact"]]
)
def test_killed_or_stopped_run_ends_as_an_unbroken_one(train, images, tmp_path, arguments):
    code, out, err = train(*arguments, "--output", tmp_path / "whole")
    assert code == 0 and "finished: test error" in out, err
    command = ["--data-dir", images, *SMALL, *arguments, "--output", tmp_path / "broken"]
    for number, code, iteration in (
        (signal.SIGKILL, -9, 10),
        (signal.SIGTERM, 143, 20),
        (signal.SIGINT, 130, 30),
    ):
        process = start(*command, checkpoint_seconds=0.05, first=sends_itself(number, iteration))
        out, _ = process.communicate()
        assert process.returncode == code
        assert number == signal.SIGKILL or "re-run the command to resume" in out
        assert rows(tmp_path / "broken")[-1][0] == iteration
    with open(tmp_path / "broken" / "log.csv", "a") as log:
        log.write("35,2.8,0.00")  # what a kill in the middle of a write leaves
    code, out, err = train(*arguments, "--output", tmp_path / "broken")
    assert code == 0, err
    assert same(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize("options, epochs", [([], [10, 20]), (["--validation"], [9, 18])])
def test_epoch_is_all_pictures_of_a_small_set(images, tmp_path, options, epochs):
    words = ["--depth", "8", "--image-size", "8", "--batch-size", "50", "--epochs", "2"]
    process = start(
        "--data-dir", images, *words, "--test-every-epoch", *options, "--output", tmp_path / "run"
    )
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert [(row["iteration"], row["epoch"]) for row in read_log(tmp_path / "run")] == [
        (epochs[0], 1),
        (epochs[1], 2),
    ]
    assert all(row["test_error"] is not None for row in read_log(tmp_path / "run"))


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """A finished run that tests may copy."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    out, err = start("--data-dir", images, *SMALL, "--output", folder, figures=True).communicate()
    assert "finished" in out, err
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def test_finished_run_says_so_and_does_not_train_again(train, run):
    before = (run / "log.csv").read_bytes()
    code, out, _ = train("--output", run)
    assert code == 0 and "finished: test error" in out
    assert (run / "log.csv").read_bytes() == before


def test_config_names_commit_packages_and_host(finished):
    config = json.loads((finished / "config.json").read_text())
    assert {"commit", "uncommitted", "python", "mxnet", "numpy"} <= config["versions"].keys()
    assert config["versions"]["mxnet"] == mx.__version__ and config["host"]["deterministic"] is True


def test_published_log_without_checkpoint_counts_as_finished(train, run):
    for folder in run.glob("checkpoint-*"):
        shutil.rmtree(folder)
    code, out, _ = train("--output", run)
    assert code == 0
    assert "only the log of" in out
    assert refused(train("--output", run, "--iterations", "60"), "iterations 40, not 60")


def test_run_that_goes_on_ends_as_one_that_was_as_long_from_the_beginning(train, run, tmp_path):
    # 8 layers, 40 iterations: steps after 20 and 30, no warm-up
    schedule = ["--steps", "20,30", "--warmup-iterations", "0", "--iterations", "60"]
    assert train("--output", tmp_path / "whole", *schedule)[0] == 0
    code, out, err = train("--output", run, *schedule)
    assert code == 0, err
    assert "ended at iteration 40 and is extended to 60" in out
    assert same(tmp_path / "whole", run)


def test_unfinished_log_without_checkpoint_is_not_overwritten(train, run):
    for folder in run.glob("checkpoint-*"):
        shutil.rmtree(folder)
    lines = (run / "log.csv").read_text().splitlines(keepends=True)
    (run / "log.csv").write_text("".join(lines[:-1]))
    assert refused(train("--output", run), "no checkpoint")
    assert (run / "log.csv").read_text() == "".join(lines[:-1])


@pytest.mark.parametrize(
    "change, word",
    [
        (["--seed", "1"], "seed 0, not 1"),
        (["--activation", "preact"], "activation"),
        (["--weight-decay", "0"], "weight_decay"),
        (["--cpus", "2"], "devices"),
        (["--iterations", "39"], "iterations 40, not 39"),
    ],
)
def test_other_recipe_in_the_same_folder_is_refused_by_name(train, run, change, word):
    assert refused(train("--output", run, *change), word, "--output")


def test_other_pictures_in_the_same_folder_are_refused_by_name(run, tmp_path):
    generated.write(tmp_path / "others", images=600, seed=7)
    process = start("--data-dir", tmp_path / "others", *SMALL, "--output", run)
    out, err = process.communicate()
    assert refused((process.returncode, out, err), "data generated shapes", "seed 7")


def test_changed_source_is_refused(train, run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "network": "of another file"}))
    assert refused(train("--output", run), "a file under symbols/ has changed")


def test_two_processes_do_not_train_in_one_folder(train, images, tmp_path):
    first = start(
        "--data-dir", images, *SMALL, "--iterations", "4000", "--output", tmp_path / "run"
    )
    try:
        wait_for_row(tmp_path / "run", 5)
        assert refused(
            train("--iterations", "4000", "--output", tmp_path / "run"),
            f"another process (process {first.pid} on ",
        )
    finally:
        first.kill()
        first.communicate()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--gpus", "0"], ["no GPU 0", "leave out --gpus"]),
        (["--gpus", "a"], ["--gpus a"]),
        (["--batch-size", "21", "--cpus", "2"], ["21", "does not divide"]),
        (["--batch-size", "501"], ["501", "500 training images"]),
        (["--batch-size", "0"], ["--batch-size 0"]),
        (["--depth", "38"], ["--unit basic or --unit bottleneck"]),
        (["--depth", "21"], ["nearest"]),
        (["--shortcut", "no_such"], ["no_such", "exclusive_gating"]),
        (["--gpus", "0,0"], ["each GPU once"]),
        (["--log-every", "0"], ["--log-every 0"]),
        (["--shortcut-args", "bias=x"], ["bias=-7"]),
        (["--shortcut-args", "bias=nan"], ["bias=-7"]),
        (["--shortcut-args", "bias=1e39"], ["bias=1e39", "float32", "3.4e+38"]),
        (["--shortcut-args", "bias=-inf"], ["bias=-inf", "3.4e+38"]),
        (["--shortcut-args", "bias=1"], ["no constant 'bias'"]),
        (["--image-size", "15"], ["--image-size 15"]),
        (["--iterations", "0"], ["--iterations 0"]),
        (["--steps", "5,b"], ["--steps"]),
        (["--data-dir", "/nowhere"], ["/nowhere", "--data-dir"]),
        (["--seed", "-1"], ["--seed -1"]),
        (["--learning-rate", "-1"], ["--learning-rate"]),
        (["--weight-decay", "nan"], ["--weight-decay"]),
        (["--output", "/dev/null/x"], ["--output"]),
    ],
)
def test_mistake_gets_one_line(train, tmp_path, arguments, words):
    assert refused(train("--output", tmp_path / "run", *arguments), *words)
    assert not (tmp_path / "run").exists()


def test_diverged_run_is_a_result(train, tmp_path):
    code, out, err = train(
        "--learning-rate", "1e20", "--warmup-learning-rate", "1e20", "--output", tmp_path / "run"
    )
    assert code == 0 and "diverged" in out, err
    last = read_log(tmp_path / "run")[-1]
    assert (
        not np.isfinite(last["train_loss"]) and last["test_error"] == 90 and last["iteration"] < 40
    )
    assert (
        train(
            "--learning-rate",
            "1e20",
            "--warmup-learning-rate",
            "1e20",
            "--output",
            tmp_path / "run",
        )[0]
        == 0
    )


def test_validation_tests_on_the_held_out_tenth(train, tmp_path):
    code, out, err = train("--validation", "--output", tmp_path / "run")
    assert code == 0 and "on 50 images" in out, err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["train_images"] == 450


def bound(symbol, batch_size, **options):
    module = mx.mod.Module(symbol)
    with without_notes():
        module.bind(
            [("data", (batch_size, 3, 8, 8))], [("softmax_label", (batch_size,))], **options
        )
    return module


@pytest.mark.parametrize("batch_size", [1, 7, 32, 64, 100])
def test_evaluation_counts_each_sample_once_whatever_the_batch(images, batch_size):
    dataset = cifar.load("cifar10", images, 8)
    mean = dataset.train_images.mean(axis=0)
    whole = bound(get_symbol(8), 100, for_training=False)
    mx.random.seed(3)
    whole.init_params(mx.init.Xavier())
    batch = next(batches.TestBatches(dataset.test_images, dataset.test_labels, mean, 100))
    whole.forward(batch, is_train=False)
    probabilities, labels = whole.get_outputs()[0].asnumpy(), dataset.test_labels
    module = bound(get_symbol(8), batch_size, for_training=False)
    module.set_params(*whole.get_params())
    loss, error = evaluate(
        module, batches.TestBatches(dataset.test_images, labels, mean, batch_size)
    )
    assert error == pytest.approx(100 * (probabilities.argmax(axis=1) != labels).mean(), abs=1e-9)
    assert loss == pytest.approx(
        -np.log(probabilities[np.arange(100), labels] + 1e-12).mean(), rel=1e-5
    )  # MXNet's floor


def test_every_evaluation_sees_the_newest_parameters():
    # Without MXNET_SUBGRAPH_BACKEND=NONE the second evaluation of a module mixes the first one's
    # convolutions into its own.
    symbol = get_symbol(20)
    module = bound(symbol, 32)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    tester = bound(symbol, 32, for_training=False, shared_module=module)
    for _ in range(3):
        for _ in range(4):
            batch = mx.io.DataBatch([mx.nd.random.normal(shape=(32, 3, 8, 8))], [mx.nd.zeros(32)])
            module.forward(batch, is_train=True)
            module.backward()
            module.update()
        mx.nd.waitall()
        tester.forward(batch, is_train=False)
        seen = tester.get_outputs()[0].asnumpy()
        mx.nd.waitall()
        fresh = bound(symbol, 32, for_training=False)
        fresh.set_params(*module.get_params())
        fresh.forward(batch, is_train=False)
        assert (fresh.get_outputs()[0].asnumpy() == seen).all()


def test_only_weights_decay_unless_all_do():
    symbol = get_symbol(8, shortcut="exclusive_gating")
    decays = decay_multipliers(symbol, "weights")
    assert {name for name, factor in decays.items() if factor} == {
        n for n in symbol.list_arguments() if n.endswith("_weight")
    }
    assert (
        decays["bn1_gamma"]
        == decays["bn1_beta"]
        == decays["fc_bias"]
        == decays["stage1_unit1_gate_bias"]
        == 0
    )
    assert all(factor == 1 for factor in decay_multipliers(symbol, "all").values())


def test_variable_with_its_own_decay_keeps_it():
    symbol = mx.sym.FullyConnected(
        mx.sym.Variable("data"), weight=mx.sym.Variable("own_weight", wd_mult=0.5), num_hidden=2
    )
    assert "own_weight" not in decay_multipliers(symbol, "all")


def test_figure_of_a_run_lies_beside_a_log_outside_results(run):
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


LATE = """
import time
import common
import mxnet as mx
import train_cifar

late = [0]
clock, waitall = time.monotonic, mx.nd.waitall
time.monotonic = lambda: clock() + late[0]

def wait_long():
    waitall()
    late[0] += 1000

mx.nd.waitall = wait_long
train_cifar.main()
"""


def test_what_no_step_waits_for_is_time_of_the_iterations(images, tmp_path):
    """The backward pass of the last iteration before a row or a checkpoint: here 1000 s."""
    process = begin(LATE, "--data-dir", images, *SMALL, "--output", tmp_path / "run")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    log = read_log(tmp_path / "run")
    assert log and all(0 < row["images_per_second"] <= 5 * 20 / 1000 for row in log)


def test_mean_is_per_pixel():
    pictures = np.random.RandomState(0).randint(0, 256, (9, 3, 4, 4), dtype=np.uint8)
    mean = batches.mean_image(pictures)
    assert mean.shape == (3, 4, 4) and np.allclose(mean[2, 1, 3], pictures[:, 2, 1, 3].mean())
