"""A run keeps its checkpoint and its exit code if its output cannot be written."""

import os
import pty
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, SMALL, start, wait_for_row

from common.screen import Screen
from training import checkpoint


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError, RuntimeError])
def test_writing_to_a_lost_stream_raises_nothing(error):
    """Its reader has ended, it is closed, or a signal arrived during another write."""

    class Lost:
        def write(self, *_):
            raise error

        flush = write

    print("a line", file=Screen(Lost()), flush=True)


TRAIN = [sys.executable, "-W", "ignore", "train_cifar.py"]
LONG = ["--iterations", "20000", "--log-every", "20", "--test-every", "20000"]


def test_run_whose_tee_has_ended_keeps_its_checkpoint(images, tmp_path):
    process = start("--data-dir", images, *SMALL, *LONG, "--output", tmp_path)
    process.stdout.close()
    process.stderr.close()
    wait_for_row(tmp_path, 20)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=1800) == 130
    assert checkpoint.iteration_of(checkpoint.paths(tmp_path)[-1]) >= 20


def test_run_whose_terminal_is_closed_keeps_its_checkpoint(images, tmp_path):
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(ROOT)
        command = [*TRAIN, "--data-dir", str(images), *SMALL, *LONG, "--output", str(tmp_path)]
        os.execv(command[0], command)
    wait_for_row(tmp_path, 20)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 129
    assert checkpoint.iteration_of(checkpoint.paths(tmp_path)[-1]) >= 20


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_mistake_keeps_its_exit_code_without_standard_error(where):
    command = f"exec {' '.join(TRAIN)} --depth 21 {where}"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT).returncode == 2
