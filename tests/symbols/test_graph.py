"""Facts of the networks' graphs, read off the symbols' JSON: what stands where, with which
attributes and names.
"""

import json
import re

import pytest
from conftest import PAPER

from symbols import counts, get_symbol, names
from symbols.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

DEPTH = {
    "basic": 14,
    "bottleneck": 20,
    "one_layer": 8,
}  # two units a stage: the first of a stage, and one that follows


class Graph:
    """Nodes by name: operator, attributes, and the names of what comes in."""

    def __init__(self, **arguments):
        arguments.setdefault("depth", DEPTH[arguments.setdefault("unit", "basic")])
        nodes = json.loads(get_symbol(**arguments).tojson())["nodes"]
        self.op = {node["name"]: node["op"] for node in nodes}
        self.attributes = {node["name"]: node.get("attrs", {}) for node in nodes}
        self.inputs = {
            node["name"]: [nodes[i]["name"] for i, *_ in node["inputs"]] for node in nodes
        }

    def of(self, op):
        return [name for name, kind in self.op.items() if kind == op]

    def before(self, name):
        """Everything that a node depends on."""
        seen = set()
        waiting = [name]
        while waiting:
            for come in self.inputs[waiting.pop()]:
                if come not in seen:
                    seen.add(come)
                    waiting.append(come)
        return seen

    def data(self, name):
        """The node's first input: what a convolution, BN or ReLU works on."""
        return self.inputs[name][0]

    def shortcut(self, start, end, first_weight):
        """Operators on the way from start to end that the residual function has no part in."""
        return sorted(
            self.op[name]
            for name in self.before(end) | {end}
            if self.op[name] != "null"
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
def test_shortcut_holds_nothing_but_its_variant(shortcut, operators, unit):
    graph = Graph(shortcut=shortcut, unit=unit)
    last = f"stage2_unit2_relu{names.LAYERS[unit]}"
    found = graph.shortcut(f"stage2_unit1_relu{names.LAYERS[unit]}", last, "stage2_unit2_conv1")
    assert found == operators
    assert ("stage2_unit1_relu1" in graph.before(last)) and (shortcut == "plain") == (
        graph.data(last) == f"stage2_unit2_bn{names.LAYERS[unit]}"
    )


@pytest.mark.parametrize(
    "activation, bn",
    [
        ("original", True),
        ("bn_after_addition", False),
        ("relu_before_addition", True),
        ("relu_only_preact", False),
        ("preact", False),
    ],
)
def test_projection_has_batch_norm_only_after_post_activated_weights(activation, bn):
    for shortcut, count in (("identity", 3), ("convolution", 6)):
        graph = Graph(activation=activation, shortcut=shortcut, unit="bottleneck")
        projections = [name for name in graph.of("Convolution") if name.endswith("_projection")]
        assert len(projections) == count
        assert [name for name in graph.of("BatchNorm") if graph.data(name) in projections] == [
            f"{p}_bn" for p in projections
        ] * bn


@pytest.mark.parametrize("activation", ["preact", "relu_only_preact"])
def test_projection_reads_the_pre_activation_that_the_first_weight_reads(activation):
    graph = Graph(activation=activation, unit="bottleneck")
    for stage in (1, 2, 3):
        unit = f"stage{stage}_unit1"
        activated = graph.data(f"{unit}_projection")
        assert (
            activated == graph.data(f"{unit}_conv1") == ("relu1" if stage == 1 else f"{unit}_relu1")
        )


@pytest.mark.parametrize("activation", ["original", "bn_after_addition", "relu_before_addition"])
def test_projection_of_a_post_activated_unit_reads_its_input(activation):
    graph = Graph(activation=activation, unit="bottleneck")
    assert graph.data("stage2_unit1_projection") == graph.data("stage2_unit1_conv1")


@pytest.mark.parametrize("option, reads", [("A", "sum"), ("A-preactivated", "stage2_unit1_relu1")])
def test_padded_shortcut_of_preact_reads_raw_input_unless_told(option, reads):
    graph = Graph(activation="preact", option=option)
    start = graph.data("stage2_unit1_subsample")
    assert start == reads if reads != "sum" else graph.op[start] == "elemwise_add"


def test_first_activation_stands_before_the_paths_split():
    for activation in PAPER["activations"]:
        graph = Graph(activation=activation)
        assert (
            graph.data("relu1") == "bn1"
            and graph.data("bn1") == "conv1"
            and graph.data("conv1") == "data"
        )
        assert graph.data("stage1_unit1_conv1") == "relu1"


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
    graph = Graph(activation=activation, unit=unit)
    name, found = graph.data("mean"), []
    while graph.op[name] != "elemwise_add":
        found.append(graph.op[name])
        name = graph.data(name)
    assert [*found, "elemwise_add"] == end


# operators in the order of Figure 4 from the unit's input to its output, the addition where the
# shortcut arrives
ORDERS = {
    "original": "weight BN ReLU weight BN add ReLU",
    "bn_after_addition": "weight BN ReLU weight add BN ReLU",
    "relu_before_addition": "weight BN ReLU weight BN ReLU add",
    "relu_only_preact": "ReLU weight BN ReLU weight BN add",
    "preact": "BN ReLU weight BN ReLU weight add",
}


@pytest.mark.parametrize("activation", ORDERS)
def test_unit_has_the_order_of_figure_4(activation):
    graph = Graph(activation=activation)
    words = {
        "Convolution": "weight",
        "BatchNorm": "BN",
        "Activation": "ReLU",
        "elemwise_add": "add",
    }
    # walk back from the last unit's output, along F where the paths meet, to what the unit before
    # it put out
    name, found, wanted = graph.data("mean"), [], ORDERS[activation].split()
    while activation in ("relu_only_preact", "preact") and graph.op[name] != "elemwise_add":
        name = graph.data(name)
    while len(found) < len(wanted):
        found.insert(0, words[graph.op[name]])
        name = graph.inputs[name][1] if graph.op[name] == "elemwise_add" else graph.data(name)
    assert found == wanted
    assert name in graph.before("stage3_unit2_conv1") and "stage3_unit1" in name


@pytest.mark.parametrize(
    "unit, stride_in, strided",
    [
        ("basic", "1x1", ["conv1"]),
        ("one_layer", "1x1", ["conv1"]),
        ("bottleneck", "1x1", ["conv1", "projection"]),
        ("bottleneck", "3x3", ["conv2", "projection"]),
    ],
)
def test_stride_stands_in_the_first_layer_of_stages_two_and_three(unit, stride_in, strided):
    graph = Graph(unit=unit, bottleneck_stride=stride_in)
    found = sorted(
        name for name in graph.of("Convolution") if graph.attributes[name]["stride"] == "(2, 2)"
    )
    assert found == [f"stage{stage}_unit1_{layer}" for stage in (2, 3) for layer in strided]


@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("unit", names.LAYERS)
def test_names_attributes_and_biases_follow_the_scheme(activation, shortcut, unit):
    graph = Graph(activation=activation, shortcut=shortcut, unit=unit)
    layer = r"(conv\d|bn\d|projection|projection_bn|gate|\w+)"
    scheme = re.compile(
        rf"(stage[123]_unit[12]_{layer}|conv1|bn1|last_bn|fc)_(weight|bias|gamma|beta|moving_mean|moving_var)"
    )
    for name in graph.of("null"):
        assert scheme.fullmatch(name) or name in ("data", "softmax_label"), name
    for name in graph.of("Convolution"):
        assert graph.attributes[name].get("no_bias", "False") == str(
            not name.endswith("_gate")
        ), name
    for name in graph.of("BatchNorm"):
        attributes = graph.attributes[name]
        assert attributes["fix_gamma"] == "False", name
        assert (
            (float(attributes["eps"]), float(attributes["momentum"]))
            == (BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
            == (1e-5, 0.9)
        )


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
    last = names.LAYERS[kind]
    wide = 4 if kind == "bottleneck" else 1
    assert shape["pool1_output"] == (1, 64, 56, 56)
    assert [shape[f"stage{s}_unit{n}_relu{last}_output"] for s, n in enumerate(units, 1)] == [
        (1, wide * 64 * 2 ** (s - 1), 56 // 2 ** (s - 1), 56 // 2 ** (s - 1)) for s in (1, 2, 3, 4)
    ]
