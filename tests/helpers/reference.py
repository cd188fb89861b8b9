"""A NumPy reference of Figures 2 and 4 of 1603.05027: arrays of float64, forward only.

It is written from the paper, in training mode, to check the MXNet symbols. It shares only the
parameters' names with them, and must not import them.
"""

from itertools import count

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit

# Figure 4: layers before the first weight, between two weights, after the last weight, and after the
# addition. The figure draws basic units; the appendix's bottleneck and one-layer units keep the order
# round each weight. In (d) and (e) a projection shares the layers before the first weight.
FIGURE_4 = {
    "original": ("", "BN ReLU", "BN", "ReLU"),  # (a)
    "bn_after_addition": ("", "BN ReLU", "", "BN ReLU"),  # (b)
    "relu_before_addition": ("", "BN ReLU", "BN ReLU", ""),  # (c)
    "relu_only_preact": ("ReLU", "BN ReLU", "BN", ""),  # (d)
    "preact": ("BN ReLU", "BN ReLU", "", ""),  # (e)
}
# A projection has BN after it in (a), as in the authors' Caffe models, and so in (c), which also
# adds normalised signals; none in the pre-activations, as in their Torch code, nor in (b), whose BN
# waits for the sum.
PROJECTION_HAS_BN = ("original", "relu_before_addition")
# Kernel and width of each weight; the width is a fraction of the unit's.
WEIGHTS = {
    "basic": [(3, 1), (3, 1)],
    "bottleneck": [(1, 1 / 4), (3, 1 / 4), (1, 1)],
    "one_layer": [(3, 1)],
}
EPSILON = 1e-5


def residual_unit(
    x,
    parameters,
    activation,
    shortcut,
    kind,
    channels,
    stride=1,
    option="A",
    is_first=False,
    bottleneck_stride="1x1",
    **constants,
):
    """x_{l+1} of x_l. parameters: {name: array}.

    constants: scale, residual_scale, ratio; mask: the elements that dropout keeps.
    """
    own_activation, between, after_last, after_addition = FIGURE_4[activation]
    residual_function = f" {between} ".join(["weight"] * len(WEIGHTS[kind])) + f" {after_last}"
    # The network's first unit has no activation of its own (appendix: it is "right after conv1 and
    # before splitting"), so with (e) its BNs are numbered from 2.
    first_norm = 2 if is_first and "BN" in own_activation else 1
    layers = Layers(parameters, kind, channels, stride, bottleneck_stride, first_norm)
    pre = x if is_first else layers.apply(own_activation, x)
    f = layers.apply(residual_function, pre)
    if shortcut == "plain":
        return layers.apply(after_addition, f)
    changes_dimensions = stride > 1 or channels != x.shape[1]
    if shortcut == "convolution" or (changes_dimensions and option == "B"):
        h = weight(pre, parameters, "projection", channels, 1, stride)
        if activation in PROJECTION_HAS_BN:
            h = batch_norm(h, parameters, "projection_bn")
    elif changes_dimensions:
        h = zero_padding(pre if option == "A-preactivated" else x, channels, stride)
    else:
        h = x

    def gate():
        y = weight(x, parameters, "gate", channels, 1, stride)
        return expit(y + parameters["gate_bias"][:, None, None])

    return layers.apply(after_addition, join(h, f, shortcut, gate, **constants))


class Layers:
    """The layers of one unit in the words of Figure 4. The i-th BN belongs to the i-th weight."""

    def __init__(self, parameters, kind, channels, stride, bottleneck_stride, first_norm):
        self._parameters = parameters
        self._kind = kind
        self._channels = channels
        self._stride = stride
        self._strided = 2 if bottleneck_stride == "3x3" else 1
        self._weights = count(1)
        self._norms = count(first_norm)

    def apply(self, layers, x):
        for layer in layers.split():
            if layer == "weight":
                x = self._weight(x, next(self._weights))
            elif layer == "BN":
                x = batch_norm(x, self._parameters, f"bn{next(self._norms)}")
            else:
                x = relu(x)
        return x

    def _weight(self, x, i):
        kernel, width = WEIGHTS[self._kind][i - 1]
        stride = self._stride if i == self._strided else 1
        return weight(x, self._parameters, f"conv{i}", int(width * self._channels), kernel, stride)


def join(h, f, shortcut, gate, mask=None, scale=0.5, residual_scale=0.5, ratio=0.5):
    """The sum of the two paths, Figure 2. gate: a function that returns g(x)."""
    if shortcut in ("identity", "convolution"):  # (a), (e)
        return h + f
    if shortcut == "constant_scaling":  # (b)
        return scale * h + residual_scale * f
    if shortcut == "exclusive_gating":  # (c)
        g = gate()
        return (1 - g) * h + g * f
    if shortcut == "shortcut_only_gating":  # (d)
        return (1 - gate()) * h + f
    assert shortcut == "dropout"  # (f)
    return dropout(h, mask, ratio) + f


def weight(x, parameters, name, channels, kernel, stride):
    w = parameters[f"{name}_weight"]
    assert w.shape == (channels, x.shape[1], kernel, kernel), f"{name} has the shape {w.shape}"
    return convolution(x, w, stride)


def convolution(x, w, stride):
    """The kernel's centre is on every stride-th pixel; zeros surround the image."""
    kernel = w.shape[2]
    margin = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, w, optimize=True)


def batch_norm(x, parameters, name):
    """Statistics of the batch; the variance is the biased one."""
    mean = x.mean((0, 2, 3), keepdims=True)
    variance = x.var((0, 2, 3), keepdims=True)
    gamma = parameters[f"{name}_gamma"][:, None, None]
    beta = parameters[f"{name}_beta"][:, None, None]
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def relu(x):
    return np.maximum(x, 0)


def dropout(x, mask, ratio):
    """Kept elements grow by 1 / (1 - ratio), so that the expected output is x."""
    assert mask.shape == x.shape
    return x * mask / (1 - ratio)


def zero_padding(x, channels, stride):
    """Option A: every stride-th pixel, and new channels of zeros after the old ones."""
    kept = x[:, :, ::stride, ::stride]
    return np.pad(kept, ((0, 0), (0, channels - x.shape[1]), (0, 0), (0, 0)))
