"""make notes: the notes' recipe in our loop, resumed bit for bit, with the notes' two figures at the
end.
"""

import signal

import matplotlib.image
import pytest
from conftest import arrays, refusal, same, typed

import train_notes
from common import files
from symbols import get_symbol, notes
from training import options
from training.log import read_log
from training.optimizer import optimizer


def arguments(*words):
    return options.read(train_notes.parser(), words)


def test_recipe_is_the_notes(capsys):
    recipe = train_notes.recipe_for(arguments(), 50000)
    assert (recipe.iterations, recipe.log_every, recipe.test_every) == (3910, 391, 391)
    assert (recipe.learning_rate, recipe.steps, recipe.warmup_iterations) == (0.1, (), 0)
    assert (recipe.nesterov, recipe.momentum, recipe.weight_decay) == (True, 0.9, 1e-4)
    assert (recipe.input, recipe.augmentation, recipe.batch_size) == ("raw", "none", 128)
    adam = train_notes.recipe_for(arguments("--optimizer", "adam"), 50000)
    assert (adam.optimizer, adam.nesterov, adam.learning_rate) == ("adam", False, 5e-4)
    optimizer(adam, get_symbol(8))
    assert capsys.readouterr().out == "", "MXNet warns if the scheduler has another learning rate"


def test_length_is_extended_only_if_it_is_named():
    assert arguments().epochs is None and arguments("--epochs", "10").epochs == 10


@pytest.fixture
def trains(images, tmp_path, monkeypatch):
    """trains(name, *options) -> exit code; one narrow unit in each stage, 500 small images."""
    monkeypatch.setattr(files, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(notes, "WIDTHS", (4, 4, 4))
    symbol = notes.get_symbol
    monkeypatch.setattr(notes, "get_symbol", lambda units: symbol(units, (4, 4, 4)))

    def call(name, *options):
        words = "--units 1 --epochs 2 --batch-size 50".split()
        words += ["--data-dir", images, "--output", tmp_path / name]
        return typed(monkeypatch, train_notes.main, *words, *options)

    return call


def test_run_ends_with_two_figures_and_prints_a_line_for_each_epoch(trains, tmp_path, capsys):
    assert trains("run") == 0
    out = capsys.readouterr().out
    for words in ("epoch 1: training accuracy", "epoch 2: training accuracy", "on 100 images"):
        assert words in out
    assert [row["iteration"] for row in read_log(tmp_path / "run")] == [10, 20]
    for name in ("loss", "accuracy"):  # not in plots/figures/, which has those of the published run
        assert matplotlib.image.imread(tmp_path / "run" / f"notes-{name}.png").std() > 0.01
    assert not (tmp_path / "figures").exists()


def test_run_whose_figures_cannot_be_drawn_ends_with_a_warning(trains, tmp_path, capfd):
    (tmp_path / "run" / "notes-loss.png").mkdir(parents=True)
    assert trains("run") == 0
    out, err = capfd.readouterr()
    assert "on 100 images" in out and "warning: the figure cannot be drawn (" in err


def test_epochs_are_counted_from_1_for_any_batch(trains, capsys):
    assert trains("run", "--batch-size", "400", "--epochs", "4", "--micro-batch", "200") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if ": training accuracy" in line]
    assert [line.split(":")[0] for line in lines] == [f"epoch {k}" for k in (1, 2, 3, 4)]


def test_notes_have_no_scales(trains):
    refusal(lambda: trains("run", "--scale", "pocket"), "--scale: invalid choice: 'pocket'")


def test_run_that_was_stopped_ends_as_an_uninterrupted_one(trains, tmp_path, monkeypatch):
    assert trains("whole") == 0
    lines = train_notes.Epochs.draw
    monkeypatch.setattr(
        train_notes.Epochs, "draw", lambda self: signal.raise_signal(signal.SIGTERM)
    )
    assert trains("broken") == 143
    monkeypatch.setattr(train_notes.Epochs, "draw", lines)
    assert trains("broken") == 0
    assert same(tmp_path / "whole", tmp_path / "broken")
    assert list(arrays(tmp_path / "whole")) == list(arrays(tmp_path / "broken"))
