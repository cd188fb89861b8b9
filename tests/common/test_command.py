"""Command lines: folders in the user's notation, and mistakes as one line."""

import importlib
from pathlib import Path

import pytest
from cifar_options import read_options
from conftest import refusal, typed

from common.command import folder, new_folder


@pytest.mark.parametrize("option, name", [("--data-dir", "data_dir"), ("--output", "output")])
def test_tilde_is_the_home_folder(monkeypatch, option, name):
    monkeypatch.setenv("HOME", "/home/somebody")
    arguments = read_options([f"{option}=~/set"])[0]
    assert getattr(arguments, name) == Path("/home/somebody/set")
    refusal(lambda: folder("~nobody-of-this-name/set"), "home folder does not exist")


@pytest.mark.parametrize("option", ["--output", "--data-dir"])
@pytest.mark.parametrize("text", ["", " "])
def test_empty_name_is_rejected(option, text):
    refusal(lambda: read_options([option, text]), "an empty name")


@pytest.mark.parametrize("text", ["/", "//", "/tmp/.."])
def test_root_of_the_disk_is_rejected_for_output(text):
    refusal(lambda: read_options(["--output", text]), "root of the disk")
    assert new_folder("/tmp") == Path("/tmp")


COMMANDS = """
train_cifar train_imagenet train_notes score reproduce
analysis.gates analysis.lesion analysis.propagation analysis.responses
benchmarks.doctor benchmarks.feed benchmarks.loop benchmarks.peer benchmarks.variants analysis.departures publish
data.generated data.prepare plots plots.curves plots.diagrams plots.measured
plots.compare plots.notes plots.report plots.watch symbols.counts training.cluster
""".split()


@pytest.mark.parametrize("module", COMMANDS)
def test_module_has_help(module, monkeypatch, capsys):
    place = f"{module}.__main__" if module in ("plots", "publish") else module
    main = importlib.import_module(place).main
    with pytest.raises(SystemExit) as ended:
        typed(monkeypatch, main, "--help")
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("usage:")
    refusal(lambda: typed(monkeypatch, main, "--no-such-option"), "--help lists the options")
