"""The layers of residual units. All but the classifier return the shape (batch, channels,
height, width).

In a name, # is the next number in the unit: bn1, bn2, relu1, relu2.
"""

import mxnet as mx

from common.errors import UserError

# The papers do not give these values. They are the defaults of Torch, which the authors' own code
# uses (docs/DEVIATIONS.md).
BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9


def convolution(x, channels, kernel, name=None, stride=1, has_bias=False):
    """Return a kernel x kernel convolution that keeps the size, divided by the stride.

    By default it has no bias, because BN follows or precedes it.
    """
    bias = {} if has_bias else {"no_bias": True}
    return mx.sym.Convolution(
        x,
        num_filter=channels,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        name=name,
        **bias,
    )


def batch_norm(x, name="bn#"):
    """Return batch normalisation with a learnt scale.

    MXNet's defaults would fix gamma at 1 and take epsilon 1e-3.
    """
    return mx.sym.BatchNorm(
        x, fix_gamma=False, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM, name=name
    )


def relu(x, name="relu#"):
    """Return max(x, 0), as Activation, because mx.sym.relu is slower."""
    return mx.sym.Activation(x, act_type="relu", name=name)


def gate(unit, bias):
    """Return g(x) = sigmoid(W_g x + b_g) of section 3.1: a 1x1 convolution of the unit's input x_l.

    W_g starts from a Gaussian of variance 1 / fan-in: He et al.'s factor 2 is for a ReLU, which does
    not follow here.
    """
    gate_weight = unit.variable("gate_weight", init=mx.init.Xavier("gaussian", "in", 1))
    gate_bias = unit.variable("gate_bias", init=bias)
    pre = mx.sym.Convolution(
        unit.input,
        weight=gate_weight,
        bias=gate_bias,
        num_filter=unit.channels,
        kernel=(1, 1),
        stride=(unit.stride, unit.stride),
        name="gate",
    )
    # mx.sym.sigmoid is slower
    return mx.sym.Activation(pre, act_type="sigmoid", name="gate_sigmoid")


def concat(*parts, name=None):
    """Concatenate parts along the channels.

    dim is negative, because with dim=1 MXNet uses oneDNN on a CPU, whose backward pass leaks 2.5 kB
    (MKLDNNConcatBackward never frees its memory). The numbers are the same, bit for bit.
    """
    return mx.sym.concat(*parts, dim=-3, name=name)


def zero_padding(x, channels_in, channels, stride):
    """Return option A: every stride-th pixel, and zeros in the new channels, which come last.

    A 1x1 pooling selects the pixels exactly, and keeps oneDNN's layout. A slice would not: its
    backward pass returns plain layout, which is slow to add in bfloat16.

    Raises UserError if the unit has fewer channels than its input.
    """
    if channels < channels_in:
        raise UserError(
            f"option A cannot reduce {channels_in} channels to {channels}: use --option B (make: "
            "ARGS='--option B')"
        )
    if stride > 1:
        x = mx.sym.Pooling(
            x, kernel=(1, 1), stride=(stride, stride), pool_type="avg", name="subsample"
        )
    if channels == channels_in:
        return x
    zeros = mx.sym.zeros_like(x, name="zeros")  # Pad refuses the channel axis
    parts = [zeros] * (channels // channels_in - 1)
    if channels % channels_in:
        parts.append(mx.sym.slice_axis(zeros, axis=1, begin=0, end=channels % channels_in))
    return concat(x, *parts, name="padded")


def classifier(x, channels, classes):
    """Return mean over the image, fully connected layer, softmax: probabilities (batch, classes).

    The weights start uniform in +-1/sqrt(channels), as in the authors' Torch code, the bias at 0.
    It uses mx.sym.mean: the backward pass of MXNet's global pooling takes a fifth of a training
    step on a CPU.
    """
    x = mx.sym.mean(x, axis=(2, 3), name="mean")
    weight = mx.sym.Variable(
        "fc_weight", shape=(classes, channels), init=mx.init.Xavier("uniform", "in", 1)
    )
    scores = mx.sym.FullyConnected(x, weight=weight, num_hidden=classes, name="fc")
    return mx.sym.SoftmaxOutput(scores, name="softmax")
