"""The learning rate and the shrunk schedules are the papers' to the iteration."""

from dataclasses import replace

import pytest
from cifar_options import read_options
from conftest import refusal

from training.optimizer import StepSchedule
from training.recipe import CIFAR


def test_learning_rate_is_the_papers():
    ours = StepSchedule(CIFAR)
    rates = {1: 0.01, 400: 0.01, 401: 0.1, 32000: 0.1, 32001: 0.01, 48000: 0.01, 48001: 0.001}
    for iteration, rate in [*rates.items(), (1, 0.01)]:
        assert ours(iteration) == pytest.approx(rate, rel=1e-12)


def recipe(words):
    return read_options(words.split())[1]


SCHEDULE = ("iterations", "steps", "warmup_iterations", "log_every", "test_every")


@pytest.mark.parametrize(
    "words, expected",
    [
        ("", (64000, (32000, 48000), 400, 100, 2000)),
        ("--iterations 3200", (3200, (1600, 2400), 20, 100, 200)),
        (
            "--iterations 3200 --steps 100,200 --warmup-iterations 0",
            (3200, (100, 200), 0, 100, 200),
        ),
        ("--scale desk", (24000, (12000, 18000), 400, 100, 1000)),
        ("--scale desk --iterations 240 --batch-size 32", (240, (120, 180), 4, 12, 204)),
    ],
)
def test_iterations_shrink_the_whole_schedule(words, expected):
    run = recipe(words)
    assert tuple(getattr(run, name) for name in SCHEDULE) == expected


def test_defaults_are_the_papers_and_a_scale_sets_others():
    default = recipe("")
    assert (default.learning_rate, default.warmup_learning_rate) == (0.1, 0.01)
    assert (default.batch_size, default.momentum, default.weight_decay) == (128, 0.9, 1e-4)
    assert (default.nesterov, default.decay, default.init_fan) == (False, "weights", "in")
    desk = recipe("--scale desk")
    assert (desk.image_size, desk.batch_size) == (16, 64)
    assert recipe("--scale desk --batch-size 32 --dtype float32").batch_size == 32


@pytest.mark.parametrize("iterations", [1, 2, 3, 7, 19, 50, 199, 1200, 64000])
def test_every_length_has_log_rows_where_it_tests(iterations):
    run = recipe(f"--iterations {iterations}")
    assert run.log_every >= 1 and run.test_every % run.log_every == 0


@pytest.mark.parametrize(
    "words, intervals",
    [
        ("--test-every 250", (100, 250)),
        ("--log-every 5000", (5000, 2000)),
        ("--iterations 50 --test-every 25", (2, 25)),
    ],
)
def test_typed_intervals_are_kept(words, intervals):
    run = recipe(words)
    assert (run.log_every, run.test_every) == intervals


@pytest.mark.parametrize(
    "words, warmup",
    [
        ("--learning-rate 0.001", 0.001),
        ("--learning-rate 0.05", 0.01),
        ("--learning-rate 0.001 --warmup-learning-rate 0.01", 0.01),
    ],
)
def test_warm_up_is_not_faster_than_the_training_unless_it_is_typed(words, warmup):
    assert recipe(words).warmup_learning_rate == warmup


def test_epochs_are_counted_in_training_images():
    assert recipe("--epochs 10").iterations == round(10 * 50000 / 128)
    assert recipe("--epochs 10 --validation").iterations == round(10 * 45000 / 128)
    assert recipe("--epochs 2 --batch-size 100").iterations == 1000
    refusal(lambda: recipe("--epochs 2 --iterations 5"), "use one of them")
    for epochs in ("0", "nan", "inf", "1e+308"):
        refusal(lambda: recipe(f"--epochs {epochs}"), f"--epochs {epochs}")  # noqa: B023


@pytest.mark.parametrize("words", [f"--iterations {'9' * 400}", "--epochs 1e11", "--iterations 0"])
def test_impossible_lengths_are_refused(words):
    refusal(lambda: recipe(words), "--iterations", "from 1 to")


@pytest.mark.parametrize(
    "words, iterations",
    [
        ("--epochs 10", 391),
        ("--epochs 10 --validation", 352),
        ("--scale pocket --iterations 300 --batch-size 100", 500),
    ],
)
def test_each_epoch_ends_with_a_row_and_a_test(words, iterations):
    by_epoch = recipe(f"{words} --test-every-epoch")
    assert by_epoch == replace(recipe(words), log_every=iterations, test_every=iterations)
    for option in ("--log-every", "--test-every"):
        both = f"{words} --test-every-epoch {option} 100"
        refusal(lambda both=both: recipe(both), f"{option}: use one of them")


def test_learning_rate_can_be_constant():
    constant = replace(CIFAR, steps=(), warmup_iterations=0)
    assert recipe("--warmup-iterations 0 --steps=") == constant
    assert StepSchedule(constant)(64000) == 0.1
