"""What is typed on a command line: folders are the user's, and a mistake is one line."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, refusal

import train_cifar
import train_imagenet
import train_notes
from common.command import folder, new_folder

SCRIPTS = [train_cifar, train_imagenet, train_notes]


@pytest.mark.parametrize("option, name", [("--data-dir", "data_dir"), ("--output", "output")])
def test_tilde_is_the_home_folder(monkeypatch, option, name):
    monkeypatch.setenv("HOME", "/home/somebody")
    arguments = train_cifar.read_options([f"{option}=~/set"])[0]
    assert getattr(arguments, name) == Path("/home/somebody/set")
    refusal(lambda: folder("~nobody-of-this-name/set"), "home folder does not exist")


def test_nothing_and_the_root_are_no_output():
    for text in ("", " "):
        refusal(lambda: train_cifar.read_options(["--output", text]), "an empty name")  # noqa: B023
        refusal(lambda: train_cifar.read_options(["--data-dir", text]), "an empty")  # noqa: B023
    for text in ("/", "//", "/tmp/.."):
        refusal(lambda: train_cifar.read_options(["--output", text]), "root of the disk")  # noqa: B023
    assert new_folder("/tmp") == Path("/tmp")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
@pytest.mark.parametrize("words", [["--no-such-option"], ["--seed", "x"], ["--seed"]])
def test_mistake_is_one_line(script, words):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", f"{script.__name__}.py", *words],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=os.environ,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert words[0] in done.stderr and "--help" in done.stderr


# what the rest of the command lines are; a script's own help is make's and the documents'
MODULES = [
    "analysis.gates",
    "analysis.lesion",
    "analysis.propagation",
    "analysis.responses",
    "benchmarks.doctor",
    "data.download",
    "data.generated",
    "data.prepare",
    "data.recompressed",
    "plots",
    "plots.curves",
    "plots.diagrams",
    "plots.gates",
    "plots.lesion",
    "plots.notes",
    "plots.propagation",
    "plots.report",
    "plots.responses",
    "plots.watch",
    "symbols.counts",
    "training.cluster",
]


@pytest.mark.parametrize("module", MODULES)
def test_help_is_help(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    place = f"{module}.__main__" if module == "plots" else module
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(place).main()
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("usage:")
    monkeypatch.setattr(sys, "argv", [module, "--no-such-option"])
    refusal(importlib.import_module(place).main, "--help lists the options")
