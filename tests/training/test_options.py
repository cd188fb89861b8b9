"""Options and seeds change what they name: the network, its initial weights, or its batches."""

import os
import sys
from types import SimpleNamespace

import mxnet as mx
import pytest
from cifar_options import read_options
from conftest import SMALL, last_error, refusal, refused, rows, scored, trained

import symbols
import train_cifar
from analysis import networks
from common import environment
from common.errors import UserError
from data import batches
from symbols import network_options
from training import checkpoint, cost, job, loop, weights
from training.figure import Figure
from training.log import read_log

SHORT = ["--iterations", "2", "--log-every", "1", "--test-every", "2"]


@pytest.fixture(scope="module")
def usual(images, tmp_path_factory):
    """The folder of a short run without options, with its checkpoints of iterations 0 and 2."""
    return trained(tmp_path_factory.mktemp("usual") / "run", images, *SHORT)


def initial_weights(folder):
    loaded = mx.nd.load(str(checkpoint.paths(folder)[0] / "arrays.params"))
    return {name: array.asnumpy().tobytes() for name, array in loaded.items() if "arg:" in name}


def first_loss(folder):
    return read_log(folder)[0]["train_loss"]


@pytest.mark.parametrize("words", [[], ["--deterministic"]])
def test_deterministic_restricts_mxnet_before_it_is_imported(monkeypatch, words):
    restricted = []
    monkeypatch.setattr("training.options.be_deterministic", lambda: restricted.append(1))
    read_options(words)
    assert len(restricted) == len(words)


@pytest.mark.parametrize(
    "options, changes_weights",
    [
        (["--seed", "3"], True),
        (["--init-fan", "out"], True),
        (["--input", "raw"], False),
        (["--augmentation", "none"], False),
    ],
)
def test_option_reaches_the_training(usual, images, tmp_path, options, changes_weights):
    folder = trained(tmp_path / "run", images, *SHORT, *options)
    assert (initial_weights(folder) != initial_weights(usual)) == changes_weights
    # BN makes the loss independent of the scale of the initial weights
    assert changes_weights or first_loss(folder) != first_loss(usual)


def test_seed_decides_order_augmentation_and_masks(images, tmp_path, monkeypatch):
    seeds = []
    draw, seed_masks = batches.draw, loop.seed_masks

    def drawn(seed, *arguments):
        seeds.append(seed)
        return draw(seed, *arguments)

    def masked(seed, *arguments):
        seeds.append(seed)
        seed_masks(seed, *arguments)

    monkeypatch.setattr(batches, "draw", drawn)
    monkeypatch.setattr(loop, "seed_masks", masked)
    trained(tmp_path / "run", images, *SHORT, "--seed", "3", "--shortcut", "dropout")
    assert len(seeds) >= 3 and set(seeds) == {3}


def test_untrained_network_has_the_weights_from_which_training_starts(images, tmp_path):
    folder = trained(tmp_path / "run", images, *SHORT, "--seed", "3")
    network = networks.named("original", "identity", 8, seed=3)
    expected = initial_weights(folder)
    for name, array in network.arguments.items():
        assert array.asnumpy().tobytes() == expected[f"arg:{name}"], name


@pytest.mark.parametrize(
    "words", ["8 --option B", "8 --unit one_layer", "29 --unit bottleneck --bottleneck-stride 3x3"]
)
def test_option_reaches_the_network(words):
    with_option, without = words.split(), words.split()[:-2]
    graphs = [
        network_options.network(read_options(line)[0], "cifar").symbol(10, "cifar").tojson()
        for line in (with_option, without)
    ]
    assert graphs[0] != graphs[1]


def test_depth_without_a_name_is_the_papers():
    arguments = read_options([])[0]
    depths = [network_options.network(arguments, family).depth for family in ("cifar", "imagenet")]
    assert depths == [110, 200]


def test_run_that_diverges_says_so_and_leaves_no_network(train, tmp_path):
    options = ["--learning-rate", "1e20", "--warmup-iterations", "0"]
    code, out, err = train(*options, "--output", tmp_path / "run")
    assert code == 0 and "finished, diverged" in out, err
    assert rows(tmp_path / "run")[-1][0] < 40
    assert not (tmp_path / "run" / "network-0000.params").exists()
    code, _, err = train(*options, "--output", tmp_path / "run", "--keep-going")
    assert code == 0 and rows(tmp_path / "run")[-1][0] == 40, err


def test_diverged_network_with_a_frozen_classifier_is_not_exported(finished, monkeypatch, tmp_path):
    read = weights.read(finished)
    read.arguments["conv1_weight"][:] = float("nan")
    monkeypatch.setattr(weights, "read", lambda folder: read)
    job._export(SimpleNamespace(exported=lambda: 1 / 0), tmp_path)


def test_figure_that_fails_does_not_cost_the_exported_network(images, tmp_path, monkeypatch):
    def fail(figure):
        raise UserError("the disk is full")

    monkeypatch.setattr(Figure, "finish", fail)
    words = ["--data-dir", str(images), *SMALL, "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["train_cifar.py", *words])
    refusal(train_cifar.main, "the disk is full")
    assert (tmp_path / "network-0000.params").exists()


def test_cpu_contexts_share_the_cores(monkeypatch):
    monkeypatch.setattr(environment, "GIVEN", {})
    monkeypatch.setattr(environment, "physical_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    read_options(["--cpus", "1"])
    assert os.environ["OMP_NUM_THREADS"] == "8"
    read_options(["--cpus", "2"])
    assert os.environ["OMP_NUM_THREADS"] == "4"


def test_network_is_built_for_the_images_of_the_run(train, images, tmp_path, monkeypatch):
    sizes = []
    build = symbols.get_symbol

    def recorded(*words, image_size=None, **others):
        sizes.append(image_size)
        return build(*words, image_size=image_size, **others)

    monkeypatch.setattr(symbols, "get_symbol", recorded)
    assert train("--output", tmp_path / "run", "--iterations", "1")[0] == 0
    trained_with = len(sizes)
    assert scored(monkeypatch, tmp_path / "run", "--data-dir", images) == 0
    assert trained_with >= 3 and len(sizes) > trained_with and set(sizes) == {8}


def test_network_without_our_classifier_is_rejected_before_training(train, tmp_path, monkeypatch):
    other = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10))
    monkeypatch.setattr(network_options.Network, "symbol", lambda *_, **__: other)
    assert refused(train("--output", tmp_path / "run"), "no classifier called fc")
    assert not (tmp_path / "run").exists()


def test_run_on_two_devices_is_not_resumed_on_one(train, tmp_path):
    assert train("--cpus", "2", "--output", tmp_path / "run", stop=20)[0] == 143
    assert refused(train("--output", tmp_path / "run"), "devices 2, not 1")


def test_training_error_is_the_share_of_wrong_images(usual):
    for row in read_log(usual):
        assert row["train_error"] % 5 == pytest.approx(0), "a batch has 20 images"
    assert last_error(usual) > 50, "after two iterations a network of ten classes is mostly wrong"
    assert read_log(usual)[0]["train_error"] > 50


def test_cost_is_time_and_speed_of_the_complete_run(train, monkeypatch):
    clock = [0.0]

    class Clock:
        @staticmethod
        def monotonic():
            return clock[0]

    def two_seconds(*_):
        clock[0] += 2

    monkeypatch.setattr(cost, "time", Clock)
    monkeypatch.setattr(cost, "step", two_seconds)
    code, out, err = train("--cost")
    # 40 iterations, and 4 tests of 5 batches that take a third of the time
    seconds = 2 * (40 + 4 * 5 / 3)
    assert code == 0 and "at 10.0 images/s" in out, err
    assert f"about {seconds:.0f} s here" in out
