"""Signals and gradients at every unit are those of the trained graph, and the part through
shortcuts alone is the theory's.
"""

import csv
import itertools
import subprocess
import sys

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import PAPER, ROOT, refusal, refused
from source import run_in
from test_equations import PICTURES, Network
from test_symbols import HALF_DROPOUT, copy  # noqa: F401 (copy is a fixture)

from analysis import measurements, networks, propagation
from analysis.units import UnitGraph
from common import files
from plots import propagation as figure
from symbols import get_symbol
from training.optimizer import initializer

VARIANTS = list(itertools.product(PAPER["activations"], PAPER["shortcuts"]))


def measured(network):
    """test_equations' network through analysis/, with its own pictures and labels."""
    states = network.symbol.infer_shape(data=PICTURES)[2]
    ours = networks.Network(
        "",
        "",
        network.symbol,
        {"seed": 0},
        {
            name: mx.nd.array(array)
            for name, array in network.values.items()
            if name not in ("data", "softmax_label")
        },
        {
            name: mx.nd.full(shape, float(name.endswith("var")))
            for name, shape in zip(network.symbol.list_auxiliary_states(), states)
        },
        "",
    )
    return propagation.propagate(ours, network.values["data"], network.values["softmax_label"])


def norm(array):
    return np.linalg.norm(array.astype(float)) / PICTURES[0] ** 0.5


@pytest.mark.parametrize("shortcut", ["identity", "exclusive_gating", "dropout", "plain"])
def test_norms_are_those_of_the_graph_cut_at_each_unit(shortcut):
    """Against another way to the gradient: the graph cut at x_l, which becomes an input
    (test_equations).
    """
    network = Network("preact", shortcut)
    found = measured(network)
    units = UnitGraph(network.symbol).units
    for i in (
        (0, 1, 5, 11) if shortcut != "dropout" else (0,)
    ):  # behind a cut dropout draws other masks
        place = network.input_of(units[i]) if i else "relu1"
        assert found.gradient[i] == pytest.approx(norm(network.gradient(place)), rel=1e-4)
        assert found.signal[i] == pytest.approx(norm(network.read(place)[0]), rel=1e-4)
    assert len(found.gradient) == len(found.signal) == len(units) + 1 == 13


@pytest.mark.parametrize("shortcut", [name for name in PAPER["shortcuts"] if name != "plain"])
def test_without_residuals_the_whole_gradient_is_the_shortcuts(shortcut):
    network = Network("preact", shortcut)
    whole = measured(network)
    assert whole.shortcut[0] != pytest.approx(whole.gradient[0], rel=0.01)
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
            assert (graph.residual(unit) == graph.output(unit)) == (shortcut == "plain")
            assert len(graph.entrances(unit)) == 1


def test_plain_net_has_a_gradient_and_none_through_shortcuts():
    found = measured(Network("original", "plain"))
    assert found.shortcut[:-1] == [0] * 12 and found.shortcut[-1] == pytest.approx(
        found.gradient[-1]
    )
    assert min(found.gradient) > 0


def scaled(activation, scale):
    """Rows of a 56-layer network with h(x) = scale x, from its initial weights."""
    network = networks.named(
        activation, "constant_scaling", 56, {"scale": scale, "residual_scale": 1}
    )
    pictures = networks.training_batch([], 4, None, 16)
    return propagation.rows(
        network, propagation.propagate(network, pictures.images, pictures.labels), "", pictures
    )


def test_measured_over_predicted_ratio_of_scaled_shortcuts():
    """Equation (8): with f the identity the gradient through shortcuts alone is the product of
    lambdas; with f = ReLU it is not.
    """
    for scale in (0.5, 1.1):
        rows = scaled("preact", scale)
        for row in rows:
            assert row["shortcut_ratio"] / row["lambda_product"] == pytest.approx(1, abs=0.05)
        # 9 units of stage 1 keep dimensions, 8 of the other two
        assert [
            row["lambda_product"] for row in rows if row["l"] in (1, 10, 11, 19, 20, 28)
        ] == pytest.approx([scale**9, 1, scale**8, 1, scale**8, 1])
    original = scaled("original", 0.5)
    assert original[19]["shortcut_ratio"] / original[19]["lambda_product"] < 0.5


def test_initial_weights_are_those_that_training_starts_from():
    network = networks.named("preact", "exclusive_gating", 14, seed=3)
    mx.random.seed(3)
    module = mx.mod.Module(network.symbol)
    module.bind([("data", (1, 3, 32, 32))], [("softmax_label", (1,))])
    module.init_params(initializer("in"))
    arguments, states = module.get_params()
    assert set(arguments) == set(network.arguments) and set(states) == set(network.states)
    for name, array in {**arguments, **states}.items():
        assert (
            array.asnumpy() == {**network.arguments, **network.states}[name].asnumpy()
        ).all(), name


def test_new_file_appears_in_table_and_figure(copy, tmp_path):  # noqa: F811
    (copy / "symbols/shortcuts/half_dropout.py").write_text(HALF_DROPOUT)
    code, out, err = run_in(
        copy,
        "-m",
        "analysis.propagation",
        "half_dropout8",
        "constant_scaling8:scale=0.5,residual_scale=1",
        "--image-size",
        8,
    )
    assert code == 0, err
    code, out, err = run_in(copy, "-m", "plots.propagation", *out.split())
    assert code == 0, err
    assert "8, half dropout (ratio 0.25)" in out
    name = "propagation-half_dropout8-constant_scaling8-residual_scale=1-scale=0.5"
    with open(copy / f"results/analysis/{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["shortcut"] for row in rows] == ["half_dropout"] * 4 + ["constant_scaling"] * 4
    assert matplotlib.image.imread(copy / f"plots/figures/{name}.png").std() > 0.01
    # and without being named, beside the paper's
    code, out, _ = run_in(
        copy, "-c", "import training; from analysis import propagation; print(propagation.paper())"
    )
    assert "original-half_dropout110" in out


@pytest.mark.parametrize(
    "text, words",
    [
        ("preact21", "nearest"),
        ("constant_scaling8:scale", "write constants by name"),
        ("preact8:bias=1", "no constant 'bias'"),
    ],
)
def test_network_that_does_not_exist_is_named(text, words):
    refusal(lambda: networks.find([text]), words)


def test_mistake_gets_one_line():
    assert refused(
        run_in(ROOT, "-m", "analysis.propagation", "preact8", "--batch-size", 1),
        "BN needs at least 2",
    )


def test_1001_layers_at_batch_8_stay_below_4_gigabytes():
    code = (
        "import training, resource; from analysis import networks, propagation as p; "
        "q = networks.training_batch([], 8, None, 32); "
        "found = p.propagate(networks.named('original', 'identity', 1001), q.images, q.labels); "
        "print(len(found.gradient), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, text=True, capture_output=True
    )
    places, kilobytes = map(int, done.stdout.split())
    assert places == 334 and kilobytes < 4e6


def test_measurements_survive_being_written_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    rows = [
        {"name": "a", "value": 1.5e-12, "none": None},
        {"name": "b, c", "value": 0.0, "none": None},
    ]
    assert measurements.read(measurements.write("x", rows)) == rows


def test_trained_and_untrained_of_one_network_share_a_colour_and_untrained_is_dashed():
    def lines(label, shortcut, weights):
        return [
            dict(label=label, activation="original", shortcut=shortcut, depth=56, weights=weights)
        ]

    networks = {
        label: lines(label, shortcut, weights)
        for label, shortcut, weights in [
            ("56, plain, untrained", "plain", "initial weights"),
            ("56, original, untrained", "identity", "initial weights"),
            ("56, original, trained", "identity", "trained for 2,400 iterations"),
            ("56, plain, trained", "plain", "trained for 2,400 iterations"),
        ]
    }
    ordered = figure._in_the_papers_order(networks)
    assert list(ordered) == [
        "56, original, trained",
        "56, original, untrained",
        "56, plain, trained",
        "56, plain, untrained",
    ]
    chosen = figure._styles(ordered)
    assert chosen[0]["color"] == chosen[1]["color"] != chosen[2]["color"] == chosen[3]["color"]
    assert [style["linestyle"] == "solid" for style in chosen] == [True, False, True, False]
