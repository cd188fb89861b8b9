"""gluoncv's published ImageNet weights in our symbols, so that its published accuracies test ours.

resnet<depth>_v1 is the original network, weight by weight. resnet<depth>_v2 is the pre-activated
one with three departures from the paper, which are taken over: a BN of the pictures (folded into
mean and conv1 here), an activation of the first unit besides the stem's, and a bottleneck's stride
in its 3x3.
"""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import numpy as np

from common.errors import UserError

from . import get_symbol, names
from .activations import preact
from .resnet import resnet
from .shortcuts import identity

# What gluoncv subtracts from red, green and blue, and what it divides them by.
MEAN = np.array([0.485, 0.456, 0.406]) * 255
STD = np.array([0.229, 0.224, 0.225]) * 255
EPSILON = 1e-5


def load(name):
    """(symbol, (arguments, auxiliary states), mean): for pictures of 0 to 255 less that mean.

    name: resnet50_v1, or resnet50_v1-0123abcd for a file of that name and that checksum. gluoncv
    looks into its cache (~/.mxnet/models, or $MXNET_HOME/models), checks the SHA-1, and downloads
    what is not there. Raises UserError where that fails.
    """
    match = re.fullmatch(r"resnet(\d+)_v([12])(?:-([0-9a-f]{8,40}))?", name)
    if not match or int(match[1]) not in names.IMAGENET or match[1] == "200":
        raise UserError(
            f"--pretrained {name}: of gluoncv's networks resnet18, 34, 50, 101 and 152 "
            "are the papers', each _v1 (original) and _v2 (pre-activated), as "
            "resnet50_v1"
        )
    from gluoncv.model_zoo import get_model, model_store

    depth = int(match[1])
    version = int(match[2])
    model = name.split("-")[0]
    tag = match[3]
    home = Path(os.environ.get("MXNET_HOME", Path.home() / ".mxnet"))
    if tag and not (home / "models" / f"{name}.params").is_file():
        raise UserError(f"--pretrained {name}: gluoncv's cache has no {name}.params")
    try:
        path = model_store.get_model_file(model, tag=tag or None)
        net = get_model(model, pretrained=False)
        net.load_parameters(path)
    except Exception as error:  # whatever requests, zipfile and gluoncv raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UserError(
            f"--pretrained {name}: no sound file in gluoncv's cache, and none to be "
            f"had ({reason}); fetch it by other means into ~/.mxnet/models"
        ) from error
    return (symbol(depth, version), *folded(net, version))


def symbol(depth, version):
    """Our network as gluoncv builds it."""
    if version == 1:
        return get_symbol(depth, family="imagenet", option="B")

    def residual_unit(x, unit):
        unit.is_first = False  # every unit activates its input
        return preact.residual_unit(x, unit)

    def join(x, f, unit, projection):
        return identity.join(x, f, unit)

    kind, counts = names.stages(depth, family="imagenet")
    theirs = SimpleNamespace(residual_unit=residual_unit, after_last_unit=preact.after_last_unit)
    with mx.name.NameManager():
        return resnet(
            counts, names.WIDTHS["imagenet"], kind, theirs, join, 1000, "imagenet", "B", "3x3"
        )


def carry(net, version):
    """(arguments, auxiliary states) of a gluoncv network, as they are: {our name: array} twice."""
    layers = list(net.features)
    stages = [layer for layer in layers if type(layer).__name__ == "HybridSequential"]
    stem = layers[: layers.index(stages[0])]
    if version == 2:
        stem = stem[1:]  # it begins with a BN of the pictures
    named = dict(zip(("conv1", "bn1"), stem))
    for number, stage in enumerate(stages, 1):
        for count, block in enumerate(stage, 1):
            for name, layer in unit_layers(block, version).items():
                named[f"stage{number}_unit{count}_{name}"] = layer
    if version == 2:
        named["last_bn"] = layers[layers.index(stages[-1]) + 1]
    arguments = {"fc_weight": net.output.weight.data(), "fc_bias": net.output.bias.data()}
    auxiliary = {}
    for name, layer in named.items():
        if hasattr(layer, "running_mean"):
            arguments[f"{name}_gamma"] = layer.gamma.data()
            arguments[f"{name}_beta"] = layer.beta.data()
            auxiliary[f"{name}_moving_mean"] = layer.running_mean.data()
            auxiliary[f"{name}_moving_var"] = layer.running_var.data()
        else:
            arguments[f"{name}_weight"] = layer.weight.data()
    for name, layer in named.items():  # a bias in front of a BN is taken off its mean
        if version == 1 and "_conv" in name and layer.bias is not None:
            mean = name.replace("_conv", "_bn") + "_moving_mean"
            auxiliary[mean] = auxiliary[mean] - layer.bias.data()  # not in place: it is gluoncv's
    return arguments, auxiliary


def unit_layers(block, version):
    """{our name within the unit: layer} of one of gluoncv's blocks."""
    inner = list(block.body if version == 1 else block._children.values())
    inner = [layer for layer in inner if layer is not block.downsample]
    named = {}
    for kind, parameter in (("conv", "weight"), ("bn", "gamma")):
        layers = [layer for layer in inner if hasattr(layer, parameter)]
        named.update({f"{kind}{number}": layer for number, layer in enumerate(layers, 1)})
    if block.downsample is not None:
        parts = block.downsample if version == 1 else [block.downsample]
        named.update(zip(("projection", "projection_bn"), parts))
    return named


def folded(net, version):
    """((arguments, auxiliary states), mean): gluoncv's way with pictures, in conv1 and the mean."""
    arguments, auxiliary = carry(net, version)
    mean = MEAN
    scale = STD
    if version == 2:  # conv1 pads with 0 behind the BN of the pictures, as ours behind its mean
        norm = net.features[0]
        deviation = np.sqrt(norm.running_var.data().asnumpy() + EPSILON)  # its gamma is fixed
        centre = norm.running_mean.data().asnumpy()
        mean = mean + scale * (centre - norm.beta.data().asnumpy() * deviation)
        scale = scale * deviation
    arguments["conv1_weight"] = arguments["conv1_weight"] / mx.nd.array(scale.reshape(1, 3, 1, 1))
    return (arguments, auxiliary), mean.astype(np.float32)
