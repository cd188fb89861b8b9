"""The learning rate and the shrunk schedules are the papers' to the iteration."""

from dataclasses import replace

import mxnet as mx
import pytest
from cifar_options import read_options
from conftest import refusal

import train_cifar
from symbols import network_options
from training.optimizer import StepSchedule
from training.recipe import CIFAR

PAPER = StepSchedule(CIFAR)


@pytest.mark.parametrize(
    "iteration, rate",
    [
        (1, 0.01),
        (400, 0.01),
        (401, 0.1),
        (32000, 0.1),
        (32001, 0.01),
        (48000, 0.01),
        (48001, 0.001),
        (64000, 0.001),
        (1, 0.01),
    ],
)
def test_learning_rate_is_the_papers(iteration, rate):
    assert PAPER(iteration) == pytest.approx(rate, rel=1e-12)


def test_learning_rate_agrees_with_mxnets_scheduler_at_every_iteration():
    theirs = mx.lr_scheduler.MultiFactorScheduler(
        step=[32000, 48000],
        factor=0.1,
        base_lr=0.1,
        warmup_steps=401,
        warmup_begin_lr=0.01,
        warmup_mode="constant",
    )
    assert all(PAPER(i) == pytest.approx(theirs(i), rel=1e-12) for i in range(1, 64001))


def test_server_that_updates_for_each_worker_keeps_to_iterations():
    short = replace(CIFAR, steps=(5, 8), warmup_iterations=2)
    first, three = (StepSchedule(short, updates) for updates in (1, 3))
    assert [three(update) for update in range(1, 31)] == [
        first(iteration) for iteration in range(1, 11) for _ in range(3)
    ]


def recipe(*arguments):
    return read_options(arguments)[1]


def test_defaults_are_the_papers():
    default = recipe()
    assert (default.iterations, default.steps, default.warmup_iterations) == (
        64000,
        (32000, 48000),
        400,
    )
    assert (default.learning_rate, default.warmup_learning_rate) == (0.1, 0.01)
    assert (default.batch_size, default.momentum, default.weight_decay, default.nesterov) == (
        128,
        0.9,
        1e-4,
        False,
    )
    assert (default.log_every, default.test_every, default.decay, default.init_fan) == (
        100,
        2000,
        "weights",
        "in",
    )


def test_iterations_alone_shrink_the_whole_schedule():
    short = recipe("--iterations", "3200")
    assert (short.steps, short.warmup_iterations, short.log_every, short.test_every) == (
        (1600, 2400),
        20,
        100,
        200,
    )
    assert recipe(
        "--iterations", "3200", "--steps", "100,200", "--warmup-iterations", "0"
    ).steps == (100, 200)
    assert recipe("--iterations", "3200", "--warmup-iterations", "0").warmup_iterations == 0


@pytest.mark.parametrize("iterations", [1, 2, 3, 7, 19, 50, 199, 1200, 64000])
def test_every_length_has_log_rows_where_it_tests(iterations):
    run = recipe("--iterations", str(iterations))
    assert run.log_every >= 1 and run.test_every % run.log_every == 0


def option(*arguments):
    typed, _ = read_options(arguments)
    return network_options.network(typed, "cifar", train_cifar.DEPTH).option


def test_option_takes_the_papers_choice_for_each_unit():
    assert option("--depth", "110") == "A"
    assert option("164") == "B"
    assert option("--depth", "110", "--unit", "one_layer") == "A"


def test_scale_sets_the_defaults_and_options_overrule_it():
    desk = recipe("--scale", "desk")
    assert (desk.iterations, desk.steps, desk.warmup_iterations) == (24000, (12000, 18000), 400)
    assert (desk.image_size, desk.batch_size, desk.test_every, desk.log_every) == (
        16,
        64,
        1000,
        100,
    )
    short = recipe(
        "--scale", "desk", "--iterations", "240", "--batch-size", "32", "--dtype", "float32"
    )
    assert (short.iterations, short.steps, short.batch_size, short.dtype) == (
        240,
        (120, 180),
        32,
        "float32",
    )


def test_epochs_are_counted_in_the_training_pictures():
    assert recipe("--epochs", "10").iterations == round(10 * 50000 / 128)
    assert recipe("--epochs", "10", "--validation").iterations == round(10 * 45000 / 128)
    assert recipe("--epochs", "2", "--batch-size", "100").iterations == 1000
    refusal(lambda: recipe("--epochs", "2", "--iterations", "5"), "use one of them")
    refusal(lambda: recipe("--epochs", "0"), "--epochs 0")


@pytest.mark.parametrize(
    "words, iterations",
    [
        (["--epochs", "10"], 391),
        (["--epochs", "10", "--validation"], 352),
        (["--scale", "pocket"], 782),
        (["--scale", "pocket", "--iterations", "300", "--batch-size", "100"], 500),
    ],
)
def test_each_epoch_ends_with_a_row_and_a_test(words, iterations):
    by_epoch = recipe(*words, "--test-every-epoch")
    assert (by_epoch.log_every, by_epoch.test_every) == (iterations, iterations)
    other = recipe(*words)
    assert by_epoch == replace(other, log_every=iterations, test_every=iterations)


@pytest.mark.parametrize("option", ["--log-every", "--test-every"])
def test_test_every_epoch_leaves_nothing_to_say_of_rows(option):
    refusal(lambda: recipe("--test-every-epoch", option, "100"), f"{option}: use one of them")


def test_learning_rate_can_be_constant():
    constant = recipe("--steps", "", "--warmup-iterations", "0")
    assert constant.steps == () and StepSchedule(constant)(64000) == 0.1
