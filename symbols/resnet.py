"""A residual network: stem -> stages of residual units -> classifier. Nothing of one variant alone.

CIFAR (1512.03385 section 4.2): 3x3 convolution with 16 channels; three stages on 32x32, 16x16, 8x8.
ImageNet (1512.03385 Table 1): 7x7 convolution with 64 channels, max pooling; four stages on 56x56,
28x28, 14x14 and 7x7.
"""

import mxnet as mx

from .layers import batch_norm, classifier, convolution, relu
from .naming import Layers
from .unit import EXPANSION, Unit

STEM_CHANNELS = {"cifar": 16, "imagenet": 64}


def resnet(
    units_per_stage,
    widths,
    kind,
    activation,
    join,
    classes,
    family,
    option,
    bottleneck_stride,
    dtype=None,
):
    """The whole network as a symbol with inputs `data` and `softmax_label`.

    activation: what has the functions of an activation file; join: a shortcut file's. For the other
    arguments see get_symbol.
    """
    channels = STEM_CHANNELS[family]
    x = stem(activation, family, channels, dtype)
    total = sum(units_per_stage)
    index = 0
    for stage, (count, width) in enumerate(zip(units_per_stage, widths), 1):
        for number in range(1, count + 1):
            index += 1
            channels_in = channels
            channels = width * EXPANSION[kind]
            unit = Unit(
                f"stage{stage}_unit{number}",
                x,
                kind,
                channels_in,
                channels,
                stride=2 if number == 1 and stage > 1 else 1,
                option=option,
                bottleneck_stride=bottleneck_stride,
                join=join,
                stage=stage,
                index=index,
                total=total,
            )
            with unit.layers:
                x = activation.residual_unit(x, unit)
    if hasattr(activation, "after_last_unit"):
        with Layers("last_"):
            x = activation.after_last_unit(x)
    if dtype == "float16":  # mean, classifier and loss are not worth what they would lose
        x = mx.sym.Cast(x, dtype="float32", name="to_float32")
    return classifier(x, channels, classes)


def stem(activation, family, channels, dtype):
    """The first convolution and what follows it up to the first unit's input.

    The first activation, right after conv1 and before the paths split, is common to all units
    (1603.05027, appendix); an activation file may have one of its own.
    """
    x = mx.sym.Variable("data")
    if dtype == "float16":  # BN keeps its parameters in float32 by itself
        x = mx.sym.Cast(x, dtype=dtype, name="to_float16")
    with Layers(""):
        if family == "cifar":
            x = convolution(x, channels, 3, "conv1")
        else:
            x = convolution(x, channels, 7, "conv1", stride=2)
        if hasattr(activation, "after_conv1"):
            x = activation.after_conv1(x)
        else:
            x = relu(batch_norm(x))
        if family == "imagenet":
            x = mx.sym.Pooling(
                x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name="pool1"
            )
    return x
