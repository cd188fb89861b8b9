"""ReLU before addition, Figure 4(c): weight, BN, ReLU, weight, BN, ReLU; addition."""
from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for i, weight in enumerate(unit.weights, 1):
        f = relu(batch_norm(weight(f), f"bn{i}"), f"relu{i}")
    return unit.join(x, f, projection=batch_norm(unit.project(x), "projection_bn"))


def after_last_unit(x):
    return x
