"""From names and numbers to the network: what get_symbol does."""

import types

import mxnet as mx

from common.errors import UserError

from . import names
from .checks import check
from .contract import Variant
from .resnet import resnet

CLASSES = {"cifar": 10, "imagenet": 1000}
IMAGE_SIZE = {"cifar": 32, "imagenet": 224}


def get_symbol(
    depth,
    activation="original",
    shortcut="identity",
    unit=None,
    classes=None,
    family="cifar",
    shortcut_args=None,
    option=None,
    bottleneck_stride="1x1",
    dtype=None,
    activation_args=None,
    widths=None,
):
    """The network as a symbol.

    Its inputs are `data` (batch, 3, height, width) and `softmax_label` (batch,).

    depth, unit        weighted layers and kind of unit; see names.stages
    activation         a file of symbols/activations/, without .py (Table 2)
    shortcut           a file of symbols/shortcuts/ (Table 1)
    shortcut_args      the shortcut's constants, as {"bias": -7}
    classes            outputs; by default 10 for CIFAR and 1000 for ImageNet
    family             cifar or imagenet
    option             how a unit changes dimensions: A, B or A-preactivated. By default the papers'
                       choice: A for basic and one-layer units (1512.03385, section 4.2), B for
                       bottlenecks (1603.05027, appendix)
    bottleneck_stride  which of a bottleneck's layers has the stride: 1x1 (the authors), 3x3
                       (fb.resnet.torch)
    activation_args    the activation's constants, as {"beta": 1}
    widths             channels of each stage's 3x3 layers; by default (16, 32, 64) for CIFAR and
                       (64, 128, 256, 512) for ImageNet. The stem keeps its 16 or 64
    dtype              float16: from the data to the last unit, which MXNet computes on GPUs only.
                       By default, and for bfloat16, to which training converts it, float32

    Raises UserError for a name, depth or constant that does not exist and for a variant's file that
    breaks its contract.
    """
    kind, units_per_stage = names.stages(depth, unit, family)
    activation = Variant("activations", activation)
    shortcut = Variant("shortcuts", shortcut)
    constants = shortcut.constants(shortcut_args or {})
    activation_args = activation.constants(activation_args or {})
    option = option or names.default_option(kind)
    if option not in names.OPTIONS:
        raise UserError(f"no option is called '{option}': there are {', '.join(names.OPTIONS)}")
    if bottleneck_stride not in ("1x1", "3x3"):
        raise UserError(
            "a bottleneck's stride is in its first 1x1 or its 3x3, not in " f"'{bottleneck_stride}'"
        )
    made = []  # [(unit, symbol)]: what join and residual_unit return

    def residual_unit(x, unit):
        y = activation.call("residual_unit", x, unit, constants=activation_args)
        made.append((unit, y))
        return y

    with mx.name.NameManager():  # the same call gives the same names, whatever was built before
        symbol = resnet(
            units_per_stage,
            names.stage_widths(widths, family),
            kind,
            functions(activation, residual_unit, activation_args),
            joining(shortcut, constants, made),
            classes or CLASSES[family],
            family,
            option,
            bottleneck_stride,
            dtype,
        )
    check(symbol, made, IMAGE_SIZE[family], activation.path)
    return symbol


def joining(shortcut, constants, made):
    """The function by which units join their paths: a shortcut's file with its constants.

    made: a list that takes in (unit, symbol) for each join.
    """

    def join(x, f, unit, projection):
        asked = [projection] if "projection" in shortcut.functions["join"] else []
        y = shortcut.call("join", x, f, unit, *asked, constants=constants)
        made.append((unit, y))
        return y

    return join


def functions(activation, residual_unit, constants):
    """What resnet() builds with: the functions that the file has, each of them guarded."""
    made = types.SimpleNamespace(residual_unit=residual_unit)
    if "after_conv1" in activation.functions:
        made.after_conv1 = lambda x: activation.call("after_conv1", x, constants=constants)
    if "after_last_unit" in activation.functions:
        made.after_last_unit = lambda x: activation.call("after_last_unit", x, constants=constants)
    return made


def shortcut_constants(shortcut, given):
    """The constants of a shortcut: its file's defaults, replaced by what is given.

    Raises UserError for an unknown one.
    """
    return Variant("shortcuts", shortcut).constants(given)


def activation_constants(activation, given):
    """The same of an activation."""
    return Variant("activations", activation).constants(given)
