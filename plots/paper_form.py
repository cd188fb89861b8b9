"""The joins of Figure 2(b) to (d) (1603.05027) in the paper's own form, for its diagrams.

The files of symbols/shortcuts/ compute the same sums with fewer operators; a test compares the
outputs.
"""

from types import SimpleNamespace

import mxnet as mx

from symbols import names
from symbols.activations import original
from symbols.layers import gate
from symbols.resnet import resnet


def constant_scaling(x, f, unit, projection):
    return 0.5 * x + 0.5 * f


def exclusive_gating(x, f, unit, projection):
    g = gate(unit, bias=-6)
    return x * (1 - g) + f * g


def shortcut_only_gating(x, f, unit, projection):
    return x * (1 - gate(unit, bias=-6)) + f


JOINS = {join.__name__: join for join in (constant_scaling, exclusive_gating, shortcut_only_gating)}


def network(shortcut, depth):
    """Return a network of original units with a shortcut in the paper's form."""
    variants = SimpleNamespace(residual_unit=original.residual_unit, join=JOINS[shortcut])
    stages = names.stages(depth, "basic")
    with mx.name.NameManager():
        return resnet(stages, names.WIDTHS["cifar"], variants, 10, "cifar", "A", "1x1")
