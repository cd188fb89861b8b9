"""How large a network is: parameters by group, and multiply-adds. `make parameters` prints the papers' networks.

    python -m symbols.counts
"""
import json
from math import prod

from errors import run

from . import get_symbol

GROUPS = ("convolution", "batch norm", "gate", "classifier", "other")


def group(parameter):
    """Which group of parameters a name belongs to."""
    if parameter.endswith(("_gamma", "_beta")):
        return "batch norm"
    if "_gate_" in parameter:
        return "gate"
    if parameter.startswith("fc_"):
        return "classifier"
    if parameter.endswith("_weight"):
        return "convolution"
    return "other"


def parameters(symbol, image_size=32):
    """{group: learnt parameters}; BN's moving averages are not learnt and not counted."""
    shapes, _, _ = symbol.infer_shape(data=(1, 3, image_size, image_size))
    counts = dict.fromkeys(GROUPS, 0)
    for name, shape in zip(symbol.list_arguments(), shapes):
        if name not in ("data", "softmax_label"):
            counts[group(name)] += prod(shape)
    return counts


def multiply_adds(symbol, image_size):
    """Multiplications (each with its addition) of one picture's forward pass, in convolutions and the classifier."""
    internals = symbol.get_internals()
    _, outputs, _ = internals.infer_shape(data=(1, 3, image_size, image_size))
    shape = dict(zip(internals.list_outputs(), outputs))
    total = 0
    for node in json.loads(symbol.tojson())["nodes"]:
        if node["op"] in ("Convolution", "FullyConnected"):
            weight = shape[f"{node['name']}_weight"]
            total += prod(shape[f"{node['name']}_output"]) * prod(weight[1:])
    return total


def main():
    rows = [("cifar", dict(depth=depth)) for depth in (20, 32, 44, 56, 110, 1202)]
    rows += [("cifar", dict(depth=110, activation="preact")),
             ("cifar", dict(depth=110, unit="one_layer")),
             ("cifar", dict(depth=110, activation="preact", unit="one_layer")),
             ("cifar", dict(depth=110, shortcut="convolution")),
             ("cifar", dict(depth=110, shortcut="exclusive_gating"))]
    rows += [("cifar", dict(depth=depth, activation=activation, classes=classes))
             for classes in (10, 100) for depth in (164, 1001) for activation in ("original", "preact")]
    rows += [("imagenet", dict(depth=depth)) for depth in (18, 34, 50, 101, 152, 200)]
    print(f"{'network':<40}" + "".join(f"{name:>13}" for name in GROUPS[:4] + ("all", "mult-adds")))
    for family, arguments in rows:
        size = {"cifar": 32, "imagenet": 224}[family]
        symbol = get_symbol(family=family, **arguments)
        counts = parameters(symbol, size)
        label = f"{family}{arguments.get('classes') or ''} " + " ".join(
            str(value) for key, value in arguments.items() if key != "classes")
        columns = [counts[name] for name in GROUPS[:4]] + [sum(counts.values())]
        print(f"{label:<40}" + "".join(f"{count:>13,}" for count in columns)
              + f"{multiply_adds(symbol, size) / 1e9:>12.2f}G")


if __name__ == "__main__":
    run(main)
