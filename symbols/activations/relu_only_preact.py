"""ReLU-only pre-activation, Figure 4(d): ReLU, weight, BN, ReLU, weight, BN; addition."""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    preactivation = relu(x)
    if unit.is_first:
        # The stem has applied BN and ReLU to x, right after conv1 (appendix). The line above is not
        # used here: it only makes the next ReLU relu2, as in all other units.
        preactivation = x
    f = batch_norm(unit.weights[0](preactivation))
    for weight in unit.weights[1:]:
        f = batch_norm(weight(relu(f)))
    shortcut = preactivation if unit.pads_preactivation else x
    return unit.join(shortcut, f, projection=unit.project(preactivation))


def after_last_unit(x):
    return relu(x, "relu")
