"""A residual network: stem, stages of residual units, classifier. Common to all variants.

CIFAR (1512.03385, section 4.2): 3x3 convolution with 16 channels; three stages on 32x32, 16x16,
8x8. ImageNet (1512.03385, Table 1): 7x7 convolution with 64 channels, max pooling; four stages on
56x56, 28x28, 14x14 and 7x7.
"""

import mxnet as mx

from .layers import batch_norm, classifier, convolution, relu
from .naming import Layers
from .unit import EXPANSION, Unit

STEM_CHANNELS = {"cifar": 16, "imagenet": 64}


def resnet(stages, widths, variants, classes, family, option, bottleneck_stride, dtype=None):
    """Return the network as a symbol with inputs `data` and `softmax_label`.

    stages: (kind of unit, units in each stage). variants: the functions residual_unit and join,
    and, if it has them, after_conv1 and after_last_unit. For the other arguments see get_symbol.
    """
    kind, counts = stages
    channels = STEM_CHANNELS[family]
    x = stem(variants, family, channels, dtype)
    index = 0
    for stage, (count, width) in enumerate(zip(counts, widths), 1):
        for number in range(1, count + 1):
            index += 1
            unit = Unit(
                name=f"stage{stage}_unit{number}",
                input=x,
                kind=kind,
                channels_in=channels,
                channels=width * EXPANSION[kind],
                stride=2 if number == 1 and stage > 1 else 1,
                option=option,
                bottleneck_stride=bottleneck_stride,
                joining=variants.join,
                stage=stage,
                index=index,
                total=sum(counts),
            )
            with unit.layers:
                x = variants.residual_unit(x, unit)
            channels = unit.channels
    if hasattr(variants, "after_last_unit"):
        with Layers("last_"):
            x = variants.after_last_unit(x)
    if (
        dtype == "float16"
    ):  # in float16 mean, classifier and loss lose accuracy, and gain little speed
        x = mx.sym.Cast(x, dtype="float32", name="to_float32")
    return classifier(x, channels, classes)


def stem(variants, family, channels, dtype):
    """Build the layers from the data to the first unit's input.

    Networks of every kind of unit have BN and ReLU right after conv1, before the paths split
    (1603.05027, appendix); an activation file may replace them by its after_conv1().
    """
    x = mx.sym.Variable("data")
    if dtype == "float16":  # BN keeps its parameters in float32
        x = mx.sym.Cast(x, dtype=dtype, name="to_float16")
    with Layers(""):
        if family == "cifar":
            x = convolution(x, channels, 3, "conv1")
        else:
            x = convolution(x, channels, 7, "conv1", stride=2)
        if hasattr(variants, "after_conv1"):
            x = variants.after_conv1(x)
        else:
            x = relu(batch_norm(x))
        if family == "imagenet":
            x = mx.sym.Pooling(
                x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name="pool1"
            )
    return x
