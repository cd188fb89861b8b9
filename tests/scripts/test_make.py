"""make lists its targets, passes every value on exactly as typed, and reports a mistake in one line."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

from symbols import names


def make(*arguments, **environment):
    command = ["make", *arguments, "-o", ".venv/ready", f"PY={sys.executable}"]
    return subprocess.run(
        command,
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", **environment},
    )


def command(*arguments):
    """The words of the last command that make would run."""
    done = make("-n", *arguments)
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout.replace("\\\n", " ").splitlines()[-1])


def test_help_lists_targets_and_variants():
    out = make("help").stdout
    targets = (ROOT / "Makefile").read_text().split("TARGETS := FORCE ")[1].split(".PHONY")[0]
    words = re.findall(r"(?<![\w-])[a-z][\w-]*", targets)
    for word in [*words, *names.variants("shortcuts"), *names.variants("activations")]:
        assert re.search(rf"\b{word}\b", out), word


VARIABLES = (
    "GPUS CPUS SEED OUTPUT ITERATIONS UNIT SHORTCUT_ARGS ACTIVATION_ARGS WIDTHS IMAGE_SIZE SCALE "
    "EPOCHS INITIAL FREEZE"
)
OPTIONS = {name: f"--{name.lower().replace('_', '-')}" for name in VARIABLES.split()}
OPTIONS.update(DATA="--data-dir", BATCH="--batch-size", LR="--learning-rate")


def test_every_variable_becomes_an_option():
    values = [f"{name}=value of {name}" for name in OPTIONS]
    words = command("cifar100-preact164", *values, "ARGS=--nesterov --shortcut-args bias=-7")
    options = words[words.index("preact164") + 1 :]
    assert options[:2] == ["--dataset", "cifar100"]
    assert options[-3:] == ["--nesterov", "--shortcut-args", "bias=-7"]
    assert dict(zip(options[2:-3:2], options[3:-3:2])) == {
        option: f"value of {name}" for name, option in OPTIONS.items()
    }


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["benchmark"], "-m benchmarks.loop"),
        (["benchmark", "PEER=a b", "ARGS=--pairs 3"], "-m benchmarks.peer 'a b' --pairs 3"),
        (["benchmark", "NETWORKS=dropout56 preact56"], "-m benchmarks.variants dropout56 preact56"),
        (["table1", "SEEDS=3", "-j"], "reproduce.py table1 --scale full --seeds 3"),
        (["table1", "SEEDS=1,2", "-j2"], "reproduce.py table1 --jobs 2 --scale full --seeds 1,2"),
        (["imagenet-data", "SOURCE=a b", "DATA=c"], "-m data.prepare 'a b' --output c"),
        (["imagenet-data", "DATA=c"], "-m data.prepare  --output c"),
        (
            [
                "compare",
                "RUN=a/$b c",
                "TITLE=two of $mine",
                "WHAT=loss",
                "BY=epoch",
                "OUTPUT=c.png",
            ],
            "-m plots.compare 'a/$b' c --what loss --by epoch --title 'two of $mine' --output c.png",
        ),
        (["predict", "RUN=a", "PHOTO=b c.jpg"], "-W ignore score.py a --predict 'b c.jpg'"),
        (["export", "RUN=a", "FORMAT=onnx"], "-W ignore score.py a --export onnx"),
        (["export", "RUN=a"], "-W ignore score.py a --export mxnet"),
    ],
)
def test_target_runs_its_program(arguments, expected):
    expected = shlex.split(expected)
    assert command(*arguments)[-len(expected) :] == expected


def test_measurement_is_drawn():
    text = " ".join(command("lesion", "RUN=a b", "DATA=d", "ARGS=--samples 3"))
    assert "analysis.lesion a b --data-dir d --samples 3)" in text
    assert "-m plots.measured $paths;;" in text
    text = " ".join(command("propagation", "NETWORKS=preact20 r"))
    assert "analysis.propagation preact20 r" in text


@pytest.mark.parametrize("target", ["compare", "lesion", "score", "predict", "export"])
def test_target_that_needs_trained_runs_says_so(target):
    assert "RUN=" in make("-n", target).stderr


def test_predict_needs_photographs_and_benchmark_one_kind():
    assert "PHOTO=" in make("-n", "predict", "RUN=a").stderr
    assert "name one" in make("-n", "benchmark", "NETWORKS=dropout56", "PEER=python3").stderr


def test_clean_keeps_data_and_results():
    assert make("-n", "clean").stdout.split() == "rm -rf .venv .pytest_cache .ruff_cache".split()


def test_mistake_ends_make_with_one_line():
    done = make("cifar10-20", "SCALE=huge")
    assert (
        done.returncode == 2
        and "--scale: invalid choice: 'huge'" in done.stderr
        and "Traceback" not in done.stderr
    )


@pytest.mark.parametrize(
    "words, message",
    [
        (["cifar10-preact20", "BATCH_SIZE=64"], "did you mean BATCH=?"),
        (["cifar10-preact20", "EPOCH=10"], "did you mean EPOCHS=?"),
        (["table1", "ITERATIONS=5"], "takes no ITERATIONS="),
        (["lesion", "RUN=a", "SEED=3"], "takes no SEED="),
        (["demo", "SEED=3"], "takes no SEED="),
        (["imagenet-50", "SCALE=pocket"], "takes no SCALE="),
        (["help", "X=1"], "takes no X="),
        (["cifar10-20", "SED:=3"], "did you mean SEED=?"),
        (["table5", "SCALE=desk"], "takes no SCALE="),
        (["cifar10-"], "No rule to make target"),
        (["foo;echo>&2"], "there is no target foo;echo>&2"),
        (["it's"], "there is no target it's"),
        (["tests"], "did you mean test?"),
        (["table1", "cifar10-20", "SEED=3"], "make table1 takes no SEED=: run it by itself"),
        (["plots", "cifar10-20", "table5", "SEED=3"], "make table5 takes no SEED="),
        (["predict", "RUN=a", "PHOTO=a.png", "README.md"], 'quote the whole value: RUN="a b"'),
        (["compare", "RUN=a", "results/pocket"], 'quote the whole value: RUN="a b"'),
    ],
)
def test_unknown_variable_or_target_is_rejected(words, message):
    done = make("-n", *words)
    assert done.returncode == 2 and message in done.stderr and not done.stdout
    assert len(done.stderr.splitlines()) == 1


def test_goals_share_the_variables_that_all_of_them_take():
    words = ["setup", "plots", "table1", "figure3", "SCALE=desk", "VARIANT=cpu"]
    assert make("-n", *words).stdout.count("--scale 'desk'") == 2


def test_variables_of_the_environment_are_not_options():
    others = {name: "other" for name in [*OPTIONS, "ARGS", "NETWORKS", "PEER"] if name != "SCALE"}
    for target in ("cifar10-preact20", "propagation", "benchmark"):
        assert make("-n", target, **others).stdout == make("-n", target).stdout != ""
    assert "--scale desk" in make("cifar10-preact20", "-n", SCALE="desk").stdout.replace("'", "")


VALUES = ["it's here", "a b=c", "`id`", "$(id)", "$$", "$5 or $HOME", "x; id", '"']


@pytest.mark.parametrize("value", VALUES)
def test_value_reaches_the_program_as_it_was_typed(value):
    names = ("DATA", "SCALE", "INITIAL")
    words = command("cifar10-preact20", *(f"{name}={value}" for name in names))
    for name in names:
        assert words[words.index(OPTIONS[name]) + 1] == value


def test_file_with_the_name_of_a_target_does_not_stop_it(tmp_path):
    (tmp_path / "cifar10-preact20").mkdir()
    words = ["make", "-n", "-f", str(ROOT / "Makefile"), "cifar10-preact20", "-o", ".venv/ready"]
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True)
    assert "train_cifar.py" in done.stdout, done.stderr


def test_settings_for_other_pythons_do_not_reach_ours():
    settings = dict(PYTHONPATH="/nowhere", PYTHONHOME="/nowhere", PYTHONSAFEPATH="1", PIP_USER="1")
    done = make("imagenet-preact18", "ARGS=--help", **settings)
    assert done.returncode == 0 and "--data-dir" in done.stdout, done.stderr
