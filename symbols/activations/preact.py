"""Full pre-activation, Figure 4(e): BN, ReLU, weight, BN, ReLU, weight; addition.

The unit that the paper proposes. Where dimensions change, the paths share the pre-activation
(appendix; the authors' code): a projection reads what the first weight reads, and no BN follows it.
"""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    preactivation = relu(batch_norm(x))
    if unit.is_first:
        # The stem has activated x, right after conv1 (appendix). The line above keeps the numbers of
        # the first unit's layers.
        preactivation = x
    f = unit.weights[0](preactivation)
    for weight in unit.weights[1:]:
        f = weight(relu(batch_norm(f)))
    shortcut = preactivation if unit.pads_preactivation else x
    return unit.join(shortcut, f, projection=unit.project(preactivation))


def after_last_unit(x):
    return relu(batch_norm(x, "bn"), "relu")
