"""Facts of the networks' graphs: the places, attributes and names of their layers."""

import re

import pytest
from conftest import PAPER

from common.graph import INPUTS, Graph
from symbols import get_symbol, names
from symbols.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

DEPTH = {"basic": 14, "bottleneck": 20, "one_layer": 8}  # two units per stage


def nodes(unit="basic", **arguments):
    """{name: node} of a network with two units per stage."""
    symbol = get_symbol(DEPTH[unit], unit=unit, **arguments)
    return {node.name: node for node in Graph(symbol).nodes}


def before(node):
    """The nodes from a node back to the data, along first inputs."""
    while node.inputs:
        node = node.inputs[0][0]
        yield node


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_first_activation_is_before_the_paths_split(activation):
    conv1 = nodes(activation=activation)["stage1_unit1_conv1"]
    assert [node.name for node in before(conv1)] == ["relu1", "bn1", "conv1", "data"]


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
    # Appendix: the last unit of the pre-activations has "an extra activation right after its
    # element-wise addition".
    mean = nodes(unit, activation=activation)["mean"]
    operators = [node.op for node in before(mean)]
    assert operators[: len(end)] == end


@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("unit", names.LAYERS)
def test_names_attributes_and_biases_follow_the_scheme(activation, shortcut, unit):
    layer = (
        r"(stage[123]_unit[12]_(conv\d|bn\d|projection|projection_bn|gate)|conv1|bn1|last_bn|fc)"
    )
    scheme = re.compile(rf"{layer}_(weight|bias|gamma|beta|moving_mean|moving_var)")
    for name, node in nodes(unit, activation=activation, shortcut=shortcut).items():
        if node.is_variable:
            assert scheme.fullmatch(name) or name in INPUTS, name
        elif node.op == "Convolution":
            no_bias = node.attributes.get("no_bias", "False")
            assert no_bias == str(not name.endswith("_gate")), name
        elif node.op == "BatchNorm":
            assert node.attributes["fix_gamma"] == "False", name
            assert float(node.attributes["eps"]) == BATCH_NORM_EPSILON == 1e-5
            assert float(node.attributes["momentum"]) == BATCH_NORM_MOMENTUM == 0.9
