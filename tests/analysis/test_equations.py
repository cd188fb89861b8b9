"""Equations (3) to (8) and section 3's remarks on shortcuts, measured on networks from get_symbol."""

import numpy as np
import pytest
from unit_network import Network, distance

# From the output of the unit that changes dimensions to the end of the stage: l and L.
STAGES = [("stage1", "stage2_unit1"), ("stage2", "stage3_unit1"), ("stage3", "last")]


@pytest.mark.parametrize("stage, following", STAGES)
def test_signal_is_the_sum_of_all_residuals_before_it(stage, following):
    """(3)-(4): x_L = x_l + sum of F; fails if anything changes the shortcut or the sum."""
    network = Network()
    residuals = [f"{stage}_unit{number}_conv2" for number in (2, 3, 4)]
    end, start, *f = network.read(
        network.input_of(following), network.input_of(f"{stage}_unit2"), *residuals
    )
    assert min(np.abs(array).max() for array in f) > 0.1
    assert distance(end - start, sum(f)) < 1e-5


@pytest.mark.parametrize("stage, following", STAGES)
def test_gradient_arrives_unchanged_beside_the_weights(stage, following):
    """(5): dE/dx_l = dE/dx_L (1 + d/dx_l sum F), where E is the network's loss."""
    network = Network()
    start, end = network.input_of(f"{stage}_unit2"), network.input_of(following)
    at_end = network.gradient(end)
    through_weights = network.gradient(
        start, {f"{stage}_unit{number}_conv2": at_end for number in (2, 3, 4)}
    )
    assert distance(through_weights, at_end) > 0.1
    assert distance(network.gradient(start) - at_end, through_weights) < 1e-4


@pytest.mark.parametrize("scale", [0.5, 0.9, 1.1])
def test_constants_on_the_shortcuts_multiply_in_the_gradient(scale):
    """(6)-(8): through shortcuts alone dE/dx_l is dE/dx_L times lambda^(L-l)."""
    network = Network(shortcut="constant_scaling", scale=scale, residual_scale=1)
    network.forget_residuals()
    start, end = network.input_of("stage2_unit1"), network.input_of("stage3_unit1")
    # Four units. The first reads every second pixel and pads 16 channels with 16 of zeros.
    at_end, at_start = network.gradient(end), network.gradient(start)
    assert np.abs(at_end).max() > 0
    assert distance(at_start[:, :, ::2, ::2], scale**4 * at_end[:, :16]) < 1e-5
    at_start[:, :, ::2, ::2] = 0
    assert not at_start.any()


def test_constants_also_multiply_beside_the_weights():
    """(8): dE/dx_l = dE/dx_L (product of lambdas + d/dx_l sum F^); F^ contains the later lambdas."""
    network = Network(shortcut="constant_scaling", scale=0.5, residual_scale=1)
    start, end = network.input_of("stage3_unit2"), network.input_of("last")
    at_end = network.gradient(end)
    absorbed = {f"stage3_unit{number}_conv2": 0.5 ** (4 - number) * at_end for number in (2, 3, 4)}
    expected = 0.5**3 * at_end + network.gradient(start, absorbed)
    assert distance(network.gradient(start), expected) < 1e-4
