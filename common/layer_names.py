"""Rename the parameters of ResNets from other code bases to the names of this project.

- Gluon (MXNet's model zoo, gluoncv): names by save_parameters() or by export()
- MXNet's example/image-classification, and tornadomeet's ResNet: names such as stage1_unit1_sc

Only names change; a convolution's bias before a BN is folded into the BN's mean. Unknown layers keep
their names, so that a message can name them; an example is bn_data, a BN of the images.
"""

import re

PARAMETER = re.compile(r"(.+)[._](weight|bias|gamma|beta|(?:running|moving)_(?:mean|var))")
STAGE = re.compile(r"features\.(\d+)\.\d+\.|_stage(\d+)_(?!unit)")
# example/image-classification, in order; its CIFAR networks activate conv0 in the first unit
SYMBOLIC = [
    (r"^bn1$", "last_bn"),
    (r"^conv0$", "conv1"),
    (r"^bn0$", "bn1"),
    (r"^fc1$", "fc"),
    (r"_sc$", "_projection"),
]
HEAD_BNS = {1: ["bn1"], 2: ["bn_data", "last_bn"], 3: ["bn_data", "bn1", "last_bn"]}


def renamed(arrays):
    """Return {name: array} by the names of this project; unknown names stay.

    arrays: parameters and moving averages together.
    """
    layers = {}
    for name, array in arrays.items():
        match = PARAMETER.fullmatch(name)
        if not match:
            return arrays
        layers.setdefault(match[1], {})[match[2].replace("running", "moving")] = array
    if "fc" in layers:
        return arrays
    names = _gluon(layers) if any(map(STAGE.search, layers)) else _symbolic(layers)
    ours = {
        f"{names[layer]}_{parameter}": array
        for layer, parameters in layers.items()
        for parameter, array in parameters.items()
    }
    return _without_biases(ours)


def lacks_relu(arrays):
    """Return whether arrays are of gluoncv's original CIFAR networks.

    They have no ReLU after the first BN, which names and shapes of our parameters do not show.
    """
    return any(re.match(r"cifarresnetv1|features\.2\.0\.body", name) for name in arrays)


def _symbolic(layers):
    """Return {layer: our name} of example/image-classification's layers."""
    names = {}
    for layer in layers:
        names[layer] = layer
        for pattern, replacement in SYMBOLIC:
            names[layer] = re.sub(pattern, replacement, names[layer])
    if "conv0" in layers and "bn0" not in layers and "stage1_unit1_bn1" in layers:
        names["stage1_unit1_bn1"] = "bn1"
    return names


def _gluon(layers):
    """Return {layer: our name} of Gluon's layers, by their order."""
    stages = {}
    for layer in sorted(layers, key=_natural):
        match = STAGE.search(layer)
        stages.setdefault(match and int(match[1] or match[2]), []).append(layer)
    outside = stages.pop(None, [])
    bns = [layer for layer in outside if "gamma" in layers[layer]]
    names = dict(zip(bns, HEAD_BNS.get(len(bns), [])))
    for layer in outside:
        if "weight" in layers[layer]:
            names[layer] = "conv1" if layers[layer]["weight"].ndim == 4 else "fc"
    for number, stage in enumerate(stages.values(), 1):
        names.update(_gluon_stage(stage, layers, number))
    return {layer: names.get(layer, layer) for layer in layers}


def _gluon_stage(stage, layers, number):
    """Return {layer: our name} of one stage. A unit's projection follows its other layers."""
    convolutions = [layer for layer in stage if "weight" in layers[layer]]
    bns = [layer for layer in stage if "gamma" in layers[layer]]
    weights = 2 if layers[convolutions[0]]["weight"].shape[-1] == 3 else 3  # basic, bottleneck
    projected = len(convolutions) % weights == 1
    parts = []
    for unit in range(1, len(convolutions) // weights + 1):
        parts += [f"stage{number}_unit{unit}_conv{k}" for k in range(1, weights + 1)]
        if unit == 1 and projected:
            parts.append(f"stage{number}_unit1_projection")
    names = dict(zip(convolutions, parts))
    if len(bns) < len(convolutions):  # a pre-activated unit's projection has no BN
        parts = [part for part in parts if not part.endswith("projection")]
    bn_parts = [re.sub("conv(.)$", r"bn\1", part) for part in parts]
    bn_parts = [re.sub("projection$", "projection_bn", part) for part in bn_parts]
    return {**names, **dict(zip(bns, bn_parts))}


def _natural(name):
    """Return a key that sorts conv2 before conv10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _without_biases(arrays):
    """Return the arrays without convolution biases: the mean of the next BN absorbs them."""
    arrays = dict(arrays)
    for name in [name for name in arrays if re.search(r"conv\d_bias$", name)]:
        mean = name.replace("conv", "bn").replace("_bias", "_moving_mean")
        if mean in arrays:
            arrays[mean] = arrays[mean] - arrays.pop(name)
    return arrays
