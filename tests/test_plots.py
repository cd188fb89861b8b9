"""Figures are drawn from what is sound, and say what is not."""
import json
import math

import matplotlib.image
import pytest

from common import files
from common.errors import UserError
from paper import runs
from plots import curves, pictures
from training.log import COLUMNS

CONFIG = {"name": "cifar10-preact20", "scale": "pocket", "data": "generated shapes", "host": {"devices": "CPU x 1", "cores": 2},
          "command": "python train_cifar.py --depth 20", "recipe": {
              "activation": "preact", "shortcut": "identity", "shortcut_args": {}, "depth": 20, "iterations": 400,
              "image_size": 16, "batch_size": 128, "seed": 0}}


@pytest.fixture
def run(tmp_path):
    """write(rows, recipe changes) -> a run's folder"""
    def write(rows, **recipe):
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**CONFIG, "recipe": {**CONFIG["recipe"], **recipe}}))
        lines = [",".join("" if row.get(name) is None else str(row[name]) for name in COLUMNS) for row in rows]
        (folder / "log.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
        return folder
    return write


def rows(last, error=30.0, loss=1.0):
    return [dict(iteration=i, epoch=i / 78, learning_rate=0.1, train_loss=loss * 100 / i, train_error=50, seconds=i,
                 images_per_second=500, **({"test_loss": 1, "test_error": error} if i % 200 == 0 else {}))
            for i in range(100, last + 1, 100)]


def test_curve_is_a_picture(run, tmp_path):
    curves.draw([runs.read(run(rows(400))), runs.read(run(rows(400, 80), activation="original", shortcut="dropout",
                                                          shortcut_args={"ratio": 0.5}))], tmp_path / "a.png")
    assert matplotlib.image.imread(tmp_path / "a.png").std() > 0.01


def test_diverged_run_is_drawn(run, tmp_path):
    end = dict(iteration=400, epoch=1, learning_rate=0.1, train_loss=math.nan, train_error=90, test_loss=math.nan, test_error=90.0,
               images_per_second=1, seconds=1)
    folder = run([*rows(300), end])
    curves.draw([runs.read(folder)], tmp_path / "a.png")
    assert runs.is_whole(runs.read(folder)) and runs.last_error(runs.read(folder)) == 90


def test_row_that_was_cut_off_is_left_out_with_the_command_that_goes_on(run, capsys):
    folder = run(rows(400))
    with open(folder / "log.csv", "a") as log:
        log.write("500,2.1,0.")
    assert runs.read(folder).rows[-1]["iteration"] == 400
    out = capsys.readouterr().out
    assert out.startswith("left out: 1 damaged row of ") and "python train_cifar.py --depth 20" in out and out.count("\n") == 1
    runs.read(run(rows(400)))
    assert not capsys.readouterr().out


def test_run_without_rows_is_refused_with_its_command(run):
    with pytest.raises(UserError, match="python train_cifar.py --depth 20"):
        runs.read(run([]))
    with pytest.raises(UserError, match="holds no run"):
        runs.read("/nowhere")


def test_unfinished_run_is_called_so(run, tmp_path):
    whole, part = runs.read(run(rows(400))), runs.read(run(rows(300)))
    assert runs.is_whole(whole) and not runs.is_whole(part)
    figure, axes = curves.plt.subplots()
    texts = [text.get_text() for text in curves.panel(axes, [whole, part]).get_legend().get_texts()]
    assert "unfinished" in texts[1] and "unfinished" not in texts[0]


def test_label_uses_the_papers_words(run):
    def label(**recipe):
        return runs.label(runs.read(run(rows(200), **recipe)))

    assert label() == "20, pre-activation"
    assert label(activation="original") == "20, original"
    assert label(activation="original", shortcut="exclusive_gating", shortcut_args={"bias": -6}) == "20, exclusive gating (bias -6)"


def test_caption_says_data_scale_seed_and_machine(run):
    caption = pictures.caption([runs.read(run(rows(200)))])
    assert all(word in caption for word in ("generated shapes", "pocket", "seed 0", "CPU x 1 (2 cores)", "batch 128", "16 pixels"))


def test_figures_of_different_runs_have_different_names():
    paths = [pictures.figure_path(files.RESULTS / name) for name in (
        "full/a/seed0", "full/a/seed1", "pocket/a/seed0", "full/b/seed0")]
    assert len(set(paths)) == 4 and paths[0] == files.FIGURES / "a.png"
