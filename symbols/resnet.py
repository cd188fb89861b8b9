"""A residual network: stem -> stages of residual units -> classifier. Nothing here belongs to one variant.

CIFAR (1512.03385 section 4.2): 3x3 convolution with 16 channels; three stages on 32x32, 16x16 and 8x8.
ImageNet (1512.03385 Table 1): 7x7 convolution with 64 channels, max pooling; four stages on 56, 28, 14 and 7.
"""
import mxnet as mx

from .layers import batch_norm, classifier, convolution, relu, zero_padding

STEM_CHANNELS = {"cifar": 16, "imagenet": 64}
BOTTLENECK_EXPANSION = 4  # a bottleneck's last 1x1 has four times the channels of its 3x3


class Unit:
    """One residual unit's place in the network: what an activation file builds with and a shortcut file may ask.

    name      stage<s>_unit<u>, the prefix of all its layers
    input     x_l, the symbol that comes in
    weights   the unit's convolutions in their order, each a function of a symbol
    channels, channels_in, stride     of the whole unit, from its input to its output
    is_first  it is the network's first unit, which the stem has already activated
    shares_activation  the shortcut of this unit reads the pre-activation instead of x_l (only where dimensions change)
    """

    def __init__(self, name, input, kind, channels_in, channels, stride, option, bottleneck_stride, join, is_first):
        self.name, self.input, self.is_first = name, input, is_first
        self.channels_in, self.channels, self.stride = channels_in, channels, stride
        self.changes_dimensions = stride > 1 or channels != channels_in
        self.shares_activation = self.changes_dimensions and option in ("B", "A-preactivated")
        self._option, self._join = option, join
        inner = channels // BOTTLENECK_EXPANSION
        layers = {"basic": [(3, channels), (3, channels)],
                  "bottleneck": [(1, inner), (3, inner), (1, channels)],
                  "one_layer": [(3, channels)]}[kind]
        strided = 1 if kind == "bottleneck" and bottleneck_stride == "3x3" else 0
        self.weights = [self._weight(kernel, width, f"conv{i + 1}", stride if i == strided else 1)
                        for i, (kernel, width) in enumerate(layers)]

    @staticmethod
    def _weight(kernel, channels, name, stride):
        return lambda x: convolution(x, channels, kernel, name, stride)

    def project(self, x):
        """The 1x1 convolution that can stand on the shortcut; what comes before and after it is the activation file's."""
        return convolution(x, self.channels, 1, "projection", self.stride)

    def join(self, x, f, projection):
        """Where the two paths meet: h(x) + F(x) in the shortcut file's own way.

        x: what the shortcut starts from. f: the residual function's output. projection: what takes the place of x where
        the unit changes dimensions by option B, and on every unit of the convolution shortcut.
        """
        self.projection = projection
        if self.changes_dimensions:
            x = projection if self._option == "B" else zero_padding(x, self.channels_in, self.channels, self.stride)
        return self._join(x, f, self)


def resnet(units_per_stage, kind, activation, join, classes, family, option, bottleneck_stride, dtype=None):
    """The whole network as a symbol with inputs `data` and `softmax_label`. See get_symbol for the arguments."""
    width = STEM_CHANNELS[family]
    channels_in = width
    x = mx.sym.Variable("data")
    if dtype == "float16":  # BN keeps its parameters in float32 by itself
        x = mx.sym.Cast(x, dtype=dtype, name="to_float16")
    if family == "cifar":
        x = convolution(x, width, 3, "conv1")
    else:
        x = convolution(x, width, 7, "conv1", stride=2)
    # The first activation, right after conv1 and before the paths split, is common to all units (appendix).
    x = relu(batch_norm(x, "bn1"), "relu1")
    if family == "imagenet":
        x = mx.sym.Pooling(x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name="pool1")

    expansion = BOTTLENECK_EXPANSION if kind == "bottleneck" else 1
    for stage, count in enumerate(units_per_stage, 1):
        channels = width * 2 ** (stage - 1) * expansion
        for number in range(1, count + 1):
            name = f"stage{stage}_unit{number}"
            stride = 2 if number == 1 and stage > 1 else 1
            with mx.name.Prefix(f"{name}_"):
                unit = Unit(name, x, kind, channels_in, channels, stride, option, bottleneck_stride, join,
                            is_first=(stage, number) == (1, 1))
                x = activation.residual_unit(x, unit)
            channels_in = channels
    with mx.name.Prefix("last_"):
        x = activation.after_last_unit(x)
    if dtype == "float16":  # the mean, the classifier and the loss are not worth what they would lose
        x = mx.sym.Cast(x, dtype="float32", name="to_float32")
    return classifier(x, channels_in, classes)
