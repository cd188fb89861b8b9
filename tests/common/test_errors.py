"""Mistakes and failures of the user's machine are one line with a remedy, without a traceback."""

import errno
import sys

import mxnet as mx
import pytest
from cifar_options import read_options
from conftest import ROOT, refusal
from made_runs import full_disk
from source import run_in

from common import errors, files
from data import generated
from training.cost import in_words
from training.recipe import Recipe


def ended(capsys, error):
    """(exit code, standard error) of a script that raises an error."""

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


@pytest.mark.parametrize("error, code", [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)])
def test_ctrl_c_and_a_closed_pipe_have_no_traceback(capsys, monkeypatch, error, code):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # run_main() replaces it
    ended_with, err = ended(capsys, error)
    assert ended_with == code and "Traceback" not in err


def test_fault_of_ours_keeps_its_traceback(capsys):
    with pytest.raises(mx.MXNetError, match="another fault"):
        ended(capsys, mx.MXNetError("another fault"))


@pytest.mark.parametrize(
    "option", ["--learning-rate", "--warmup-learning-rate", "--momentum", "--weight-decay"]
)
@pytest.mark.parametrize("value", ["1e39", "3.5e38", "inf", "nan"])
def test_rate_beyond_float32_is_one_line(option, value):
    refusal(lambda: read_options([option, value]), option, "float32")
    assert read_options([option, "3e38"])


@pytest.mark.parametrize(
    "number, remedy", [(errno.ENOSPC, "is the disk full?"), (errno.EROFS, "--output")]
)
def test_folder_that_cannot_be_written_has_its_remedy(number, remedy):
    def write():
        with files.writing("place"):
            raise OSError(number, "why")

    refusal(write, "place (why)", remedy)


def test_full_disk_is_one_line(tmp_path, capsys):
    with full_disk(100_000):
        refusal(lambda: generated.write(tmp_path / "set", 600), "is the disk full?")
    left = [path.name for path in (tmp_path / "set").iterdir()]
    assert left == ["generated.txt"], "half a file is left"
    code, err = ended(capsys, OSError(errno.ENOSPC, "No space left on device"))
    assert code == 2 and len(err.splitlines()) == 1 and "the disk" in err


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_name_that_the_terminal_cannot_print_is_escaped(tmp_path, encoding):
    folder = tmp_path / "bad-\udcff-\u65e5"
    settings = dict(PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    code, _, err = run_in(ROOT, "-m", "data.generated", "--images", "6", folder, **settings)
    assert code == 0 and (folder / "test_batch.bin").is_file(), err
    script = "import sys, common; print(sys.argv[1])"
    code, out, err = run_in(ROOT, "-c", script, folder, **settings)
    assert code == 0 and "\\udcff" in out, err


@pytest.mark.parametrize("seconds, words", [(60, "60 s"), (7200, "2.0 h"), (864000, "10.0 days")])
def test_cost_in_words(seconds, words):
    cost = {"seconds": seconds, "images_per_second": 12.34, "megabytes": 2345.6}
    text = in_words(cost, Recipe())
    assert words in text and "64,000" in text and "12.3 images/s" in text and "2,346 MB" in text
    gpu = in_words({**cost, "gpu_megabytes": 99.6}, Recipe())
    assert gpu.endswith("2,346 MB and 100 MB on each GPU")
