"""A lesion changes its units and nothing else; a response is a 3x3 layer's output after its BN."""

import mxnet as mx
import numpy as np
import pytest
from unit_network import Network

from analysis import lesion, networks
from analysis.units import UnitGraph
from symbols import get_symbol


def outputs(symbol, network, values=None):
    """Class probabilities of a Network of random parameters, with BN as in evaluation."""
    return network.run(symbol, values or {}, is_train=False).outputs[0].asnumpy()


def close(first, second):
    return np.allclose(first, second, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "activation, shortcut",
    [
        ("original", "identity"),
        ("original", "constant_scaling"),
        ("preact", "identity"),
        ("original", "exclusive_gating"),
        ("relu_before_addition", "convolution"),
    ],
)
def test_deleted_unit_has_no_residual(activation, shortcut):
    """F = 0, as if the unit's last layer and its BN were 0. The shortcut stays."""
    network = Network(activation, shortcut)
    # The second changes dimensions, and the third follows it.
    units = ["stage1_unit2", "stage2_unit1", "stage2_unit2"]
    zero = {
        name: np.zeros_like(array)
        for name, array in network.values.items()
        for unit in units
        if name in (f"{unit}_conv2_weight", f"{unit}_bn2_beta" if activation != "preact" else "")
    }
    without = outputs(lesion.delete(network.symbol, units), network)
    assert close(without, outputs(network.symbol, network, zero))
    assert not close(without, outputs(network.symbol, network))


def test_deleted_plain_units_leave_a_shallower_plain_net():
    network = Network("original", "plain")
    deleted = "stage1_unit2", "stage1_unit3", "stage3_unit4"
    without = lesion.delete(network.symbol, deleted)
    intact = lesion.delete(get_symbol(26, shortcut="plain"), [])
    assert intact.list_arguments() == network.symbol.list_arguments()
    assert set(without.list_arguments()) == {
        name for name in network.symbol.list_arguments() if not name.startswith(deleted)
    }
    # 26 layers without a unit in each stage are 20 layers; the units after it have moved up.
    moved = {
        name.replace("unit3", "unit2").replace("unit4", "unit3"): array
        for name, array in network.values.items()
        if "unit2" not in name
    }
    three = lesion.delete(network.symbol, [f"stage{stage}_unit2" for stage in (1, 2, 3)])
    assert close(outputs(three, network), outputs(get_symbol(20, shortcut="plain"), network, moved))


def test_plain_units_that_change_dimensions_cannot_be_deleted():
    graph = UnitGraph(get_symbol(14, shortcut="plain"))
    kept = set(graph.units) - set(lesion.deletable(graph, (3, 16, 16)))
    assert kept == {"stage2_unit1", "stage3_unit1"}
    assert len(lesion.deletable(UnitGraph(get_symbol(14)), (3, 16, 16))) == 6


def test_swapped_units_exchange_their_parameters():
    parameters = {"stage1_unit1_conv1_weight": 1, "stage1_unit10_conv1_weight": 10, "fc_weight": 0}
    swapped = lesion.swap(parameters, "stage1_unit1", "stage1_unit10")
    assert swapped == {
        "stage1_unit1_conv1_weight": 10,
        "stage1_unit10_conv1_weight": 1,
        "fc_weight": 0,
    }
    assert lesion.swap(swapped, "stage1_unit10", "stage1_unit1") == parameters


def test_lesions_change_what_their_rows_state_and_leave_the_network_alone():
    network = networks.named("original", "identity", 20)
    for number, array in enumerate([*network.arguments.values(), *network.states.values()]):
        array[:] = number
    plan = lesion.lesions(network, (3, 16, 16), samples=2)
    assert plan[0][1:] == ([], network.arguments, network.states)
    row, deleted, arguments, states = next(entry for entry in plan if entry[0]["lesion"] == "swap")
    first, second = row["units"].split("/")
    assert deleted == []
    for before, after, name in (
        (network.arguments, arguments, "conv1_weight"),
        (network.arguments, arguments, "bn2_gamma"),
        (network.states, states, "bn2_moving_mean"),
    ):
        assert after[f"{first}_{name}"] is before[f"{second}_{name}"]
        assert after[f"{second}_{name}"] is before[f"{first}_{name}"]
    # Of the 36 pairs of 9 units, a swap of units d apart reverses 2 d - 1.
    distance = abs(int(first[-1]) - int(second[-1]))
    assert row["tau"] == pytest.approx(1 - 2 * (2 * distance - 1) / 36)
    alone = [deleted for row, deleted, *_ in plan if row["lesion"] == "delete"]
    assert alone == [[unit] for unit in UnitGraph(network.symbol).units]
    for row, deleted, *parameters in plan:
        if row["lesion"] in ("delete", "random"):
            assert deleted == row["units"].split() and len(deleted) == row["k"]
            assert parameters == [network.arguments, network.states]


def test_only_units_of_one_shape_are_swapped():
    network = networks.named("preact", "identity", 20)
    pairs = lesion.alike(network, UnitGraph(network.symbol).units)
    # The first unit of a pre-activation network has no BN, the first of a stage narrower weights.
    assert pairs == [(f"stage{stage}_unit2", f"stage{stage}_unit3") for stage in (1, 2, 3)]


def test_residual_function_with_parallel_branches_is_deleted_completely():
    def branch(x, number):
        name = f"stage1_unit1_conv{number}"
        return mx.sym.Convolution(x, kernel=(1, 1), num_filter=4, name=name)

    x = mx.sym.Activation(mx.sym.Variable("data"), act_type="relu", name="relu0")
    f = mx.sym.elemwise_add(branch(x, 1), branch(x, 2), name="stage1_unit1_sum")
    y = mx.sym.elemwise_add(x, f, name="stage1_unit1_plus")
    graph = UnitGraph(mx.sym.Activation(y, act_type="relu", name="relu1"))
    assert graph.residual("stage1_unit1")[0].name == "stage1_unit1_sum"


def test_response_of_a_layer_without_bn_is_its_output():
    graph = UnitGraph(get_symbol(14, "preact"))
    names = {node.name: entry[0].name for node, entry in graph.responses()}
    assert names["stage1_unit2_conv1"] == "stage1_unit2_bn2"
    assert names["stage1_unit2_conv2"] == "stage1_unit2_conv2"
