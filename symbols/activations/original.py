"""The original residual unit, Figure 4(a): weight, BN, ReLU, weight, BN; addition; ReLU."""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for weight in unit.weights[:-1]:
        f = relu(batch_norm(weight(f)))
    f = batch_norm(unit.weights[-1](f))
    return relu(unit.join(x, f, projection=batch_norm(unit.project(x), "projection_bn")))
