"""Full pre-activation, Figure 4(e), the paper's proposed unit: BN, ReLU, weight, BN, ReLU, weight; addition."""
from ..layers import batch_norm, relu


def residual_unit(x, unit):
    # The first unit's activation is the one right after conv1.
    activated = x if unit.is_first else relu(batch_norm(x, "bn1"), "relu1")
    f = unit.weights[0](activated)
    for i, weight in enumerate(unit.weights[1:], 2):
        f = weight(relu(batch_norm(f, f"bn{i}"), f"relu{i}"))
    shortcut = activated if unit.shares_activation else x
    # A projection reads the same pre-activation as the weights, and no BN follows it (appendix; the authors' code).
    return unit.join(shortcut, f, projection=unit.project(activated))


def after_last_unit(x):
    return relu(batch_norm(x, "bn"), "relu")
