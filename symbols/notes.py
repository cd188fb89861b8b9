"""The reading notes' own network: pre-activation units by a script for MXNet's symbolic API.

What differs from the paper's pre-activation network (1603.05027, Figure 4(e); 1512.03385, 4.2):

- Stride: the first unit of every stage has stride 2, the first stage's too, so that the stages see
  16x16, 8x8 and 4x4 pixels; the paper: 32x32, 16x16, 8x8.
- Projection: it reads the unit's raw input x, and stands in the first unit of every stage; the
  paper: option A, and a projection reads the pre-activation.
- Stem: a bare 3x3 convolution; the paper has BN and ReLU after it, and the first unit none of its
  own.
- Widths: 64, 128, 256 behind a stem of 16; the paper: 16, 32, 64.
- Biases: every convolution has one; the paper: none, as BN follows or precedes.
- Epsilon: MXNet's 1e-3 in every BN; here otherwise Torch's 1e-5.
- Last gamma: that of the BN before the pooling is fixed at 1, MXNet's default; the paper learns it.
- Pooling: 3x3 with stride 1 makes 2x2 of the last 4x4, and the classifier has four weights where
  the paper's has one, for each channel and class; the paper: the mean over the whole picture.
- Start of the classifier: He et al.'s Gaussian, as of every weight; here otherwise uniform.
- Weight decay: MXNet's own rule, weights and gammas; here otherwise weights alone. So gammas
  bring a wd_mult of 1.
"""

import mxnet as mx

UNITS = 12  # in each stage
WIDTHS = (64, 128, 256)
STEM_CHANNELS = 16
MOMENTUM = 0.9  # of BN's moving averages


def get_symbol(units=UNITS, widths=WIDTHS, classes=10):
    """The notes' ResNet(units, widths), with inputs `data` (batch, 3, 32, 32) and `softmax_label`.

    18,268,586 parameters by default, moving averages not counted.
    """
    x = convolution(mx.sym.Variable("data"), STEM_CHANNELS, 3, "conv1")
    for stage, channels in enumerate(widths, 1):
        for number in range(1, units + 1):
            x = residual_unit(x, channels, f"stage{stage}_unit{number}", first=number == 1)
    x = mx.sym.BatchNorm(x, momentum=MOMENTUM, name="last_bn")  # MXNet's fix_gamma is True
    x = relu(x, "last_relu")
    x = mx.sym.Pooling(x, kernel=(3, 3), pool_type="avg", name="pool")
    x = mx.sym.FullyConnected(mx.sym.flatten(x, name="flatten"), num_hidden=classes, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def residual_unit(x, channels, unit, first):
    """Pre-activation with two 3x3 convolutions: (batch, in, h, w) -> (batch, channels, h', w').

    unit: with which its layers' names begin. first: of its stage; then h' = h / 2 and w' = w / 2.
    """
    stride = 2 if first else 1
    f = relu(batch_norm(x, f"{unit}_bn1"), f"{unit}_relu1")
    f = convolution(f, channels, 3, f"{unit}_conv1", stride)
    f = relu(batch_norm(f, f"{unit}_bn2"), f"{unit}_relu2")
    f = convolution(f, channels, 3, f"{unit}_conv2")
    if first:
        x = convolution(x, channels, 1, f"{unit}_projection", stride)
    return mx.sym.elemwise_add(x, f, name=f"{unit}_sum")


def convolution(x, channels, kernel, name, stride=1):
    """With a bias, and as much padding as keeps the size, divided by the stride."""
    return mx.sym.Convolution(
        x,
        num_filter=channels,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        name=name,
    )


def batch_norm(x, name):
    """With a learnt, decayed gamma, and MXNet's epsilon of 1e-3."""
    gamma = mx.sym.Variable(f"{name}_gamma", wd_mult=1)
    return mx.sym.BatchNorm(x, gamma=gamma, fix_gamma=False, momentum=MOMENTUM, name=name)


def relu(x, name):
    return mx.sym.Activation(x, act_type="relu", name=name)
