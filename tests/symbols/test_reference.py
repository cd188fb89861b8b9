"""Every residual unit beside its NumPy reference: output, and gradients of input and parameters."""

import importlib

import mxnet as mx
import pytest
import reference
from conftest import PAPER
from unit_network import assert_agrees

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

    assert_agrees(symbol, expected, (4, channels_in, 7, 6), f"{NAME}_")


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


@pytest.mark.parametrize("channels", [8, 12, 20, 32])
def test_zeros_fill_any_number_of_new_channels(channels):
    assert_unit_agrees("original", "identity", "basic", 8, channels, 2, "A")


@pytest.mark.parametrize(
    "shortcut, constants",
    [("constant_scaling", dict(scale=0.3, residual_scale=0.8)), ("dropout", dict(ratio=0.2))],
)
def test_constants_of_a_shortcut_are_used(shortcut, constants):
    assert_unit_agrees("original", shortcut, "basic", 8, 8, 1, "A", **constants)
