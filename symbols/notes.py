"""The network of the reading notes' MXNet script, and its departures from the paper.

A departure is a difference from the paper's pre-activation network (1603.05027, Figure 4(e);
1512.03385, section 4.2). Without departures, the network equals that of
symbols/activations/preact.py with option A, bit for bit.
"""

from functools import partial

import mxnet as mx

from . import names
from .layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, convolution, relu, zero_padding
from .resnet import STEM_CHANNELS

UNITS = 12  # in each stage
WIDTHS = (64, 128, 256)
DEPARTURES = (
    "stride",  # stride 2 also in the first stage: the stages have 16x16, 8x8 and 4x4 pixels
    "projection",  # the first unit of every stage projects its input x; the paper: option A
    "stem",  # only a convolution; the paper: BN and ReLU follow, and unit 1 begins with conv1
    "widths",  # widths 64, 128, 256 after a stem of 16; the paper: 16, 32, 64
    "biases",  # biases in every convolution
    "epsilon",  # MXNet's epsilon of 1e-3 in every BN; otherwise Torch's 1e-5
    "gamma",  # the gamma of the BN before the pooling is fixed at 1, MXNet's default
    "pooling",  # 3x3 pooling, stride 1: 4x4 pixels become 2x2, each with weights in the classifier
    "classifier",  # starts from He et al.'s Gaussian, like all weights; otherwise uniform
    "decay",  # gammas decay too, which is MXNet's rule: they have a wd_mult of 1
)


def get_symbol(units=UNITS, widths=WIDTHS, classes=10, departures=DEPARTURES):
    """Return the notes' ResNet(units, widths), with inputs `data` (batch, 3, 32, 32) and
    `softmax_label`.

    18,268,586 parameters by default, moving averages not counted. departures: some of DEPARTURES.
    """
    layers = Layers(departures)
    channels = STEM_CHANNELS["cifar"]
    x = layers.convolution(mx.sym.Variable("data"), channels, 3, "conv1")
    if "stem" not in departures:
        x = relu(layers.batch_norm(x, "bn1"), "relu1")
    if "widths" not in departures:
        widths = names.WIDTHS["cifar"]
    for stage, width in enumerate(widths, 1):
        for number in range(1, units + 1):
            x = layers.residual_unit(x, channels, width, stage, number)
            channels = width
    return layers.classifier(x, classes)


class Layers:
    """The layers of the notes' network, with some of its departures."""

    def __init__(self, departures):
        self._departures = departures
        self.convolution = partial(convolution, has_bias="biases" in departures)

    def residual_unit(self, x, channels_in, channels, stage, number):
        """Build a unit: (batch, channels_in, h, w) to (batch, channels, h / stride, w / stride)."""
        first = number == 1
        unit = f"stage{stage}_unit{number}"
        stride = 2 if first and (stage > 1 or "stride" in self._departures) else 1
        f = x
        if "stem" in self._departures or not (first and stage == 1):
            f = relu(self.batch_norm(x, f"{unit}_bn1"), f"{unit}_relu1")
        f = self.convolution(f, channels, 3, f"{unit}_conv1", stride)
        f = relu(self.batch_norm(f, f"{unit}_bn2"), f"{unit}_relu2")
        f = self.convolution(f, channels, 3, f"{unit}_conv2")
        if first and "projection" in self._departures:
            x = self.convolution(x, channels, 1, f"{unit}_projection", stride)
        elif stride > 1 or channels != channels_in:
            x = zero_padding(x, channels_in, channels, stride)
        return mx.sym.elemwise_add(x, f, name=f"{unit}_sum")

    def classifier(self, x, classes):
        """Build the layers from the last unit's output to the probabilities (batch, classes)."""
        fixed = "gamma" in self._departures
        x = relu(self.batch_norm(x, "last_bn", fix_gamma=fixed), "last_relu")
        if "pooling" in self._departures:
            x = mx.sym.Pooling(x, kernel=(3, 3), pool_type="avg", name="pool")
            x = mx.sym.flatten(x, name="flatten")
        else:
            x = mx.sym.mean(x, axis=(2, 3), name="mean")
        weight = {}
        if "classifier" not in self._departures:
            start = mx.init.Xavier("uniform", "in", 1)
            weight["weight"] = mx.sym.Variable("fc_weight", init=start)
        x = mx.sym.FullyConnected(x, num_hidden=classes, name="fc", **weight)
        return mx.sym.SoftmaxOutput(x, name="softmax")

    def batch_norm(self, x, name, fix_gamma=False):
        """Return BN, whose gamma is learnt or fixed at 1."""
        options = {} if "epsilon" in self._departures else {"eps": BATCH_NORM_EPSILON}
        if not fix_gamma:
            options["fix_gamma"] = False
            if "decay" in self._departures:
                options["gamma"] = mx.sym.Variable(f"{name}_gamma", wd_mult=1)
        return mx.sym.BatchNorm(x, momentum=BATCH_NORM_MOMENTUM, name=name, **options)
