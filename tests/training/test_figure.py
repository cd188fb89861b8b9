"""A run's figure: a machine without a free process or memory does not end the training."""

import errno
import subprocess

from training.figure import Figure


def test_figure_that_cannot_be_started_is_a_warning(monkeypatch, tmp_path, capsys):
    def fail(*arguments, **options):
        raise BlockingIOError(errno.EAGAIN, "no process is free")

    monkeypatch.setattr(subprocess, "Popen", fail)
    monkeypatch.setattr(subprocess, "run", fail)
    figure = Figure(tmp_path)
    figure.draw()
    assert capsys.readouterr().err == ""
    figure.finish()
    assert "the figure cannot be drawn (no process is free)" in capsys.readouterr().err


def test_run_without_a_log_is_a_warning(tmp_path, capsys):
    Figure(tmp_path).finish()
    assert "warning: the figure cannot be drawn (" in capsys.readouterr().err
