"""What is wrong on a user's machine is one line with a remedy, and never a traceback."""

import resource
import subprocess
import sys

import mxnet as mx
import pytest
from conftest import ROOT, refusal

import train_cifar
from common import errors
from data import cifar, folders, generated, image_folders, imagenet
from training import fit
from training.recipe import Recipe


def ended(capsys, error):
    """(exit code, what is on standard error) of a script that raises an error."""

    def main():
        raise error

    with pytest.raises(SystemExit) as exit_:
        errors.run_main(main)
    return exit_.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        mx.MXNetError("a\nb\nMXNetError: Failed to allocate CPU Memory"),
        mx.MXNetError("cudaMalloc retry failed: out of memory"),
        mx.MXNetError("std::bad_alloc"),
    ],
)
def test_full_memory_is_one_line(capsys, error):
    code, err = ended(capsys, error)
    assert code == 2 and len(err.splitlines()) == 1 and "--micro-batch" in err


def test_fault_of_ours_keeps_its_traceback():
    def main():
        raise mx.MXNetError("another fault")

    with pytest.raises(mx.MXNetError, match="another fault"):
        errors.run_main(main)


@pytest.mark.parametrize(
    "option", ["--learning-rate", "--warmup-learning-rate", "--momentum", "--weight-decay"]
)
@pytest.mark.parametrize("value", ["1e39", "3.5e38", "inf", "nan"])
def test_rate_beyond_float32_is_one_line(option, value):
    refusal(lambda: train_cifar.read_options([option, value]), option, "float32")
    assert train_cifar.read_options([option, "3e38"])


@pytest.mark.parametrize(
    "load",
    [lambda path: cifar.load("cifar10", path), image_folders.load, folders.listing, imagenet.load],
)
def test_missing_folder_does_not_exist_and_is_not_called_empty(tmp_path, load):
    refusal(lambda: load(tmp_path / "nowhere"), "nowhere does not exist")


def test_full_disk_while_the_generated_set_is_made_is_one_line(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        refusal(lambda: generated.write(tmp_path / "set", 600), "is the disk full?")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "set").iterdir()), "half a file is left"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_name_that_the_terminal_cannot_print_is_escaped(tmp_path, encoding):
    name = "bad-\udcff-\u65e5"
    done = subprocess.run(
        [sys.executable, "-m", "data.generated", "--images", "6", tmp_path / name],
        cwd=ROOT,
        capture_output=True,
    )
    assert done.returncode == 0 and (tmp_path / name / "test_batch.bin").is_file(), done.stderr
    code = "import sys, common; print(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        cwd=ROOT,
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0 and b"\\udcff" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "seconds, words", [(60, "1.0 min"), (7200, "2.0 h"), (864000, "10.0 days")]
)
def test_cost_is_told_in_words(seconds, words):
    cost = {"seconds": seconds, "images_per_second": 12.34, "megabytes": 2345.6}
    assert (
        fit.cost_in_words(cost, Recipe())
        == f"64,000 iterations of batch 128 will take about {words} here, at 12.3 images/s, and"
        " 2,346 MB"
    )
    gpu = fit.cost_in_words({**cost, "gpu_megabytes": 99.6}, Recipe())
    assert gpu.endswith("2,346 MB and 100 MB on each GPU")


@pytest.mark.parametrize(
    "option, kind", [([], None), (["--cost"], "words"), (["--cost-json"], "json")]
)
def test_json_is_for_programs(option, kind):
    assert train_cifar.read_options(option)[0].cost == kind
