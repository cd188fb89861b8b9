"""gluoncv's published ImageNet weights in our symbols, so that the evaluation can be held against its published accuracies.

resnet<depth>_v1 is the original network, weight by weight. resnet<depth>_v2 is the pre-activated one with three departures from
the paper, which are taken over: a BN of the pictures (folded into mean and conv1 here), an activation of the first unit besides
the stem's, and a bottleneck's stride in its 3x3.
"""
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
MEAN, STD = (np.array(values) * 255 for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
EPSILON = 1e-5


def load(name):
    """(symbol, (arguments, auxiliary states), mean): weights for pictures of 0 to 255 from which that mean is subtracted.

    name: resnet50_v1, or resnet50_v1-0123abcd for a file of that name and that checksum. gluoncv looks into its cache
    (~/.mxnet/models, or $MXNET_HOME/models), checks the SHA-1, and downloads what is not there. Raises UserError where that fails.
    """
    match = re.fullmatch(r"resnet(\d+)_v([12])(?:-([0-9a-f]{8,40}))?", name)
    if not match or int(match[1]) not in names.IMAGENET or match[1] == "200":
        raise UserError(f"--pretrained {name}: of gluoncv's networks resnet18, 34, 50, 101 and 152 are the papers', each _v1 "
                        "(original) and _v2 (pre-activated), as resnet50_v1")
    from gluoncv.model_zoo import get_model, model_store
    depth, version, model = int(match[1]), int(match[2]), name.split("-")[0]
    tag = match[3]
    if tag and not Path(model_store.os.environ.get("MXNET_HOME", Path.home() / ".mxnet"), "models", f"{name}.params").is_file():
        raise UserError(f"--pretrained {name}: gluoncv's cache has no {name}.params")
    try:
        path = model_store.get_model_file(model, tag=tag or None)
        net = get_model(model, pretrained=False)
        net.load_parameters(path)
    except Exception as error:  # whatever requests, zipfile and gluoncv raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UserError(f"--pretrained {name}: no sound file in gluoncv's cache, and none to be had ({reason}); fetch it by other "
                        "means into ~/.mxnet/models") from error
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
        return resnet(counts, names.WIDTHS["imagenet"], kind, theirs, join, 1000, "imagenet", "B", "3x3")


def carry(net, version):
    """({our name: array}, {our name: array}) of a gluoncv network: arguments and auxiliary states, as they are."""
    arguments, auxiliary = {}, {}

    def put(name, layer):
        if hasattr(layer, "running_mean"):
            arguments.update({f"{name}_gamma": layer.gamma.data(), f"{name}_beta": layer.beta.data()})
            auxiliary.update({f"{name}_moving_mean": layer.running_mean.data(), f"{name}_moving_var": layer.running_var.data()})
        else:
            arguments[f"{name}_weight"] = layer.weight.data()

    def put_in_front(name, layer, bias):  # BN behind a convolution with a bias: the bias is taken off the mean
        put(name, layer)
        if bias is not None:
            auxiliary[f"{name}_moving_mean"] = auxiliary[f"{name}_moving_mean"] - bias.data()

    layers = list(net.features)
    stages = [layer for layer in layers if type(layer).__name__ == "HybridSequential"]
    before = layers[:layers.index(stages[0])][version == 2:]  # version 2 begins with a BN of the pictures
    for name, layer in zip(("conv1", "bn1"), before):
        put(name, layer)
    for s, stage in enumerate(stages, 1):
        for u, block in enumerate(stage, 1):
            prefix = f"stage{s}_unit{u}"
            inner = [layer for layer in (block.body if version == 1 else block._children.values()) if layer is not block.downsample]
            weights, norms = ([layer for layer in inner if hasattr(layer, key)] for key in ("weight", "gamma"))
            for i, layer in enumerate(weights, 1):
                put(f"{prefix}_conv{i}", layer)
            for i, layer in enumerate(norms, 1):
                put_in_front(f"{prefix}_bn{i}", layer, weights[i - 1].bias if version == 1 else None)
            if block.downsample is not None:
                parts = block.downsample if version == 1 else [block.downsample]
                for name, layer in zip(("projection", "projection_bn"), parts):
                    put(f"{prefix}_{name}", layer)
    if version == 2:
        put("last_bn", layers[layers.index(stages[-1]) + 1])
    arguments.update(fc_weight=net.output.weight.data(), fc_bias=net.output.bias.data())
    return arguments, auxiliary


def folded(net, version):
    """((arguments, auxiliary states), mean): what gluoncv does to the pictures, taken into conv1 and the mean."""
    arguments, auxiliary = carry(net, version)
    mean, scale = MEAN, STD
    if version == 2:  # conv1 pads with 0 behind the BN of the pictures: so does our input behind its mean
        names_there = ("beta", "running_mean", "running_var")
        shift, centre, variance = (getattr(net.features[0], name).data().asnumpy() for name in names_there)
        deviation = np.sqrt(variance + EPSILON)  # its gamma is fixed
        mean, scale = mean + scale * (centre - shift * deviation), scale * deviation
    arguments["conv1_weight"] = arguments["conv1_weight"] / mx.nd.array(scale.reshape(1, 3, 1, 1))
    return (arguments, auxiliary), mean.astype(np.float32)
