"""Every variant builds, and has the paper's size and initial values."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PAPER, sound
from modules import first_step, initial_values

from common.errors import UserError
from symbols import constants, counts, get_symbol, names
from symbols.activations import original
from symbols.resnet import resnet

# fmt: off
# computed analytically from the papers' descriptions
PARAMETERS = [
    (dict(depth=20), 269722, dict(classifier=650)),
    (dict(depth=32), 464154, {}),
    (dict(depth=44), 658586, {}),
    (dict(depth=56), 853018, {}),
    (dict(depth=110), 1727962, {"batch norm": 8096, "gate": 0}),
    (dict(depth=1202), 19421274, {}),
    (dict(depth=110, activation="preact"), 1727962, {}),
    (dict(depth=110, unit="one_layer"), 1727962, {}),
    (dict(depth=164), 1704154, dict(classifier=2570)),
    (dict(depth=164, activation="preact"), 1703258, {}),
    (dict(depth=164, activation="preact", classes=100), 1726388, {}),
    (dict(depth=1001), 10328602, {}),
    (dict(depth=1001, activation="preact"), 10327706, dict(convolution=10178490 - 2570)),
    (dict(depth=1001, activation="preact", classes=100), 10350836, {}),
    (dict(depth=110, shortcut="convolution"), 1727962 + 98240, dict(convolution=1719216 + 94208)),
    (dict(depth=110, shortcut="exclusive_gating"), 1727962 + 96224, dict(gate=96224)),
    (dict(depth=110, shortcut="shortcut_only_gating"), 1727962 + 96224, dict(gate=96224)),
]
# fmt: on


@pytest.mark.parametrize("arguments, count, groups", PARAMETERS)
def test_network_has_the_papers_number_of_parameters(arguments, count, groups):
    parameters = counts.parameters(get_symbol(**arguments))
    assert sum(parameters.values()) == count
    assert {**parameters, **groups} == parameters


@pytest.mark.parametrize(
    "depth, billions", [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)]
)
def test_imagenet_network_has_the_papers_multiply_adds(depth, billions):
    # 1512.03385 Table 1 rounds, and does not say how it counts projections
    assert counts.multiply_adds(get_symbol(depth, family="imagenet"), 224) / 1e9 == pytest.approx(
        billions, rel=0.02
    )


@pytest.mark.parametrize("unit", names.LAYERS)
@pytest.mark.parametrize("activation", sound("activations"))
@pytest.mark.parametrize("shortcut", sound("shortcuts"))
def test_every_pair_trains_one_step(activation, shortcut, unit):
    depth = {"basic": 8, "bottleneck": 11, "one_layer": 5}[unit]
    try:
        symbol = get_symbol(depth, activation, shortcut, unit)
    except UserError as error:  # of a user's file
        assert activation not in PAPER["activations"] and "unit.join" in str(error)
        return
    _, outputs, gradients, _ = first_step(symbol, (2, 3, 8, 8))
    for name, array in {**outputs, **gradients}.items():
        assert np.isfinite(array).all(), name
    assert gradients["conv1_weight"].any(), "no gradient reaches the first layer"


def test_initial_deviations_differ_for_convolutions_classifier_and_gates():
    symbol = get_symbol(56, shortcut="exclusive_gating", shortcut_args={"bias": -5})
    start = initial_values(symbol)
    deviations = {
        "stage3_unit2_conv2_weight": np.sqrt(2 / (9 * 64)),
        "stage3_unit1_conv1_weight": np.sqrt(2 / (9 * 32)),  # fan-in, not fan-out
        "stage3_unit3_gate_weight": np.sqrt(1 / 64),
        "fc_weight": 1 / 8 / np.sqrt(3),
    }
    for name, deviation in deviations.items():
        assert start[name].std() == pytest.approx(deviation, rel=0.05), name
    assert abs(start["fc_weight"]).max() <= 1 / 8
    values = {"stage3_unit3_gate_bias": -5, "fc_bias": 0, "bn1_gamma": 1, "bn1_beta": 0}
    for name, value in values.items():
        assert (start[name] == value).all(), name


UNKNOWN = [
    dict(activation="no_such"),
    dict(shortcut="no_such"),
    dict(option="D"),
    dict(bottleneck_stride="2x2"),
    dict(shortcut="exclusive_gating", shortcut_args={"scale": 1}),
    dict(shortcut_args={"bias": 1}),
]


@pytest.mark.parametrize("arguments", UNKNOWN)
def test_unknown_names_and_constants_are_rejected(arguments):
    with pytest.raises(UserError):
        get_symbol(20, **arguments)


def test_constants_default_to_the_papers():
    assert constants("shortcuts", "exclusive_gating", {}) == {"bias": -6}
    factors = constants("shortcuts", "constant_scaling", {"scale": 0})
    assert factors == {"scale": 0, "residual_scale": 0.5}
    assert constants("shortcuts", "dropout", {}) == {"ratio": 0.5}


def test_unit_knows_its_place():
    places = []

    def residual_unit(x, unit):
        channels = (unit.channels_in, unit.channels, unit.stride)
        places.append((unit.stage, unit.index, unit.total, *channels, unit.is_first))
        return original.residual_unit(x, unit)

    variants = SimpleNamespace(
        residual_unit=residual_unit, join=lambda x, f, unit, projection: x + f
    )
    resnet(("basic", (2, 1, 2)), (16, 32, 64), variants, 10, "cifar", "A", "1x1")
    assert places == [
        (1, 1, 5, 16, 16, 1, True),
        (1, 2, 5, 16, 16, 1, False),
        (2, 3, 5, 16, 32, 2, False),
        (3, 4, 5, 32, 64, 2, False),
        (3, 5, 5, 64, 64, 1, False),
    ]
