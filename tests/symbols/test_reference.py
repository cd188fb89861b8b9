"""Every residual unit beside its NumPy reference: output, and gradients of input and parameters."""

import importlib
from functools import partial

import mxnet as mx
import numpy as np
import pytest
import reference
from conftest import PAPER
from unit_network import assert_agrees, distance

from symbols.network import Variants
from symbols.unit import Unit

KINDS = ["basic", "bottleneck", "one_layer"]
# channels in, channels out, stride, option
DIMENSIONS = {"same": (8, 8, 1, "A"), "A": (8, 16, 2, "A"), "B": (8, 16, 2, "B")}
NAME = "stage1_unit1"


def unit_symbol(
    activation, shortcut, *dimensions, is_first=False, bottleneck_stride="1x1", **values
):
    """One unit as a symbol of `x`, with parameters called stage1_unit1_..."""
    join = Variants(activation, {}, shortcut, values).join
    residual_unit = importlib.import_module(f"symbols.activations.{activation}").residual_unit
    x = mx.sym.Variable("x")
    index = 1 if is_first else 2
    unit = Unit(NAME, x, *dimensions, bottleneck_stride, join, index=index, total=3)
    with mx.name.NameManager(), unit.layers:
        return residual_unit(x, unit)


def assert_unit_agrees(activation, shortcut, kind, channels_in, channels, stride, option, **more):
    symbol = unit_symbol(activation, shortcut, kind, channels_in, channels, stride, option, **more)

    def expected(x, parameters, mask=None):
        return reference.residual_unit(
            x, parameters, activation, shortcut, kind, channels, stride, option, mask=mask, **more
        )

    assert_agrees(symbol, expected, (4, channels_in, 8, 8), f"{NAME}_")


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
def test_unit_is_that_of_figures_2_and_4(shortcut, activation, kind, dimensions):
    assert_unit_agrees(activation, shortcut, kind, *DIMENSIONS[dimensions])


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu_only_preact", "preact"])
@pytest.mark.parametrize("shortcut", ["identity", "exclusive_gating", "convolution"])
def test_first_unit_leaves_its_activation_to_the_stem(shortcut, activation, kind, dimensions):
    assert_unit_agrees(activation, shortcut, kind, *DIMENSIONS[dimensions], is_first=True)


@pytest.mark.parametrize("option", ["A", "B"])
@pytest.mark.parametrize("activation", PAPER["activations"])
def test_first_bottleneck_widens_fourfold_without_a_stride(activation, option):
    assert_unit_agrees(activation, "identity", "bottleneck", 4, 16, 1, option, is_first=True)


@pytest.mark.parametrize("option", ["A", "B"])
@pytest.mark.parametrize("activation", PAPER["activations"])
def test_stride_is_in_the_3x3_on_request(activation, option):
    assert_unit_agrees(
        activation, "identity", "bottleneck", 8, 16, 2, option, bottleneck_stride="3x3"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", PAPER["activations"])
def test_option_a_preactivated_pads_the_pre_activation(activation, kind):
    assert_unit_agrees(activation, "identity", kind, 8, 16, 2, "A-preactivated")


@pytest.mark.parametrize(
    "shortcut, constants",
    [("constant_scaling", dict(scale=0.3, residual_scale=0.8)), ("dropout", dict(ratio=0.2))],
)
def test_constants_of_a_shortcut_are_used(shortcut, constants):
    assert_unit_agrees("original", shortcut, "basic", 8, 8, 1, "A", **constants)


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_last_unit_gets_its_extra_activation_and_nothing_else(activation):
    file = importlib.import_module(f"symbols.activations.{activation}")
    after_last_unit = getattr(file, "after_last_unit", lambda x: x)
    with mx.name.NameManager(), mx.name.Prefix("last_"):
        symbol = after_last_unit(mx.sym.identity(mx.sym.Variable("x")))
    expected = partial(reference.after_last_unit, activation=activation)
    assert_agrees(symbol, expected, (4, 8, 8, 8), "last_")


@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("activation", ["original", "bn_after_addition", "preact"])
def test_reference_gradients_are_those_of_finite_differences(activation, shortcut):
    """The reference's own test: along a random direction in x and all parameters together."""
    shapes = {
        "x": (2, 3, 4, 4),
        "conv1_weight": (6, 3, 3, 3),
        "conv2_weight": (6, 6, 3, 3),
        "bn2_gamma": (6,),
        "bn2_beta": (6,),
        "projection_weight": (6, 3, 1, 1),
        "gate_weight": (6, 3, 1, 1),
        "gate_bias": (6,),
        "projection_bn_gamma": (6,),
        "projection_bn_beta": (6,),
    }
    shapes["bn1_gamma"] = shapes["bn1_beta"] = (3,) if activation == "preact" else (6,)
    generator = np.random.default_rng(2)
    point, direction = [
        {name: generator.normal(0, 1, shape) for name, shape in shapes.items()} for _ in range(2)
    ]
    mask, head = generator.integers(0, 2, (2, 6, 2, 2)), generator.normal(0, 1, (2, 6, 2, 2))

    def at(step):
        values = {name: reference.Value(point[name] + step * direction[name]) for name in shapes}
        parameters = {name: value for name, value in values.items() if name != "x"}
        return values, reference.residual_unit(
            values["x"], parameters, activation, shortcut, "basic", 6, 2, mask=mask
        )

    values, y = at(0)
    reference.backward(y, head)
    slope = sum(
        (direction[name] * value.gradient).sum()
        for name, value in values.items()
        if value.gradient is not None
    )
    difference = (head * (at(1e-6)[1].value - at(-1e-6)[1].value)).sum() / 2e-6
    assert slope == pytest.approx(difference, rel=1e-6)


PLAIN_FORMULA = {  # of Figure 2, as section 3.1 writes it
    ("exclusive_gating", "bias"): lambda x, f, g, bias: (1 - g) * x + g * f,
    ("shortcut_only_gating", "bias"): lambda x, f, g, bias: (1 - g) * x + f,
    ("constant_scaling", "scale"): lambda x, f, g, scale: scale * x + 0.5 * f,
}


@pytest.mark.parametrize("shortcut, constant", PLAIN_FORMULA)
@pytest.mark.parametrize("value", [0.5, -6.0])
def test_faster_form_of_a_shortcut_is_the_plain_formula(shortcut, constant, value):
    file = importlib.import_module(f"symbols.shortcuts.{shortcut}")
    x = mx.sym.Variable("x")
    f = mx.sym.Variable("f")
    weight = mx.sym.Variable("u_gate_weight")
    bias = mx.sym.Variable("u_gate_bias")
    pre = mx.sym.Convolution(x, weight=weight, bias=bias, num_filter=8, kernel=(1, 1))
    plain = PLAIN_FORMULA[shortcut, constant](x, f, mx.sym.sigmoid(pre), value)
    unit = Unit("u", x, "basic", 8, 8, 1, "A", "1x1", joining=None)
    ours = file.join(x, f, unit, **{constant: value})
    generator = np.random.default_rng(0)
    shapes = {"x": (4, 8, 8, 8), "f": (4, 8, 8, 8), "u_gate_weight": (8, 8, 1, 1)}
    arguments = {
        name: mx.nd.array(generator.normal(0, 0.3, shape)) for name, shape in shapes.items()
    }
    arguments["u_gate_bias"] = mx.nd.full(8, value if constant == "bias" else 0)
    head = mx.nd.array(generator.normal(0, 1, (4, 8, 8, 8)))
    results = []
    for symbol in (plain, ours):
        subset = {name: arguments[name] for name in symbol.list_arguments()}
        gradients = {name: mx.nd.zeros_like(array) for name, array in subset.items()}
        executor = symbol.bind(mx.cpu(), subset, gradients)
        arrays = {"output": executor.forward(is_train=True)[0]}
        executor.backward([head])
        results.append({**arrays, **gradients})
    expected, found = results
    assert expected.keys() == found.keys() >= {"x", "f"}
    for name, array in expected.items():
        assert distance(found[name].asnumpy(), array.asnumpy()) < 1e-5, name
