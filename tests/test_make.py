"""make says what it can do, hands every word on, and passes a mistake through in one line."""
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
    command = make("-n", "cifar100-preact164", "GPUS=0,1", "CPUS=2", "SEED=3", "DATA=d", "OUTPUT=o", "ITERATIONS=5", "BATCH=64",
                   "UNIT=basic", "SHORTCUT_ARGS=bias=-7", "IMAGE_SIZE=16", "SCALE=pocket", "ARGS=--nesterov").stdout
    for option in ["--dataset cifar100", "--gpus 0,1", "--cpus 2", "--seed 3", '--data-dir "d"', '--output "o"', "--iterations 5",
                   "--batch-size 64", "--unit basic", '--shortcut-args "bias=-7"', "--image-size 16", "--scale pocket",
                   "--nesterov"]:
        assert option in command, option


@pytest.mark.parametrize("arguments, words", [
    (["cifar10-preact21"], "nearest"), (["cifar10-highway110"], "neither an activation"),
    (["cifar10-20", "SCALE=huge"], "SCALE=huge")])
def test_mistake_ends_make_with_one_line(arguments, words):
    done = make(*arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr



def test_computed_parts_of_the_readme_are_up_to_date():
    assert subprocess.run([sys.executable, "-W", "ignore", "-m", "docs.readme", "--check"], cwd=ROOT).returncode == 0
