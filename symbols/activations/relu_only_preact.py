"""ReLU-only pre-activation, Figure 4(d): ReLU, weight, BN, ReLU, weight, BN; addition."""
from ..layers import batch_norm, relu


def residual_unit(x, unit):
    # The first unit's activation is the one right after conv1.
    activated = x if unit.is_first else relu(x, "relu1")
    f = activated
    for i, weight in enumerate(unit.weights, 1):
        if i > 1:
            f = relu(f, f"relu{i}")
        f = batch_norm(weight(f), f"bn{i}")
    shortcut = activated if unit.shares_activation else x
    return unit.join(shortcut, f, projection=unit.project(activated))


def after_last_unit(x):
    return relu(x, "relu")
