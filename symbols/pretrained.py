"""gluoncv's ImageNet weights, whose accuracies are published, in this project's symbols.

resnet<depth>_v1 is the original network. resnet<depth>_v2 is the pre-activated network with three
departures from the paper, which the symbol has too: a BN of the images (folded into the mean and
conv1), an activation in the first unit after the stem's, and a bottleneck's stride in its 3x3.
"""

import re
from types import SimpleNamespace

import mxnet as mx
import numpy as np

from common.errors import UserError
from common.layer_names import renamed

from . import get_symbol, names
from .activations import preact
from .layers import BATCH_NORM_EPSILON
from .resnet import resnet
from .shortcuts import identity

# gluoncv subtracts MEAN from red, green and blue, and divides them by STD.
MEAN = np.array([0.485, 0.456, 0.406]) * 255
STD = np.array([0.229, 0.224, 0.225]) * 255


def load(name):
    """Return (symbol, (arguments, auxiliary states), mean, names of the classes).

    The network is for images from 0 to 255 less the mean. The names are WordNet's, as n01440764.

    name: resnet50_v1, or resnet50_v1-0123abcd for a file of this name and checksum. gluoncv looks
    into its cache (~/.mxnet/models, or $MXNET_HOME/models), checks the SHA-1, and downloads missing
    files. Raises UserError if that fails.
    """
    match = re.fullmatch(r"(resnet(18|34|50|101|152)_v([12]))(?:-([0-9a-f]{8,40}))?", name)
    if not match:
        raise UserError(
            f"--pretrained {name}: choose resnet18, 34, 50, 101 or 152 with _v1 (original) or _v2 "
            "(pre-activated), as resnet50_v1"
        )
    from gluoncv.model_zoo import get_model

    depth = int(match[2])
    version = int(match[3])
    try:
        net = get_model(match[1], pretrained=match[4] or True)
    except Exception as error:  # whatever requests, zipfile and gluoncv raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UserError(
            f"--pretrained {name}: gluoncv's cache has no valid file, and the download "
            f"failed ({reason}): copy the file to ~/.mxnet/models"
        ) from error
    return (symbol(depth, version), *folded(net, version), tuple(net.synset))


def symbol(depth, version):
    """Return the network as gluoncv builds it."""
    if version == 1:
        return get_symbol(depth, family="imagenet", option="B")

    def residual_unit(x, unit):
        unit.is_first = False  # in gluoncv every unit activates its input
        return preact.residual_unit(x, unit)

    variants = SimpleNamespace(
        residual_unit=residual_unit,
        join=lambda x, f, unit, projection: identity.join(x, f, unit),
        after_last_unit=preact.after_last_unit,
    )
    stages = names.stages(depth, family="imagenet")
    with mx.name.NameManager():
        return resnet(stages, names.WIDTHS["imagenet"], variants, 1000, "imagenet", "B", "3x3")


def carry(net):
    """Return (arguments, auxiliary states) of a gluoncv network, without the BN of its images."""
    arrays = {name: layer.data() for name, layer in net._collect_params_with_prefix().items()}
    arrays = {name: array for name, array in renamed(arrays).items() if "bn_data" not in name}
    states = {name: arrays.pop(name) for name in list(arrays) if "_moving_" in name}
    return arrays, states


def folded(net, version):
    """Return ((arguments, states), mean) with gluoncv's image scaling folded into both."""
    arguments, auxiliary = carry(net)
    mean = MEAN
    scale = STD
    if version == 2:  # gluoncv pads conv1 with 0 after this BN; we do so after subtracting the mean
        norm = net.features[0]
        deviation = np.sqrt(
            norm.running_var.data().asnumpy() + BATCH_NORM_EPSILON
        )  # its gamma is fixed
        centre = norm.running_mean.data().asnumpy()
        mean = mean + scale * (centre - norm.beta.data().asnumpy() * deviation)
        scale = scale * deviation
    arguments["conv1_weight"] = arguments["conv1_weight"] / mx.nd.array(scale.reshape(1, 3, 1, 1))
    return (arguments, auxiliary), mean.astype(np.float32)
