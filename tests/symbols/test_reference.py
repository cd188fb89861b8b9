"""Every residual unit as an MXNet symbol against the reference in NumPy: output, gradient of the
input, of each parameter.
"""

import importlib

import mxnet as mx
import numpy as np
import pytest
import reference
from conftest import PAPER
from unit_network import distance, random_arguments

from common.graph import Graph
from symbols.network import Variants
from symbols.unit import Unit

KINDS = ["basic", "bottleneck", "one_layer"]
# channels in, channels out, stride, option
DIMENSIONS = {"same": (8, 8, 1, "A"), "A": (8, 16, 2, "A"), "B": (8, 16, 2, "B")}
NAME = "stage1_unit1"


def unit_symbol(
    activation,
    shortcut,
    kind,
    channels_in,
    channels,
    stride,
    option,
    is_first=False,
    bottleneck_stride="1x1",
    **constants,
):
    """One unit as a symbol of `x`, with parameters called stage1_unit1_..."""
    join = Variants(activation, {}, shortcut, constants).join
    residual_unit = importlib.import_module(f"symbols.activations.{activation}").residual_unit
    x = mx.sym.Variable("x")
    unit = Unit(
        NAME,
        x,
        kind,
        channels_in,
        channels,
        stride,
        option,
        bottleneck_stride,
        join,
        index=1 if is_first else 2,
        total=3,
    )
    with mx.name.NameManager(), unit.layers:
        return residual_unit(x, unit)


def assert_agrees(symbol, ask_reference, channels_in, prefix):
    """The symbol and ask_reference(x, parameters, mask) have the same output and gradients.

    At a point where no ReLU's input is so close to 0 that float32 may change its sign.
    """
    graph = Graph(symbol)
    dropouts = [(node, 0) for node in graph.nodes if node.op == "Dropout"]  # show the kept elements
    executor = graph.symbol([*graph.heads, *dropouts]).simple_bind(
        mx.cpu(), x=(4, channels_in, 8, 8)
    )
    shapes = {name: array.shape for name, array in executor.arg_dict.items()}
    for seed in range(200):
        mx.random.seed(seed)
        generator = np.random.default_rng(seed)
        arguments = random_arguments(shapes, generator)
        for name, array in arguments.items():
            executor.arg_dict[name][:] = array
        output, *dropped = [each.asnumpy() for each in executor.forward(is_train=True)]
        values = {
            name[len(prefix) :] if name.startswith(prefix) else name: reference.Value(array)
            for name, array in arguments.items()
        }
        x = values.pop("x")
        expected = ask_reference(x, values, *[each != 0 for each in dropped])
        kinks = [
            np.abs(each.inputs[0].value).min()
            for each in reference.history(expected)
            if each.operation == "ReLU"
        ]
        if min(kinks, default=1) > 1e-4:
            break
    else:
        pytest.fail("no seed keeps all inputs of ReLUs away from zero")

    head = generator.normal(0, 1, output.shape).astype(np.float32)
    executor.backward([mx.nd.array(head)] + [mx.nd.zeros(each.shape) for each in dropped])
    reference.backward(expected, head)
    assert output.shape == expected.value.shape
    assert distance(output, expected.value) < 1e-4, "output"
    for name, value in {"x": x, **values}.items():
        gradient = executor.grad_dict[name if name == "x" else prefix + name].asnumpy()
        assert value.gradient is not None, f"the reference has no {name}"
        assert distance(gradient, value.gradient) < 1e-4, f"gradient of {name}"


def assert_unit_agrees(activation, shortcut, kind, channels_in, channels, stride, option, **more):
    symbol = unit_symbol(activation, shortcut, kind, channels_in, channels, stride, option, **more)

    def ask_reference(x, parameters, mask=None):
        return reference.residual_unit(
            x, parameters, activation, shortcut, kind, channels, stride, option, mask=mask, **more
        )

    assert_agrees(symbol, ask_reference, channels_in, f"{NAME}_")


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
def test_unit_is_the_one_of_figures_2_and_4(shortcut, activation, kind, dimensions):
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
def test_stride_moves_to_the_3x3_when_asked(activation, option):
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
def test_constants_of_a_shortcut_are_obeyed(shortcut, constants):
    assert_unit_agrees("original", shortcut, "basic", 8, 8, 1, "A", **constants)


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_last_unit_gets_its_extra_activation_and_nothing_else(activation):
    file = importlib.import_module(f"symbols.activations.{activation}")
    after_last_unit = getattr(file, "after_last_unit", lambda x: x)
    with mx.name.NameManager(), mx.name.Prefix("last_"):
        symbol = after_last_unit(mx.sym.identity(mx.sym.Variable("x")))
    assert_agrees(
        symbol,
        lambda x, parameters: reference.after_last_unit(x, parameters, activation),
        8,
        "last_",
    )


@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("activation", ["original", "bn_after_addition", "preact"])
def test_reference_gradients_are_those_of_finite_differences(activation, shortcut):
    """Who checks the checker: along a random direction in x and all parameters together."""
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
    x, f = mx.sym.Variable("x"), mx.sym.Variable("f")
    pre = mx.sym.Convolution(
        x,
        weight=mx.sym.Variable("u_gate_weight"),
        bias=mx.sym.Variable("u_gate_bias"),
        num_filter=8,
        kernel=(1, 1),
    )
    plain = PLAIN_FORMULA[shortcut, constant](x, f, mx.sym.sigmoid(pre), value)
    unit = Unit("u", x, "basic", 8, 8, 1, "A", "1x1", joining=None)
    ours = file.join(x, f, unit, **{constant: value})
    generator, found = np.random.default_rng(0), []
    arguments = {
        "x": (4, 8, 8, 8),
        "f": (4, 8, 8, 8),
        "u_gate_weight": (8, 8, 1, 1),
        "u_gate_bias": (8,),
    }
    arguments = {
        name: mx.nd.array(generator.normal(0, 0.3, shape)) for name, shape in arguments.items()
    }
    arguments["u_gate_bias"][:] = value if constant == "bias" else 0
    head = mx.nd.array(generator.normal(0, 1, (4, 8, 8, 8)))
    for symbol in (plain, ours):
        subset = {name: arguments[name] for name in symbol.list_arguments()}
        gradients = {name: mx.nd.zeros_like(array) for name, array in subset.items()}
        executor = symbol.bind(mx.cpu(), subset, gradients)
        output = executor.forward(is_train=True)[0].asnumpy()
        executor.backward([head])
        found.append(
            {"output": output, **{name: array.asnumpy() for name, array in gradients.items()}}
        )
    assert found[0].keys() == found[1].keys() >= {"x", "f"}
    assert all(distance(found[1][name], array) < 1e-5 for name, array in found[0].items())
