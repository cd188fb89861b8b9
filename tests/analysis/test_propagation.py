"""Norms of signals and gradients are those of the trained graph, and the part through shortcuts is
the theory's.
"""

import csv
import itertools
import sys

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import PAPER, ROOT, refusal
from source import run_in, source_copy
from unit_network import IMAGES, Network, fresh_states

import plots.measured
from analysis import networks, propagation
from analysis.units import UnitGraph
from symbols import get_symbol

VARIANTS = list(itertools.product(PAPER["activations"], PAPER["shortcuts"]))


def measured(network):
    """The Propagation of a Network of random parameters, with its own images and labels."""
    arguments = {
        name: mx.nd.array(array)
        for name, array in network.values.items()
        if name not in ("data", "softmax_label")
    }
    states = fresh_states(network.symbol, {"data": IMAGES})
    subject = networks.MeasuredNetwork("", "", network.symbol, {"seed": 0}, arguments, states, "")
    return propagation.propagate(subject, network.values["data"], network.values["softmax_label"])


def norm(array):
    return np.linalg.norm(array.astype(float)) / IMAGES[0] ** 0.5


@pytest.mark.parametrize("shortcut", ["identity", "exclusive_gating", "dropout", "plain"])
def test_norms_are_those_of_the_graph_cut_at_each_unit(shortcut):
    """Another way to the gradient: the graph is cut at x_l, which becomes an input."""
    network = Network("preact", shortcut)
    found = measured(network)
    units = UnitGraph(network.symbol).units
    # After a cut, dropout draws other masks.
    for i in (0, 1, 5, 11) if shortcut != "dropout" else (0,):
        place = network.input_of(units[i]) if i else "relu1"
        assert found.gradient[i] == pytest.approx(norm(network.gradient(place)), rel=1e-4)
        assert found.signal[i] == pytest.approx(norm(network.read(place)[0]), rel=1e-4)
    assert len(found.gradient) == len(found.signal) == len(units) + 1 == 13


@pytest.mark.parametrize("shortcut", [name for name in PAPER["shortcuts"] if name != "plain"])
def test_without_residuals_the_gradient_is_the_shortcuts(shortcut):
    network = Network("preact", shortcut)
    complete = measured(network)
    assert complete.shortcut[0] != pytest.approx(complete.gradient[0], rel=0.01)
    network.forget_residuals()
    alone = measured(network)
    assert alone.shortcut == pytest.approx(alone.gradient, rel=1e-4)


@pytest.mark.parametrize("activation, shortcut", VARIANTS)
def test_shortcut_and_residual_are_found_in_every_variant(activation, shortcut):
    for kind, depth in (("basic", 14), ("bottleneck", 20), ("one_layer", 8)):
        graph = UnitGraph(get_symbol(depth, activation, shortcut, kind))
        assert graph.units == [f"stage{stage}_unit{unit}" for stage in (1, 2, 3) for unit in (1, 2)]
        for unit in graph.units:
            assert graph.has_shortcut(unit) == (shortcut != "plain")
            assert (graph.residual(unit) == graph.output[unit]) == (shortcut == "plain")
            assert len(graph.entrances(unit)) == 1


def test_plain_net_has_a_gradient_and_none_through_shortcuts():
    found = measured(Network("original", "plain"))
    assert found.shortcut[:-1] == [0] * 12
    assert found.shortcut[-1] == pytest.approx(found.gradient[-1])
    assert min(found.gradient) > 0


def scaled(activation, scale):
    """Rows of a 56-layer network with h(x) = scale x, from its initial weights."""
    constants = {"scale": scale, "residual_scale": 1}
    network = networks.named(activation, "constant_scaling", 56, constants)
    sample = networks.training_batch([], 4, None, 16)
    found = propagation.propagate(network, sample.images, sample.labels)
    return propagation.rows(network, found, "", sample)


def test_measured_over_predicted_ratio_of_scaled_shortcuts():
    """Equation (8): with f the identity, the gradient through shortcuts alone is the product of the
    lambdas; with f = ReLU it is not.
    """
    for scale in (0.5, 1.1):
        rows = scaled("preact", scale)
        for row in rows:
            assert row["shortcut_ratio"] / row["lambda_product"] == pytest.approx(1, abs=0.05)
        # 9 units of stage 1 keep dimensions, 8 of the other two.
        ends = [row["lambda_product"] for row in rows if row["l"] in (1, 10, 11, 19, 20, 28)]
        assert ends == pytest.approx([scale**9, 1, scale**8, 1, scale**8, 1])
    original = scaled("original", 0.5)
    assert original[19]["shortcut_ratio"] / original[19]["lambda_product"] < 0.5


@pytest.mark.parametrize(
    "words, reason",
    [
        (["14", "preact14", "original14"], "14 and original14 are the same network"),
        (["8", "--image-size", "8", "--batch-size", "1001"], "there are only 1,000 images"),
    ],
)
def test_network_named_twice_or_too_many_images_are_refused(monkeypatch, words, reason):
    monkeypatch.setattr(sys, "argv", ["", *words])
    refusal(propagation.main, reason)


@pytest.mark.parametrize("kind", ["gates", "propagation"])
def test_file_without_a_column_is_refused(monkeypatch, tmp_path, kind):
    path = tmp_path / f"{kind}-a.csv"
    path.write_text("name,label,l,weights\na,b,1,c\n")
    monkeypatch.setattr(sys, "argv", ["", str(path)])
    refusal(plots.measured.main, path.name, "measure again")


def test_new_file_appears_in_table_and_figure_if_it_is_named(tmp_path):
    copy = source_copy(tmp_path)
    example = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    (copy / "symbols/shortcuts/half_dropout.py").write_text(example)
    texts = ["half_dropout8", "constant_scaling8:scale=0.5,residual_scale=1"]
    measure = "import training; from analysis import propagation as p; p.main(); print(p.paper())"
    code, out, err = run_in(copy, "-c", measure, *texts, "--image-size", 8)
    assert code == 0, err
    path, default = out.splitlines()
    assert "half_dropout" not in default, "a figure has no place for any number of networks"
    code, out, err = run_in(copy, "-m", "plots.measured", path)
    assert code == 0, err
    assert "8, half dropout (ratio 0.25)" in out
    name = "propagation-half_dropout8-constant_scaling8-residual_scale=1-scale=0.5-image_size=8"
    with open(copy / f"results/analysis/{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["shortcut"] for row in rows] == ["half_dropout"] * 4 + ["constant_scaling"] * 4
    assert matplotlib.image.imread(copy / f"plots/figures/{name}.png").std() > 0.01


def test_unit_without_a_layer_called_conv1_is_named():
    text = get_symbol(8).tojson().replace("unit1_conv", "unit1_convolution")
    graph = UnitGraph(mx.sym.load_json(text))
    assert len(graph.responses()) == 7
    for question in (graph.entrances, graph.residual, graph.has_shortcut):
        refusal(lambda: question("stage1_unit1"), "stage1_unit1 has no layer called conv1")  # noqa: B023


@pytest.mark.parametrize("size", ["12", "64", "0"])
def test_image_size_that_does_not_divide_is_rejected(monkeypatch, size):
    monkeypatch.setattr(sys, "argv", ["propagation.py", "preact8", "--image-size", size])
    refusal(propagation.main, f"--image-size {size}")


def test_batch_of_one_image_is_rejected(monkeypatch):
    monkeypatch.setattr("sys.argv", ["", "preact8", "--batch-size", "1"])
    refusal(propagation.main, "BN needs at least 2")


def test_option_that_runs_ignore_is_rejected(finished):
    for options in ("--seed 3", "--unit basic", "--image-size 16"):
        words = propagation.parser().parse_args([str(finished), *options.split()])
        refusal(lambda: list(propagation.measure(words)), options, "leave")  # noqa: B023
    words = propagation.parser().parse_args(["--seed", "3"])
    propagation.refuse_unused(words, ["a run", None])
