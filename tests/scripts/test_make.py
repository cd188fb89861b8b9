"""make says what it can do, hands every word on, and passes a mistake through in one line."""

import os
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

from symbols import names


def make(*arguments):
    command = ["make", *arguments, "-o", ".venv/ready", f"PY={sys.executable}"]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True)


def test_help_lists_jobs_and_variants():
    out = make("help").stdout
    jobs = ["make demo", "make test", "make plots", "make parameters", "make feed"]
    for word in [*jobs, *names.variants("shortcuts"), *names.variants("activations")]:
        assert word in out, word


def test_every_word_becomes_an_option():
    command = make(
        "-n",
        "cifar100-preact164",
        "GPUS=0,1",
        "CPUS=2",
        "SEED=3",
        "DATA=d",
        "OUTPUT=o",
        "ITERATIONS=5",
        "BATCH=64",
        "UNIT=basic",
        "SHORTCUT_ARGS=bias=-7",
        "ACTIVATION_ARGS=beta=2",
        "WIDTHS=32,64,128",
        "IMAGE_SIZE=16",
        "SCALE=pocket",
        "EPOCHS=2",
        "LR=0.05",
        "INITIAL=a b",
        "FREEZE=conv1,stage1",
        "ARGS=--nesterov",
    ).stdout
    command = command.replace("'", "")
    for option in [
        "--dataset cifar100",
        "--gpus 0,1",
        "--cpus 2",
        "--seed 3",
        "--data-dir d",
        "--output o",
        "--epochs 2",
        "--learning-rate 0.05",
        "--iterations 5",
        "--batch-size 64",
        "--unit basic",
        "--shortcut-args bias=-7",
        "--activation-args beta=2",
        "--widths 32,64,128",
        "--image-size 16",
        "--scale pocket",
        "--nesterov",
        "--initial a b",
        "--freeze conv1,stage1",
    ]:
        assert option in command, option


def test_benchmark_is_beside_our_own_step_a_peer_or_the_original_unit():
    assert "-m benchmarks.loop" in make("-n", "benchmark").stdout
    assert (
        "-m benchmarks.peer 'python3' --pairs 3"
        in make("-n", "benchmark", "PEER=python3", "ARGS=--pairs 3").stdout
    )
    of_networks = make("-n", "benchmark", "NETWORKS=dropout56 preact56").stdout
    assert "-m benchmarks.variants dropout56 preact56" in of_networks
    both = make("-n", "benchmark", "NETWORKS=dropout56", "PEER=python3")
    assert both.returncode and "name one" in both.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["cifar10-preact21"], "nearest"),
        (["cifar10-no_such110"], "neither an activation"),
        (["cifar10-20", "SCALE=huge"], "SCALE=huge"),
    ],
)
def test_mistake_ends_make_with_one_line(arguments, words):
    done = make(*arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["cifar10-preact20", "BATCH_SIZE=64"], "did you mean BATCH=?"),
        (["cifar10-preact20", "EPOCH=10"], "did you mean EPOCHS=?"),
        (["table1", "ITERATIONS=5"], "takes no ITERATIONS="),
        (["lesion", "RUN=a", "SEED=3"], "takes no SEED="),
        (["demo", "SEED=3"], "takes no SEED="),
        (["help", "X=1"], "takes no X="),
    ],
)
def test_word_that_a_target_does_not_know_is_refused(words, message):
    done = make("-n", *words)
    assert done.returncode == 2 and message in done.stderr and not done.stdout


@pytest.mark.parametrize("value", ["it's here", "a b=c", "`id`", "$$(id)", "x; id", '"'])
def test_value_reaches_the_program_as_it_was_typed(value):
    command = make("-n", "cifar10-preact20", f"DATA={value}", "ARGS=--shortcut-args bias=-7").stdout
    words = shlex.split(command.splitlines()[-1])
    assert words[words.index("--data-dir") + 1] == value.replace("$$", "$")
    assert words[-2:] == ["--shortcut-args", "bias=-7"]


@pytest.mark.parametrize("word", ["SCALE", "SEED", "OUTPUT", "UNIT", "ITERATIONS"])
def test_no_word_runs_code(word):
    command = make("-n", "cifar10-preact20", f"{word}=demo; touch `id`").stdout
    assert "demo; touch `id`" in shlex.split(command.splitlines()[-1])


def test_folder_that_is_called_like_a_target_is_no_reason_to_do_nothing(tmp_path):
    assert "train_cifar.py" in make("-n", "cifar10-preact20").stdout
    folder = ROOT / "cifar10-preact20"
    folder.mkdir()
    try:
        assert "train_cifar.py" in make("-n", "cifar10-preact20").stdout
    finally:
        folder.rmdir()


def test_settings_for_other_pythons_do_not_reach_ours():
    settings = dict(PYTHONPATH="/nowhere", PYTHONHOME="/nowhere", PYTHONSAFEPATH="1", PIP_USER="1")
    done = subprocess.run(
        ["make", "parameters", "-o", ".venv/ready", f"PY={sys.executable}"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, **settings},
    )
    assert done.returncode == 0 and "1,72" in done.stdout, done.stderr


def test_runs_are_compared_in_one_picture():
    command = make(
        "-n",
        "compare",
        "RUN=runs/a runs/b",
        "TITLE=two of mine",
        "WHAT=loss",
        "BY=epoch",
        "OUTPUT=c.png",
    ).stdout
    assert "plots.compare 'runs/a' 'runs/b'" in command
    for option in ("--title 'two of mine'", "--what 'loss'", "--by 'epoch'", "--output 'c.png'"):
        assert option in command
    assert "needs the folders" in make("-n", "compare").stderr


def test_trained_network_predicts_and_is_exported_by_one_word():
    command = make("-n", "predict", "RUN=a", "PHOTO=b c.jpg", "OUTPUT=d.png").stdout
    words = shlex.split(command.replace("\\\n", ""))
    assert words[words.index("--predict") + 1] == "b c.jpg"
    assert "--export 'onnx'" in make("-n", "export", "RUN=a", "FORMAT=onnx").stdout
    assert "--export 'mxnet'" in make("-n", "export", "RUN=a").stdout
    assert "PHOTO=" in make("-n", "predict", "RUN=a").stderr
    assert "RUN=" in make("-n", "export").stderr
