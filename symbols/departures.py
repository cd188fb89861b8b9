"""Between the paper's pre-activation network and the reading notes' own: each departure by itself.

With none of NAMES it is symbols/activations/preact.py's network with option A, with all of them
symbols/notes.py's; both bit for bit. symbols/notes.py says what each departure is.
"""

import mxnet as mx

from . import names, notes
from .layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, zero_padding
from .notes import relu
from .resnet import STEM_CHANNELS

NAMES = (
    "stride",
    "projection",
    "stem",
    "widths",
    "biases",
    "epsilon",
    "gamma",
    "pooling",
    "classifier",
    "decay",
)


def get_symbol(units, departures=(), classes=10):
    """A network with inputs `data` (batch, 3, height, width) and `softmax_label`.

    units: in each of three stages, each of two 3x3 convolutions. departures: some of NAMES.
    """
    stem = "stem" in departures
    channels = STEM_CHANNELS["cifar"]
    x = convolution(mx.sym.Variable("data"), channels, 3, "conv1", departures)
    if not stem:
        x = relu(batch_norm(x, "bn1", departures), "relu1")
    widths = notes.WIDTHS if "widths" in departures else names.WIDTHS["cifar"]
    for stage, width in enumerate(widths, 1):
        for number in range(1, units + 1):
            activated = not stem and stage == number == 1
            stride = 2 if number == 1 and (stage > 1 or "stride" in departures) else 1
            projected = number == 1 and "projection" in departures
            x = residual_unit(
                x,
                channels,
                width,
                stride,
                f"stage{stage}_unit{number}",
                activated,
                projected,
                departures,
            )
            channels = width
    return head(x, channels, classes, departures)


def residual_unit(x, channels_in, channels, stride, unit, activated, projected, departures):
    """(batch, channels_in, h, w) -> (batch, channels, h / stride, w / stride).

    unit: with which its layers' names begin. activated: x is the pre-activation already, by the
    stem. projected: the shortcut has a 1x1 convolution of x; otherwise it is option A.
    """
    f = x
    if not activated:
        f = relu(batch_norm(x, f"{unit}_bn1", departures), f"{unit}_relu1")
    f = convolution(f, channels, 3, f"{unit}_conv1", departures, stride)
    f = relu(batch_norm(f, f"{unit}_bn2", departures), f"{unit}_relu2")
    f = convolution(f, channels, 3, f"{unit}_conv2", departures)
    if projected:
        x = convolution(x, channels, 1, f"{unit}_projection", departures, stride)
    elif stride > 1 or channels != channels_in:
        x = zero_padding(x, channels_in, channels, stride)
    return mx.sym.elemwise_add(x, f, name=f"{unit}_sum")


def head(x, channels, classes, departures):
    """From the last unit's output to probabilities (batch, classes)."""
    x = relu(batch_norm(x, "last_bn", departures, fixed="gamma" in departures), "last_relu")
    if "pooling" in departures:
        x = mx.sym.Pooling(x, kernel=(3, 3), pool_type="avg", name="pool")
        x = mx.sym.flatten(x, name="flatten")
    else:
        x = mx.sym.mean(x, axis=(2, 3), name="mean")
    own = {}
    if "classifier" not in departures:
        own["weight"] = mx.sym.Variable("fc_weight", init=mx.init.Xavier("uniform", "in", 1))
    x = mx.sym.FullyConnected(x, num_hidden=classes, name="fc", **own)
    return mx.sym.SoftmaxOutput(x, name="softmax")


def convolution(x, channels, kernel, name, departures, stride=1):
    """With as much padding as keeps the size, divided by the stride."""
    own = {} if "biases" in departures else {"no_bias": True}
    return mx.sym.Convolution(
        x,
        num_filter=channels,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        name=name,
        **own,
    )


def batch_norm(x, name, departures, fixed=False):
    """fixed: its gamma is 1, MXNet's default; otherwise it is learnt."""
    own = {} if "epsilon" in departures else {"eps": BATCH_NORM_EPSILON}
    if not fixed:
        own["fix_gamma"] = False
        if "decay" in departures:
            own["gamma"] = mx.sym.Variable(f"{name}_gamma", wd_mult=1)
    return mx.sym.BatchNorm(x, momentum=BATCH_NORM_MOMENTUM, name=name, **own)
