"""Equations (3) to (8) and section 3's remarks on shortcuts, measured on whole networks from
get_symbol.
"""

import json

import mxnet as mx
import numpy as np
import pytest
from test_reference import distance, random_arguments

from symbols import get_symbol
from symbols.layers import zero_padding

PICTURES = (4, 3, 16, 16)


class Network:
    """A network of four basic units a stage, with random parameters, that can be entered and read
    anywhere.
    """

    def __init__(self, activation="preact", shortcut="identity", **constants):
        self.symbol = get_symbol(
            26, activation=activation, shortcut=shortcut, shortcut_args=constants
        )
        generator = np.random.default_rng(0)
        shapes = self.symbol.infer_shape(data=PICTURES)[0]
        self.values = random_arguments(dict(zip(self.symbol.list_arguments(), shapes)), generator)
        self.values["softmax_label"] = generator.integers(0, 10, PICTURES[0])

    def input_of(self, unit):
        """The name of x_l: what the unit's first BN reads (the unit is a pre-activation)."""
        return self.inputs_of("last_bn" if unit == "last" else f"{unit}_bn1")[0]

    def inputs_of(self, node):
        graph = json.loads(self.symbol.tojson())["nodes"]
        inputs = next(each["inputs"] for each in graph if each["name"] == node)
        return [graph[number]["name"] for number, *_ in inputs]

    def forget_residuals(self):
        """F = 0 in every unit: its last weight is nought."""
        for name in self.values:
            if name.endswith("conv2_weight"):
                self.values[name][:] = 0

    def read(self, *names, is_train=True):
        outputs = mx.sym.Group([self.symbol.get_internals()[f"{name}_output"] for name in names])
        return [each.asnumpy() for each in self._run(outputs, {}, is_train).outputs]

    def gradient(self, at, heads=None):
        """dE / d(output of node `at`);

        E is the loss, or the sum of head * output over heads = {node: head}.

        MXNet gives gradients of inputs alone: the graph is cut at `at`, which becomes an input with
        the value that it had.
        """
        graph = json.loads(self.symbol.tojson())
        node = next(node for node in graph["nodes"] if node["name"] == at)
        node.update(op="null", inputs=[])
        node.pop("attrs", None)
        symbol = mx.sym.load_json(json.dumps(graph))
        if heads:
            symbol = mx.sym.Group([symbol.get_internals()[f"{name}_output"] for name in heads])
        executor = self._run(symbol, {at: self.read(at)[0]})
        executor.backward([mx.nd.array(head) for head in heads.values()] if heads else None)
        return executor.grad_dict[at].asnumpy()

    def _run(self, symbol, entry, is_train=True):
        mx.random.seed(0)  # dropout's masks
        values = {**self.values, **entry}
        values = {name: mx.nd.array(values[name]) for name in symbol.list_arguments()}
        gradients = {name: mx.nd.zeros(array.shape) for name, array in values.items()}
        shapes = symbol.infer_shape(**{name: array.shape for name, array in values.items()})[2]
        states = {
            name: mx.nd.full(shape, float(name.endswith("var")))
            for name, shape in zip(symbol.list_auxiliary_states(), shapes)
        }
        executor = symbol.bind(mx.cpu(), values, gradients, aux_states=states)
        executor.forward(is_train=is_train)
        return executor


# l and L of the three stages: from behind the unit that changes dimensions to the stage's end.
STAGES = [("stage1", "stage2_unit1"), ("stage2", "stage3_unit1"), ("stage3", "last")]


@pytest.mark.parametrize("stage, following", STAGES)
def test_signal_is_the_sum_of_all_residuals_before_it(stage, following):
    """(3)-(4): x_L = x_l + sum of F; fails if anything touches the shortcut or the sum."""
    network = Network()
    residuals = [f"{stage}_unit{number}_conv2" for number in (2, 3, 4)]
    end, start, *f = network.read(
        network.input_of(following), network.input_of(f"{stage}_unit2"), *residuals
    )
    assert min(np.abs(each).max() for each in f) > 0.1
    assert distance(end - start, sum(f)) < 1e-5


def test_signal_of_the_original_unit_is_no_such_sum():
    """Section 2: with f = ReLU equation (4) does not hold. Shows that the test above can fail."""
    network = Network(activation="original")
    end, start, *f = network.read(
        "stage1_unit4_relu2", "stage1_unit1_relu2", *[f"stage1_unit{i}_bn2" for i in (2, 3, 4)]
    )
    assert distance(end - start, sum(f)) > 0.1


@pytest.mark.parametrize("stage, following", STAGES)
def test_gradient_arrives_unchanged_beside_the_weights(stage, following):
    """(5): dE/dx_l = dE/dx_L (1 + d/dx_l sum F), E being the network's own loss."""
    network = Network()
    start, end = network.input_of(f"{stage}_unit2"), network.input_of(following)
    at_end = network.gradient(end)
    through_weights = network.gradient(
        start, {f"{stage}_unit{number}_conv2": at_end for number in (2, 3, 4)}
    )
    assert distance(through_weights, at_end) > 0.1
    assert distance(network.gradient(start) - at_end, through_weights) < 1e-4


@pytest.mark.parametrize("scale", [0.5, 0.9, 1.1])
def test_constant_on_every_shortcut_multiplies_up_in_the_gradient(scale):
    """(6)-(8): through shortcuts alone dE/dx_l is dE/dx_L times lambda^(L-l)."""
    network = Network(shortcut="constant_scaling", scale=scale, residual_scale=1)
    network.forget_residuals()
    start, end = network.input_of("stage2_unit1"), network.input_of("stage3_unit1")
    # four units lie between them; the first takes every second pixel and pads 16 channels with 16
    # of zeros
    at_end, at_start = network.gradient(end), network.gradient(start)
    assert np.abs(at_end).max() > 0
    assert distance(at_start[:, :, ::2, ::2], scale**4 * at_end[:, :16]) < 1e-5
    at_start[:, :, ::2, ::2] = 0
    assert not at_start.any()


def test_constants_also_multiply_beside_the_weights():
    """(8): dE/dx_l = dE/dx_L (product of lambdas + d/dx_l sum F^), where F^ has absorbed the later
    lambdas.
    """
    network = Network(shortcut="constant_scaling", scale=0.5, residual_scale=1)
    start, end = network.input_of("stage3_unit2"), network.input_of("last")
    at_end = network.gradient(end)
    absorbed = {f"stage3_unit{number}_conv2": 0.5 ** (4 - number) * at_end for number in (2, 3, 4)}
    assert (
        distance(network.gradient(start), 0.5**3 * at_end + network.gradient(start, absorbed))
        < 1e-4
    )


def test_units_without_residuals_are_the_identity():
    """A pre-activation unit's shortcut is clean: with F = 0 a stage hands on its input, every bit
    of it.
    """
    network = Network()
    network.forget_residuals()
    for stage, following in STAGES:
        start, end = network.read(network.input_of(f"{stage}_unit2"), network.input_of(following))
        assert np.abs(start).max() > 0
        assert (start == end).all()


def test_option_a_is_every_second_pixel_and_zeros_behind():
    network = Network()
    network.forget_residuals()
    start, end = network.read(network.input_of("stage2_unit1"), network.input_of("stage2_unit2"))
    assert (start[:, :, ::2, ::2] != 0).any()
    assert (
        end == np.concatenate([start[:, :, ::2, ::2], np.zeros_like(start[:, :, ::2, ::2])], axis=1)
    ).all()


@pytest.mark.parametrize("channels, stride", [(8, 2), (16, 1), (32, 2)])
def test_option_a_pads_to_any_multiple_with_any_stride(channels, stride):
    x = np.random.default_rng(0).normal(0, 1, (2, 8, 7, 6)).astype(np.float32)
    out = (
        zero_padding(mx.sym.Variable("x"), 8, channels, stride).eval(x=mx.nd.array(x))[0].asnumpy()
    )
    assert (
        out == np.pad(x[:, :, ::stride, ::stride], ((0, 0), (0, channels - 8), (0, 0), (0, 0)))
    ).all()


@pytest.mark.parametrize("bias, opening", [(None, 0.00247262), (-7, 0.00091105), (0, 0.5)])
@pytest.mark.parametrize("shortcut", ["exclusive_gating", "shortcut_only_gating"])
def test_gate_starts_as_open_as_its_bias_says(shortcut, bias, opening):
    """sigmoid(b_g) where W_g x is 0; the default, -6, opens to 0.0025. b_g as MXNet itself would
    initialise it.
    """
    network = Network("original", shortcut, **({} if bias is None else {"bias": bias}))
    start = mx.nd.zeros(32)
    name = "stage2_unit1_gate_bias"
    mx.init.Xavier()(mx.init.InitDesc(name, network.symbol.attr_dict()[name]), start)
    network.values[name] = start.asnumpy()
    network.values["stage2_unit1_gate_weight"][:] = 0
    (opened,) = network.read("stage2_unit1_gate_sigmoid")
    assert opened.shape == (4, 32, 8, 8)
    assert opened == pytest.approx(opening, rel=1e-4)


def test_dropout_acts_in_training_alone():
    """And on the shortcut alone: kept signals are doubled, so that evaluation needs no factor."""
    network = Network(activation="original", shortcut="dropout")
    node = "stage1_unit2_shortcut_dropout"
    assert network.inputs_of(node) == ["stage1_unit1_relu2"]
    before, after = network.read("stage1_unit1_relu2", node, is_train=False)
    assert before.any()
    assert (before == after).all()
    before, after = network.read("stage1_unit1_relu2", node)
    kept = after != 0
    assert (after[kept] == 2 * before[kept]).all()
    assert kept[before != 0].mean() == pytest.approx(0.5, abs=0.05)
