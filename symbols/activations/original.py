"""The original residual unit, Figure 4(a): weight, BN, ReLU, weight, BN; addition; ReLU."""
from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for i, weight in enumerate(unit.weights[:-1], 1):
        f = relu(batch_norm(weight(f), f"bn{i}"), f"relu{i}")
    last = len(unit.weights)
    f = batch_norm(unit.weights[-1](f), f"bn{last}")
    y = unit.join(x, f, projection=batch_norm(unit.project(x), "projection_bn"))
    return relu(y, f"relu{last}")


def after_last_unit(x):
    return x
