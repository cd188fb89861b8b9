"""Facts of the networks' graphs: the places, attributes and names of their layers."""

import re

import pytest
from conftest import PAPER

from common.graph import Graph
from symbols import get_symbol, names
from symbols.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

DEPTH = {"basic": 14, "bottleneck": 20, "one_layer": 8}  # two units per stage


class Network:
    """The graph of a network, with nodes by their names."""

    def __init__(self, **arguments):
        arguments.setdefault("depth", DEPTH[arguments.setdefault("unit", "basic")])
        self.nodes = {node.name: node for node in Graph(get_symbol(**arguments)).nodes}

    def of(self, op):
        return [name for name, node in self.nodes.items() if node.op == op]

    def op(self, name):
        return self.nodes[name].op

    def data(self, name):
        """The name of a node's first input."""
        return self.nodes[name].inputs[0][0].name


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_first_activation_is_before_the_paths_split(activation):
    network = Network(activation=activation)
    chain = ["stage1_unit1_conv1"]
    while chain[-1] != "data":
        chain.append(network.data(chain[-1]))
    assert chain[1:] == ["relu1", "bn1", "conv1", "data"]


@pytest.mark.parametrize(
    "activation, end",
    [
        ("original", ["Activation", "elemwise_add"]),
        ("bn_after_addition", ["Activation", "BatchNorm", "elemwise_add"]),
        ("relu_before_addition", ["elemwise_add"]),
        ("relu_only_preact", ["Activation", "elemwise_add"]),
        ("preact", ["Activation", "BatchNorm", "elemwise_add"]),
    ],
)
@pytest.mark.parametrize("unit", names.LAYERS)
def test_network_ends_with_its_last_activation(activation, end, unit):
    network = Network(activation=activation, unit=unit)
    name = network.data("mean")
    operators = [network.op(name)]
    while operators[-1] != "elemwise_add":
        name = network.data(name)
        operators.append(network.op(name))
    assert operators == end


@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("unit", names.LAYERS)
def test_names_attributes_and_biases_follow_the_scheme(activation, shortcut, unit):
    network = Network(activation=activation, shortcut=shortcut, unit=unit)
    layer = (
        r"(stage[123]_unit[12]_(conv\d|bn\d|projection|projection_bn|gate)|conv1|bn1|last_bn|fc)"
    )
    scheme = re.compile(rf"{layer}_(weight|bias|gamma|beta|moving_mean|moving_var)")
    for name in network.of("null"):
        assert scheme.fullmatch(name) or name in ("data", "softmax_label"), name
    for name in network.of("Convolution"):
        no_bias = network.nodes[name].attributes.get("no_bias", "False")
        assert no_bias == str(not name.endswith("_gate")), name
    for name in network.of("BatchNorm"):
        attributes = network.nodes[name].attributes
        assert attributes["fix_gamma"] == "False", name
        assert float(attributes["eps"]) == BATCH_NORM_EPSILON == 1e-5
        assert float(attributes["momentum"]) == BATCH_NORM_MOMENTUM == 0.9
