"""BN after addition, Figure 4(b): weight, BN, ReLU, weight; addition; BN, ReLU."""
from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for i, weight in enumerate(unit.weights[:-1], 1):
        f = relu(batch_norm(weight(f), f"bn{i}"), f"relu{i}")
    last = len(unit.weights)
    f = unit.weights[-1](f)
    # The BN after the addition serves a projection too, as it serves the last weight.
    y = unit.join(x, f, projection=unit.project(x))
    return relu(batch_norm(y, f"bn{last}"), f"relu{last}")


def after_last_unit(x):
    return x
