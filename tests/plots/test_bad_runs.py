"""A bad run is reported and left out; all other runs are drawn."""

import json
import os
import shutil
import sys

import pytest
from drawn_runs import CONFIG, row, rows

import plots.__main__
from common import files
from common.errors import UserError
from paper import run_files
from plots import curves, diagrams, figure_files


def with_config(folder, text):
    """The folder of a run, with another config.json."""
    (folder / "config.json").write_text(text)
    return folder


def text(part=None, **changes):
    """CONFIG as text, with changes at its top or in one of its parts."""
    config = json.loads(json.dumps(CONFIG))
    (config[part] if part else config).update(changes)
    return json.dumps(config)


BAD = [
    text("recipe", iterations="400"),
    text("recipe", iterations=400).replace("400", "1e999"),
    text("recipe", seed=True),
    text("recipe", depth=10**30),
    text("recipe", shortcut_args=[1]),
    text("recipe", shortcut_args={"bias": {"a": []}}),
    text("recipe", shortcut_args={"bias": None}),
    text("recipe", activation_args={"beta": "2"}),
    text(continued=[1]),
    text(continued=[{"recipe": 1}]),
    text("recipe", learning_rate=[[1]]),
    text("host", cores="two"),
    text(recipe={"depth": 56}),
    text(host=[]),
    text(name=None),
    "[" * 100_000,
    "",
]


@pytest.mark.parametrize("loss", ["1e308", "5e-324", "nan", "inf", "-1"])
def test_loss_of_any_size_is_drawn(run, loss):
    lines = [row(200, train_loss=loss, test_error=60), row(400, train_loss=0.5, test_error=50)]
    folder = run(lines)
    curves.draw(run_files.read(folder))
    assert (folder / "curves.png").is_file()


@pytest.mark.parametrize("name", ["$x_$y^{", "\\frac{", "$x$", "{}%s"])
def test_data_set_of_any_name_is_drawn(run, name):
    folder = with_config(run(rows(400)), text(data=name))
    assert figure_files.png(curves.figure_of([run_files.read(folder)], title=name))


def test_own_runs_are_drawn_beside_bad_ones(run, tmp_path, monkeypatch, capsys):
    for place in ("RESULTS", "RUNS", "FIGURES"):
        monkeypatch.setattr(files, place, tmp_path / place.lower())
    monkeypatch.setattr(diagrams, "draw_all", lambda: None)
    monkeypatch.setattr(sys, "argv", ["plots"])
    bad = [with_config(run(rows(400)), config) for config in BAD]
    sound = run(rows(400))
    published = shutil.copytree(sound, files.RESULTS / "pocket" / "a" / "seed0")
    monkeypatch.setattr(files, "RUNS", tmp_path)
    full = run(rows(400))
    draw = plots.__main__.curves.draw

    def draw_unless_full(drawn):
        if drawn.folder.resolve() == full.resolve():
            raise UserError("its disk is full")
        draw(drawn)

    monkeypatch.setattr(plots.__main__.curves, "draw", draw_unless_full)
    plots.__main__.main()
    out = capsys.readouterr().out
    for folder in bad:
        assert f"left out: {os.path.relpath(folder)} is not a run folder (config.json: " in out
    assert "left out: its disk is full" in out
    assert (sound / "curves.png").is_file() and not (published / "curves.png").exists()
