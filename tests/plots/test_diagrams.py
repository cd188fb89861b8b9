"""Diagrams show the graphs that are trained, each part where the paper draws it."""

import sys

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import refusal, sound
from gallery import example

from common import files
from common.graph import Graph
from plots import diagrams, paper_form
from plots.layout import ALONE, Layout, of_network
from plots.routes import Router, crosses, overlap, pieces
from symbols import get_symbol
from symbols.layers import convolution
from symbols.unit import Unit

F = ["3x3 weight", "BN", "ReLU", "3x3 weight", "BN"]
GATE = ["1x1 conv", "sigmoid"]


@pytest.mark.parametrize(
    "activation, shortcut, is_paper_form, trunk, between, residual",
    [
        ("original", "identity", False, ["+", "ReLU"], [], F),
        ("original", "constant_scaling", False, ["+", "\u00d7 0.5", "ReLU"], [], F),
        ("original", "constant_scaling", True, ["\u00d7 0.5", "+", "ReLU"], [], [*F, "\u00d7 0.5"]),
        ("original", "exclusive_gating", False, ["+", "ReLU"], GATE, [*F, "\u2212", "\u00d7"]),
        ("original", "exclusive_gating", True, ["\u00d7", "+", "ReLU"], [*GATE, "1 \u2212 \u00b7"], [*F, "\u00d7"]),
        ("original", "shortcut_only_gating", False, ["\u2212", "+", "ReLU"], [*GATE, "\u00d7"], F),
        ("original", "shortcut_only_gating", True, ["\u00d7", "+", "ReLU"], [*GATE, "1 \u2212 \u00b7"], F),
        ("original", "convolution", False, ["1x1 conv", "BN", "+", "ReLU"], [], F),
        ("original", "dropout", False, ["dropout 0.5", "+", "ReLU"], [], F),
        ("original", "plain", False, [*F, "ReLU"], [], []),
        ("preact", "identity", False, ["+"], [], ["BN", "ReLU", "3x3 weight", "BN", "ReLU", "3x3 weight"]),
        ("bn_after_addition", "identity", False, ["+", "BN", "ReLU"], [], F[:4]),
    ],
)  # fmt: skip
def test_parts_are_in_the_columns_of_the_papers_drawing(
    activation, shortcut, is_paper_form, trunk, between, residual
):
    layout = of_network(activation, shortcut, is_paper_form=is_paper_form)
    places = layout.places()
    for columns, texts in (((0,), trunk), ((1,), between), ((ALONE, 2), residual)):
        assert [layout.words[name] for name in layout.inputs if places[name][0] in columns] == texts


@pytest.mark.parametrize(
    "shortcut", ["constant_scaling", "exclusive_gating", "shortcut_only_gating"]
)
def test_paper_form_is_equal_to_what_is_computed(shortcut):
    symbol = get_symbol(8, shortcut=shortcut).get_internals()["fc_output"]
    paper = paper_form.network(shortcut, 8).get_internals()["fc_output"]
    operators = [node.op for node in Graph(paper).nodes]
    assert "elemwise_sub" not in operators
    assert operators != [node.op for node in Graph(symbol).nodes]
    generator = np.random.RandomState(0)
    outputs = []
    for network in (symbol, paper):
        executor = network.simple_bind(mx.cpu(), data=(2, 3, 8, 8))
        for name, array in sorted(executor.arg_dict.items()):
            generator.seed(len(name))
            array[:] = generator.normal(0, 0.5, array.shape)
        outputs.append(executor.forward(is_train=True)[0].asnumpy())
    assert np.allclose(*outputs, rtol=1e-4, atol=1e-5)


def chain(x, f, unit):
    """Sums of layers inside F."""
    for number in (2, 3, 4):
        f = f + convolution(f, unit.channels, 3, f"conv{number}")
    return x + f


JOINS = {
    name: example(name).join
    for name in ("squeeze_excitation", "rezero", "highway", "concatenation")
}
JOINS["chain"] = chain


def unit_of(name):
    """The Layout of a unit whose F is one layer."""
    x = mx.sym.relu(mx.sym.Variable("data"), name="before")
    unit = Unit("unit", x, "basic", 16, 16, 1, "A", "1x1", None)
    with unit.layers:
        symbol = JOINS[name](x, unit.weights[0](x), unit)
    return Layout(Graph(symbol), ["unit_"])


def clear(graph):
    """Whether no two boxes lie on each other, no arrow runs through one, none on another's way."""
    router = Router(graph)
    assert len(set(router.at.values())) == len(router.at)
    for source, target, points in router.arrows:
        for segment in pieces(points):
            for name, half in router.half.items():
                assert not crosses(
                    segment, router.at[name], half, name in (source, target)
                ), f"{source} -> {target} runs through {name}"
            for other, _, others in router.arrows:
                shared = other != source and any(
                    overlap(segment, piece) for piece in pieces(others)
                )
                assert not shared, f"{source} -> {target} lies on a way from {other}"
    return True


def test_variants_of_this_project_are_clear_in_every_pair():
    for activation in sound("activations"):
        for shortcut in sound("shortcuts"):
            graph = of_network(activation, shortcut, 2, 3)
            assert clear(graph), (activation, shortcut)


@pytest.mark.parametrize("name", ["preact110", "figure3"])
def test_name_with_a_depth_is_refused(name):
    refusal(lambda: diagrams.draw(name), name, "without its depth")


def test_figure_5b_groups_the_graph_of_5c_from_weight_to_next_activation():
    graph = of_network("preact", "identity", 2, 3)

    def first_frame(kind):
        return [graph.words[name] for name in diagrams._frames(graph, kind)[0]]

    assert first_frame("whole")[:3] == ["BN", "ReLU", "3x3 weight"]
    assert first_frame("shifted") == ["3x3 weight", "BN", "ReLU", "3x3 weight", "+", "BN", "ReLU"]


def test_file_that_cannot_be_built_is_named_and_the_rest_is_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["diagrams"])
    title, panels = diagrams.FIGURES["figure4"]
    monkeypatch.setattr(diagrams, "FIGURES", {"figure4": (title, panels[:1])})
    monkeypatch.setattr(diagrams, "own_variants", lambda: ["half_written", "preact"])
    diagrams.main()
    assert {path.name for path in tmp_path.iterdir()} == {"figure4.png", "unit-preact.png"}
    assert matplotlib.image.imread(tmp_path / "figure4.png").std() > 0.01
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "left out" in text]
    assert "half_written" in line
