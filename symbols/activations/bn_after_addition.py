"""BN after addition, Figure 4(b): weight, BN, ReLU, weight; addition; BN, ReLU."""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for weight in unit.weights[:-1]:
        f = relu(batch_norm(weight(f)))
    f = unit.weights[-1](f)
    # The BN after the addition also normalizes a projection, as it does the last weight.
    return relu(batch_norm(unit.join(x, f, projection=unit.project(x))))
