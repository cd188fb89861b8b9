"""Diagrams show the graphs that are trained, each part where the paper draws it."""
import matplotlib.image
import pytest

from common import files
from plots import diagrams
from symbols import names


def columns(activation, shortcut):
    """{column: words in it, from top to bottom} of one unit."""
    graph = diagrams.Graph(activation, shortcut, {})
    place = graph.places()
    return {column: [graph.words[name] for name in graph.inputs if place[name][0] == column] for column in (0, 1, 2)}


F = ["3x3 weight", "BN", "ReLU", "3x3 weight", "BN"]


@pytest.mark.parametrize("activation, shortcut, trunk, between, residual", [
    ("original", "identity", ["+", "ReLU"], [], F),
    ("original", "constant_scaling", ["+", "x 0.5", "ReLU"], [], F),
    ("original", "exclusive_gating", ["+", "ReLU"], ["1x1 conv", "sigmoid"], [*F, "-", "x"]),
    ("original", "shortcut_only_gating", ["-", "+", "ReLU"], ["1x1 conv", "sigmoid", "x"], F),
    ("original", "convolution", ["1x1 conv", "BN", "+", "ReLU"], [], F),
    ("original", "dropout", ["dropout 0.5", "+", "ReLU"], [], F),
    ("original", "plain", [*F, "ReLU"], [], []),
    ("preact", "identity", ["+"], [], ["BN", "ReLU", "3x3 weight", "BN", "ReLU", "3x3 weight"]),
    ("bn_after_addition", "identity", ["+", "BN", "ReLU"], [], F[:4])])
def test_parts_stand_where_the_paper_draws_them(activation, shortcut, trunk, between, residual):
    assert columns(activation, shortcut) == {0: trunk, 1: between, 2: residual}


@pytest.mark.parametrize("activation", names.variants("activations"))
@pytest.mark.parametrize("shortcut", names.variants("shortcuts"))
def test_no_two_boxes_lie_on_each_other(activation, shortcut):
    place = diagrams.Graph(activation, shortcut, {}, 2, 3).places()
    assert len(set(place.values())) == len(place)


def test_diagrams_are_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FIGURES", tmp_path)
    diagrams.figure(diagrams.FIGURE_2, "a.png", "title")
    assert matplotlib.image.imread(tmp_path / "a.png").std() > 0.01
