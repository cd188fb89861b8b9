"""The notes' own network: its parameters, and its function beside NumPy's."""

import json
from functools import partial

import mxnet as mx
import numpy as np
import pytest
import reference
from modules import initial_values
from numpy.lib.stride_tricks import sliding_window_view
from unit_network import assert_agrees

from common.files import ROOT
from symbols import network_options, notes
from training.optimizer import decay_multipliers

IMAGES = (2, 3, 32, 32)


def test_network_has_the_notes_number_of_parameters():
    """Of the notes' script, ResNet(12, [64, 128, 256])."""
    symbol = notes.get_symbol()
    arguments, _, _ = symbol.infer_shape(data=IMAGES)
    shapes = dict(zip(symbol.list_arguments(), arguments))
    del shapes["data"], shapes["softmax_label"]
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 18268586


def test_weights_start_gaussian_with_variance_2_over_fan_in_and_biases_at_0():
    start = initial_values(notes.get_symbol(units=2), IMAGES)
    fans = {"stage3_unit2_conv1": 9 * 256, "stage3_unit1_projection": 128, "fc": 1024}
    for name, fan in fans.items():
        weights = start[f"{name}_weight"]
        assert weights.std() == pytest.approx(np.sqrt(2 / fan), rel=0.03)
        assert np.abs(weights).max() > 3 * weights.std()  # not uniform
        assert not start[f"{name}_bias"].any()


def test_weights_and_gammas_decay_and_nothing_else():
    symbol = notes.get_symbol(units=1)
    optimizer = mx.optimizer.create("sgd", sym=symbol)
    optimizer.set_wd_mult(decay_multipliers(symbol, "weights"))
    fixed = ("data", "softmax_label", "last_bn_gamma")
    for name in set(symbol.list_arguments()).difference(fixed):
        decayed = optimizer.wd_mult.get(name, 1) != 0
        assert decayed == name.endswith(("_weight", "_gamma")), name


def description(x, parameters, units, widths):
    """The scores (batch, 10) of the notes' network, by NOTES.md."""

    def weighted(x, name, stride=1):
        y = reference.convolution(x, parameters[f"{name}_weight"], stride)
        return y + parameters[f"{name}_bias"][:, None, None]

    def activated(x, name):
        return reference.relu(reference.batch_norm(x, parameters, name))

    x = weighted(x, "conv1")
    for stage in range(1, len(widths) + 1):
        for number in range(1, units + 1):
            unit = f"stage{stage}_unit{number}"
            stride = 2 if number == 1 else 1
            f = weighted(activated(x, f"{unit}_bn1"), f"{unit}_conv1", stride)
            f = weighted(activated(f, f"{unit}_bn2"), f"{unit}_conv2")
            x = (weighted(x, f"{unit}_projection", 2) if number == 1 else x) + f
    parameters["last_bn_gamma"] = np.ones(widths[-1])  # fixed
    windows = sliding_window_view(activated(x, "last_bn"), (3, 3), axis=(2, 3))
    means = windows.mean((4, 5)).reshape(len(x), -1)
    return means @ parameters["fc_weight"].T + parameters["fc_bias"]


def test_function_and_gradients_are_those_of_the_description(monkeypatch):
    monkeypatch.setattr(reference, "EPSILON", 1e-3)  # MXNet's default
    network = {"units": 2, "widths": (4, 6, 8)}
    symbol = notes.get_symbol(**network).get_internals()["fc_output"]
    expected = partial(description, **network)
    assert_agrees(symbol, expected, IMAGES, data="data")


def test_run_of_train_notes_can_be_scored_and_measured():
    folder = ROOT / "results" / "full" / "cifar10-notes12" / "seed0"
    recipe = json.loads((folder / "config.json").read_text())["recipe"]
    assert network_options.symbol_of(recipe, 10).tojson() == notes.get_symbol().tojson()
    del recipe["units"]
    with pytest.raises(KeyError, match="units"):
        network_options.symbol_of(recipe, 10)
    with pytest.raises(KeyError, match="depth"):  # a user's activation may be called notes
        network_options.symbol_of({"activation": "notes", "unit": "basic"}, 10)
