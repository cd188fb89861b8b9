"""Full pre-activation, Figure 4(e): BN, ReLU, weight, BN, ReLU, weight; addition.

The unit that the paper proposes. A projection (option B, bottlenecks) reads the pre-activation that
the first weight reads, and no BN follows it (appendix; the authors' code). Zero padding (option A,
basic units) pads x itself; --option A-preactivated pads the pre-activation.
"""

from ..layers import batch_norm, relu


def residual_unit(x, unit):
    preactivation = relu(batch_norm(x))
    if unit.is_first:
        # The stem has applied BN and ReLU to x, right after conv1 (appendix). The line above is not
        # used here: it only makes the next BN bn2, as in all other units.
        preactivation = x
    f = unit.weights[0](preactivation)
    for weight in unit.weights[1:]:
        f = weight(relu(batch_norm(f)))
    shortcut = preactivation if unit.pads_preactivation else x
    return unit.join(shortcut, f, projection=unit.project(preactivation))


def after_last_unit(x):
    return relu(batch_norm(x, "bn"), "relu")
