"""get_symbol: from names and numbers to the network."""

from functools import partial

import mxnet as mx

from common.errors import UserError

from . import names
from .checks import check, check_residuals
from .contract import Variant
from .resnet import resnet

CLASSES = {"cifar": 10, "imagenet": 1000}


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
    image_size=None,
):
    """Return the network, with inputs `data` (batch, 3, height, width) and `softmax_label`.

    depth, unit        weighted layers and kind of unit; see names.stages
    activation         a file of symbols/activations/, without .py (Table 2)
    shortcut           a file of symbols/shortcuts/ (Table 1)
    shortcut_args      the shortcut's constants, for example {"bias": -7}
    activation_args    the activation's constants, for example {"beta": 1}
    classes            outputs; by default 10 for CIFAR and 1000 for ImageNet
    family             cifar or imagenet
    option             how a unit changes dimensions: A, B or A-preactivated; see names.OPTIONS
    bottleneck_stride  the layer of a bottleneck that has the stride: 1x1 (the authors) or 3x3
                       (fb.resnet.torch)
    widths             channels of each stage's 3x3 layers, by default names.WIDTHS; the stem keeps
                       its 16 or 64
    image_size         side of the images, with which the network is checked; by default
                       names.IMAGE_SIZE
    dtype              float32 (default) or, on GPUs, float16 from the data to the last unit. For
                       bfloat16 use float32: training converts the symbol

    Raises UserError for a name, depth or constant that does not exist, and for a variant's file
    that breaks its contract.
    """
    stages = names.stages(depth, unit, family)
    option = option or names.default_option(stages[0])
    names.check_choice("option", option, names.OPTIONS)
    names.check_choice("layer of a bottleneck", bottleneck_stride, names.BOTTLENECK_STRIDES)
    variants = Variants(activation, activation_args, shortcut, shortcut_args)
    widths = names.stage_widths(widths, family)
    classes = classes or CLASSES[family]
    with mx.name.NameManager():  # layers have the same names in each call
        symbol = resnet(stages, widths, variants, classes, family, option, bottleneck_stride, dtype)
    check(symbol, variants.outputs, image_size or names.IMAGE_SIZE[family], variants.path)
    check_residuals(symbol, variants, shortcut)
    return symbol


class Variants:
    """The functions of an activation's and of a shortcut's file, with their constants.

    after_conv1 and after_last_unit exist if the activation's file has them.

    outputs: [(unit, symbol)] that residual_unit and join returned. residuals: the names of the
    symbols that join received as f. path, shortcut_path: the files of the activation and of the
    shortcut.
    """

    def __init__(self, activation, activation_args, shortcut, shortcut_args):
        self._activation = Variant("activations", activation, activation_args)
        self._shortcut = Variant("shortcuts", shortcut, shortcut_args)
        self.path, self.shortcut_path = self._activation.path, self._shortcut.path
        self.outputs = []
        self.residuals = []
        for function in ("after_conv1", "after_last_unit"):
            if function in self._activation.functions:
                setattr(self, function, partial(self._activation.call, function))

    def residual_unit(self, x, unit):
        y = self._activation.call("residual_unit", x, unit)
        used, count = len(unit.used_weights), len(unit.weights)
        if 0 < used < count:
            raise UserError(
                f"{self.path}: residual_unit uses {used} of the {count} unit.weights: use all of them, "
                "or layers of your own"
            )
        self.outputs.append((unit, y))
        return y

    def join(self, x, f, unit, projection):
        arguments = [x, f, unit]
        if "projection" in self._shortcut.functions["join"]:
            arguments.append(projection)
        y = self._shortcut.call("join", *arguments)
        self.outputs.append((unit, y))
        self.residuals += f.list_outputs()
        return y


def constants(folder, name, values):
    """Return {constant: number} of a variant: its file's defaults, replaced by values.

    Raises UserError for an unknown constant.
    """
    return Variant(folder, name, values).constants
