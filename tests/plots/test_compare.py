"""make compare: any runs in one picture, which takes no other picture's place."""

import matplotlib.pyplot as plt
import pytest
from drawn_runs import rows

from common import files
from common.errors import UserError
from paper import run_files
from plots import compare, curves, series


@pytest.fixture
def two_runs(run):
    return [
        run_files.read(run(rows(400, 30))),
        run_files.read(run(rows(400, 60), activation="original")),
    ]


@pytest.mark.parametrize(
    "what, ends, label",
    [
        ("error", [30, 60], "Error, %"),
        ("accuracy", [70, 40], "Accuracy, %"),
        ("loss", [1, 1], "Loss, nats"),
    ],
)
def test_one_quantity_is_drawn_by_epoch_of_test_and_training(two_runs, what, ends, label):
    axes = plt.figure().add_subplot()
    compare.one_quantity(axes, series.group_runs(two_runs), None, what, "epoch")
    solid = [line for line in axes.lines if line.get_linestyle() == "-"]
    dashed = [line for line in axes.lines if line.get_linestyle() != "-"]
    assert [line.get_ydata()[-1] for line in solid] == ends and len(dashed) == 2
    assert solid[0].get_xdata()[-1] == pytest.approx(400 / 78)
    assert axes.get_xlabel() == "Epochs" and axes.get_ylabel().startswith(label)
    low, high = axes.get_ylim()
    for line in axes.lines:
        assert low < min(line.get_ydata()) and max(line.get_ydata()) < high
    plt.close(axes.figure)


def test_legend_says_the_quantity(two_runs):
    (curve, _) = series.group_runs(two_runs)
    assert series.legend_label(curve, "accuracy").endswith("(accuracy 70.00 %)")
    assert series.legend_label(curve).endswith("(error 30.00 %)")


def test_no_picture_takes_the_place_of_another(two_runs, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "FIGURES", tmp_path / "figures")

    def drawn(chosen, asked=None):
        wanted = compare.description(chosen, None, "iteration", None)
        path = compare.free_path(chosen, asked, wanted)
        curves.draw(chosen, path, description=wanted)
        return path

    first = drawn(two_runs)
    assert first.name == "compare-cifar10-preact20.png"
    assert drawn(two_runs) == first  # the same again is drawn again
    other = drawn(two_runs[:1])
    assert other.name == "compare-cifar10-preact20-2.png"
    with pytest.raises(UserError, match="holds another picture"):
        drawn(two_runs, other)
    (tmp_path / "mine.png").write_text("no picture")
    with pytest.raises(UserError, match="holds another picture"):
        drawn(two_runs, tmp_path / "mine.png")
