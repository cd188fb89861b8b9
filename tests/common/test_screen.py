"""A terminal, a reader or a disk that is gone costs no run its checkpoint, nor its exit code."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, SMALL, rows, start, wait_for_row

from common.screen import Screen
from training import checkpoint


def broken_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", buffering=1)


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def full():
    return open("/dev/full", "w")


class Busy(io.StringIO):
    def write(self, text):
        raise RuntimeError("reentrant call")


@pytest.mark.parametrize("stream", [broken_pipe, closed, Busy, full])
def test_nothing_that_is_written_to_a_lost_stream_raises(stream):
    lost = stream()
    screen = Screen(lost)
    print("a line", file=screen, flush=True)
    with contextlib.suppress(OSError):  # what is still in its buffer
        lost.close()


LONG = ["--iterations", "20000", "--log-every", "20", "--test-every", "20000"]


def told(process, number, folder):
    """(exit code, iteration of the last checkpoint) of a run that gets a signal after a row."""
    wait_for_row(folder, 20)
    if number:
        process.send_signal(number)
    code = process.wait(timeout=300)
    return code, checkpoint.iteration_of(checkpoint.found(folder)[-1])


def test_run_whose_tee_died_first_keeps_its_checkpoint(images, tmp_path):
    process = start("--data-dir", images, *SMALL, *LONG, "--output", tmp_path / "run")
    process.stdout.close()
    process.stderr.close()
    code, iteration = told(process, signal.SIGINT, tmp_path / "run")
    assert code == 130 and iteration >= 20


def test_run_whose_terminal_goes_away_keeps_its_checkpoint(images, tmp_path):
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(ROOT)
        command = [
            sys.executable,
            "-W",
            "ignore",
            "train_cifar.py",
            "--data-dir",
            str(images),
            *SMALL,
            *LONG,
            "--output",
            str(tmp_path / "run"),
        ]
        os.execv(command[0], command)
    wait_for_row(tmp_path / "run", 20)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 129
    assert checkpoint.iteration_of(checkpoint.found(tmp_path / "run")[-1]) >= 20


def test_run_with_a_closed_standard_error_ends_as_any(images, tmp_path):
    words = ["train_cifar.py", "--data-dir", images, *SMALL, "--output", tmp_path / "run"]
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-W", "ignore", *words]
    done = subprocess.run([*map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and "finished: test error" in done.stdout
    assert rows(tmp_path / "run")[-1][0] == 40
    assert (tmp_path / "run" / ".lock").read_text().startswith("process ")


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_mistake_keeps_its_exit_code_where_nobody_can_read_it(where):
    command = f"exec {sys.executable} -W ignore train_cifar.py --depth 21 {where}"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT).returncode == 2
