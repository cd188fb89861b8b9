"""Runs resume exactly, evaluate exactly, and refuse what would spoil them."""

import json
import shlex
import shutil

import mxnet as mx
import numpy as np
import pytest
from conftest import SMALL, begin, refused, run_here, same, start
from modules import bound

from data import batches, cifar, generated
from symbols import get_symbol
from training import export, recomputation
from training.evaluate import evaluate
from training.log import read_log
from training.optimizer import decay_multipliers


def test_stopped_run_ends_as_an_uninterrupted_one(resumes_exactly):
    assert resumes_exactly("--shortcut", "dropout", "--cpus", "2", "--activation", "preact")


@pytest.mark.parametrize(
    "options, epochs, tested", [([], [10, 20], 100), (["--validation"], [9, 18], 50)]
)
def test_epoch_is_all_images_of_a_small_set(images, tmp_path, options, epochs, tested):
    words = "--depth 8 --image-size 8 --batch-size 50 --epochs 2 --test-every-epoch".split()
    code, out, err = run_here("--data-dir", images, *words, *options, "--output", tmp_path)
    assert code == 0 and f"on {tested} images" in out, err
    log = read_log(tmp_path)
    assert [(row["iteration"], row["epoch"]) for row in log] == list(zip(epochs, [1, 2]))
    assert all(row["test_error"] is not None for row in log)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["train_images"] == 50 * epochs[0]


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """A finished run with its figure that tests may copy."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    out, err = start("--data-dir", images, *SMALL, "--output", folder, figures=True).communicate()
    assert "finished" in out, err
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def test_finished_run_has_its_figure_and_does_not_train_again(train, run):
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    before = (run / "log.csv").read_bytes()
    code, out, _ = train("--output", run)
    assert code == 0 and "finished: test error" in out
    assert (run / "log.csv").read_bytes() == before


def test_files_that_a_stop_left_out_or_an_earlier_end_wrote_are_written(images, run):
    names = ("curves.png", export.SYMBOL, export.PARAMETERS, export.INPUTS)
    before = {name: (run / name).read_bytes() for name in names}
    for name in names:
        (run / name).unlink()
    (run / export.PARAMETERS).write_bytes(b"of an earlier end")
    process = start("--data-dir", images, *SMALL, "--output", run, figures=True)
    assert "finished: test error" in process.communicate()[0]
    assert {name: (run / name).read_bytes() for name in names} == before


def test_config_names_commit_packages_and_host(finished):
    config = json.loads((finished / "config.json").read_text())
    assert {"commit", "uncommitted", "python", "mxnet", "numpy"} <= config["versions"].keys()
    assert config["versions"]["mxnet"] == mx.__version__ and config["host"]["deterministic"] is True


def test_log_without_checkpoint_is_a_published_run_if_it_is_finished(train, run):
    for folder in run.glob("checkpoint-*"):
        shutil.rmtree(folder)
    code, out, _ = train("--output", run)
    assert code == 0 and "no checkpoint is left" in out
    assert refused(train("--output", run, "--iterations", "60"), "iterations 40, not 60")
    unfinished = "".join((run / "log.csv").read_text().splitlines(keepends=True)[:-1])
    (run / "log.csv").write_text(unfinished)
    assert refused(train("--output", run), "no checkpoint")
    assert (run / "log.csv").read_text() == unfinished


def test_extended_run_ends_as_one_that_was_as_long_from_the_start(train, run, tmp_path):
    # 8 layers, 40 iterations: steps after 20 and 30, no warm-up
    schedule = ["--steps", "20,30", "--warmup-iterations", "0", "--iterations", "60"]
    assert train("--output", tmp_path / "whole", *schedule)[0] == 0
    folder = run.rename(tmp_path / "a run")
    words = ["--output", str(folder), *schedule]
    code, out, err = train(*words)
    assert code == 0, err
    assert "ended at iteration 40 and is extended to 60" in out
    assert same(tmp_path / "whole", folder)
    command = json.loads((folder / "config.json").read_text())["command"]
    assert shlex.split(command)[-len(words) :] == words, "the command that resumes it"


def test_other_images_and_a_changed_source_are_rejected_by_name(train, run, tmp_path):
    generated.write(tmp_path / "others", images=600, seed=7)
    others = train("--data-dir", tmp_path / "others", "--output", run)
    assert refused(others, "data generated shapes", "seed 7")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "network": "of another file"}))
    assert refused(train("--output", run), "a file under symbols/ has changed")


@pytest.mark.parametrize("batch_size", [1, 7, 32, 64, 100])
def test_evaluation_counts_each_sample_once_whatever_the_batch(images, batch_size):
    dataset = cifar.load("cifar10", images, 8)
    mean = dataset.train_images.mean(axis=0)
    whole = bound(get_symbol(8), (100, 3, 8, 8), for_training=False)
    mx.random.seed(3)
    whole.init_params(mx.init.Xavier())
    batch = next(batches.TestBatches(dataset.test_images, dataset.test_labels, mean, 100))
    whole.forward(batch, is_train=False)
    probabilities, labels = whole.get_outputs()[0].asnumpy(), dataset.test_labels
    module = bound(get_symbol(8), (batch_size, 3, 8, 8), for_training=False)
    module.set_params(*whole.get_params())
    loss, error = evaluate(
        module, batches.TestBatches(dataset.test_images, labels, mean, batch_size)
    )
    assert error == pytest.approx(100 * (probabilities.argmax(axis=1) != labels).mean(), abs=1e-9)
    # 1e-12 is MXNet's floor
    losses = -np.log(probabilities[np.arange(100), labels] + 1e-12)
    assert loss == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize("recompute", [False, True])
def test_every_evaluation_sees_the_newest_parameters(recompute):
    # Without MXNET_SUBGRAPH_BACKEND=NONE the second evaluation of a module mixes the first one's
    # convolutions into its own.
    symbol = get_symbol(20)
    if recompute:
        symbol = recomputation.Recomputed(symbol)
    shape = (32, 3, 8, 8)
    module = bound(symbol, shape)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    tester = bound(symbol, shape, for_training=False, shared_module=module)
    for _ in range(3):
        for _ in range(4):
            batch = mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [mx.nd.zeros(32)])
            module.forward(batch, is_train=True)
            module.backward()
            module.update()
        mx.nd.waitall()
        tester.forward(batch, is_train=False)
        seen = tester.get_outputs()[0].asnumpy()
        mx.nd.waitall()
        fresh = bound(get_symbol(20), shape, for_training=False)
        fresh.set_params(*module.get_params())
        fresh.forward(batch, is_train=False)
        assert (fresh.get_outputs()[0].asnumpy() == seen).all()


def test_variable_keeps_its_own_weight_decay():
    own = mx.sym.Variable("own_weight", wd_mult=0.5)
    symbol = mx.sym.FullyConnected(mx.sym.Variable("data"), weight=own, num_hidden=2)
    assert "own_weight" not in decay_multipliers(symbol, "all")


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


def test_test_between_two_rows_has_its_own_row(train, tmp_path):
    intervals = "--iterations 12 --log-every 10 --test-every 4".split()
    code, _, err = train(*intervals, "--output", tmp_path / "run")
    assert code == 0, err
    log = read_log(tmp_path / "run")
    assert [row["iteration"] for row in log] == [4, 8, 10, 12]
    assert [row["test_error"] is None for row in log] == [False, False, True, False]


def test_time_of_the_last_backward_pass_counts(images, tmp_path):
    """The backward pass of the last iteration before a row or a checkpoint: here 1000 s."""
    process = begin(LATE, "--data-dir", images, *SMALL, "--output", tmp_path / "run")
    _, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    log = read_log(tmp_path / "run")
    assert log and all(0 < row["images_per_second"] <= 5 * 20 / 1000 for row in log)


def test_mean_is_per_pixel():
    pictures = np.random.RandomState(0).randint(0, 256, (9, 3, 4, 4), dtype=np.uint8)
    mean = batches.mean_of(pictures, "mean")
    assert mean.shape == (3, 4, 4) and np.allclose(mean[2, 1, 3], pictures[:, 2, 1, 3].mean())
