"""Facts of the networks' graphs: the places, attributes and names of their layers."""

import re

import pytest
from conftest import PAPER

from common.graph import Graph
from symbols import counts, get_symbol, names
from symbols.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

DEPTH = {"basic": 14, "bottleneck": 20, "one_layer": 8}  # two units per stage


class Network:
    """The graph of a network, with nodes by their names."""

    def __init__(self, **arguments):
        arguments.setdefault("depth", DEPTH[arguments.setdefault("unit", "basic")])
        self._graph = Graph(get_symbol(**arguments))
        self.nodes = {node.name: node for node in self._graph.nodes}

    def of(self, op):
        return [name for name, node in self.nodes.items() if node.op == op]

    def op(self, name):
        return self.nodes[name].op

    def before(self, name):
        """The names of all nodes on which a node depends."""
        return {node.name for node in self._graph.ancestors(self.nodes[name])}

    def inputs(self, name):
        return [source.name for source, _ in self.nodes[name].inputs]

    def data(self, name):
        """The first input of a convolution, BN or ReLU."""
        return self.inputs(name)[0]

    def shortcut(self, start, end, first_weight):
        """Operators between start and end that do not depend on the residual function."""
        return sorted(
            self.op(name)
            for name in self.before(end) | {end}
            if self.op(name) != "null"
            and start in self.before(name)
            and first_weight not in self.before(name) | {name}
        )


GATE = ["Activation", "Convolution"]


@pytest.mark.parametrize(
    "shortcut, operators",
    [
        ("identity", []),
        ("plain", []),
        ("constant_scaling", []),
        ("dropout", ["Dropout"]),
        ("exclusive_gating", GATE),
        ("shortcut_only_gating", [*GATE, "elemwise_mul", "elemwise_sub"]),
        ("convolution", ["BatchNorm", "Convolution"]),
    ],
)
@pytest.mark.parametrize("unit", names.LAYERS)
def test_shortcut_has_only_its_variants_operators(shortcut, operators, unit):
    network = Network(shortcut=shortcut, unit=unit)
    number = names.LAYERS[unit]
    start, end = f"stage2_unit1_relu{number}", f"stage2_unit2_relu{number}"
    assert network.shortcut(start, end, "stage2_unit2_conv1") == operators
    assert "stage2_unit1_relu1" in network.before(end)
    assert (network.data(end) == f"stage2_unit2_bn{number}") == (shortcut == "plain")


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_projection_has_batch_norm_only_after_post_activated_weights(activation):
    has_bn = activation in ("original", "relu_before_addition")
    for shortcut, count in (("identity", 3), ("convolution", 6)):
        network = Network(activation=activation, shortcut=shortcut, unit="bottleneck")
        projections = [name for name in network.of("Convolution") if name.endswith("_projection")]
        assert len(projections) == count
        assert [name for name in network.of("BatchNorm") if network.data(name) in projections] == [
            f"{name}_bn" for name in projections if has_bn
        ]


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_projection_reads_what_the_first_weight_reads(activation):
    network = Network(activation=activation, unit="bottleneck")
    for stage in (1, 2, 3):
        unit = f"stage{stage}_unit1"
        source = network.data(f"{unit}_projection")
        assert source == network.data(f"{unit}_conv1")
        if "preact" in activation:
            assert source == ("relu1" if stage == 1 else f"{unit}_relu1")


@pytest.mark.parametrize("option, reads", [("A", "sum"), ("A-preactivated", "stage2_unit1_relu1")])
def test_padded_shortcut_of_preact_reads_the_raw_input_by_default(option, reads):
    network = Network(activation="preact", option=option)
    start = network.data("stage2_unit1_subsample")
    assert start == reads if reads != "sum" else network.op(start) == "elemwise_add"


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


# The operators of Figure 4 from the unit's input to its output; "add" is where the shortcut joins.
ORDERS = {
    "original": "Convolution BatchNorm Activation Convolution BatchNorm elemwise_add Activation",
    "bn_after_addition": "Convolution BatchNorm Activation Convolution elemwise_add BatchNorm "
    "Activation",
    "relu_before_addition": "Convolution BatchNorm Activation Convolution BatchNorm Activation "
    "elemwise_add",
    "relu_only_preact": "Activation Convolution BatchNorm Activation Convolution BatchNorm "
    "elemwise_add",
    "preact": "BatchNorm Activation Convolution BatchNorm Activation Convolution elemwise_add",
}


@pytest.mark.parametrize("activation", ORDERS)
def test_unit_has_the_order_of_figure_4(activation):
    network = Network(activation=activation)
    order = ORDERS[activation].split()
    # backwards from the last unit's output, along F at the addition, to the unit's input
    name = network.data("mean")
    while "preact" in activation and network.op(name) != "elemwise_add":
        name = network.data(name)
    operators = []
    while len(operators) < len(order):
        operators.insert(0, network.op(name))
        name = network.inputs(name)[1 if network.op(name) == "elemwise_add" else 0]
    assert operators == order
    assert name in network.before("stage3_unit2_conv1") and "stage3_unit1" in name


@pytest.mark.parametrize(
    "unit, stride_in, strided",
    [
        ("basic", "1x1", ["conv1"]),
        ("one_layer", "1x1", ["conv1"]),
        ("bottleneck", "1x1", ["conv1", "projection"]),
        ("bottleneck", "3x3", ["conv2", "projection"]),
    ],
)
def test_stride_is_in_the_first_layer_of_stages_two_and_three(unit, stride_in, strided):
    network = Network(unit=unit, bottleneck_stride=stride_in)
    assert sorted(
        name
        for name in network.of("Convolution")
        if network.nodes[name].attributes["stride"] == "(2, 2)"
    ) == [f"stage{stage}_unit1_{layer}" for stage in (2, 3) for layer in strided]


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


@pytest.mark.parametrize(
    "arguments, group, count",
    [
        (dict(depth=110, shortcut="exclusive_gating"), "gate", 96224),
        (dict(depth=110, shortcut="identity"), "gate", 0),
        (dict(depth=20), "classifier", 650),
        (dict(depth=164), "classifier", 2570),
        (dict(depth=110, shortcut="convolution"), "convolution", 1719216 + 94208),
        (dict(depth=110), "batch norm", 8096),
        (dict(depth=1001, activation="preact"), "convolution", 10178490 - 2570),
    ],
)
def test_groups_of_parameters_are_as_large_as_the_papers(arguments, group, count):
    assert counts.parameters(get_symbol(**arguments))[group] == count


@pytest.mark.parametrize("depth", names.IMAGENET)
def test_imagenet_stages_have_the_papers_sizes(depth):
    internals = get_symbol(depth, family="imagenet").get_internals()
    _, shapes, _ = internals.infer_shape(data=(1, 3, 224, 224))
    shape = dict(zip(internals.list_outputs(), shapes))
    kind, units = names.stages(depth, family="imagenet")
    width = 256 if kind == "bottleneck" else 64
    assert shape["pool1_output"] == (1, 64, 56, 56)
    for s, n in enumerate(units):
        output = f"stage{s + 1}_unit{n}_relu{names.LAYERS[kind]}_output"
        assert shape[output] == (1, width * 2**s, 56 // 2**s, 56 // 2**s)
