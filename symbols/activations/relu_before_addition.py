"""ReLU before addition, Figure 4(c): weight, BN, ReLU, weight, BN, ReLU; addition."""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    f = x
    for weight in unit.weights:
        f = relu(batch_norm(weight(f)))
    return unit.join(x, f, projection=batch_norm(unit.project(x), "projection_bn"))
