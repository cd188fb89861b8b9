"""A bad run is reported and left out; all other runs are drawn."""

import json
import os
from functools import partial

import pytest
from drawn_runs import CONFIG

import plots.__main__
from common import files
from paper import run_files
from plots import curves, figure_files
from training.log import HEADER

LOG = HEADER + "200,1,0.1,1,50,1,60,500,60\n400,2,0.1,0.5,40,1,50,500,60\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(text of config.json, text of log.csv): a run folder."""
    for place in ("RESULTS", "RUNS", "FIGURES"):
        monkeypatch.setattr(files, place, tmp_path / place.lower())

    def write(config, log=LOG):
        folder = files.RUNS / "pocket" / f"run{len(list(tmp_path.glob('runs/*/*')))}" / "seed0"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(config)
        (folder / "log.csv").write_text(log)
        return folder

    return write


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
    folder = run(text(), LOG.replace(",1,50,", f",{loss},50,"))
    curves.draw(folder)
    assert (folder / "curves.png").is_file()


@pytest.mark.parametrize("name", ["$x_$y^{", "\\frac{", "$x$", "{}%s"])
def test_data_set_of_any_name_is_drawn(run, name):
    figure = curves.figure_of([run_files.read(run(text(data=name)))], title=name)
    assert figure_files.png(figure)


def test_others_are_drawn_beside_bad_ones(run, capsys):
    bad = [run(config) for config in BAD]
    sound = run(text())
    plots.__main__.side_by_side([partial(plots.__main__.draw_run, path) for path in [*bad, sound]])
    out = capsys.readouterr().out
    for folder in bad:
        assert f"left out: {os.path.relpath(folder)} is not a run folder (config.json: " in out
    assert len(out.splitlines()) == len(BAD) + 1 and (sound / "curves.png").is_file()
