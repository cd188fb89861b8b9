"""The size of a network: parameters by group, and multiply-adds.

`make parameters` prints the papers' networks.

    .venv/bin/python -m symbols.counts
"""

from math import prod

import symbols
from common.command import Parser
from common.errors import run_main
from common.graph import INPUTS, Graph

from . import names

GROUPS = ("convolution", "batch norm", "gate", "classifier", "other")


def group(parameter):
    """Return the group of a parameter."""
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
    """Return {group: number of learnt parameters}, without BN's moving averages."""
    shapes, _, _ = symbol.infer_shape(data=(1, 3, image_size, image_size))
    counts = dict.fromkeys(GROUPS, 0)
    for name, shape in zip(symbol.list_arguments(), shapes):
        if name not in INPUTS:
            counts[group(name)] += prod(shape)
    return counts


def multiply_adds(symbol, image_size):
    """Return the multiply-adds of one image's forward pass, in convolutions and the classifier."""
    internals = symbol.get_internals()
    _, outputs, _ = internals.infer_shape(data=(1, 3, image_size, image_size))
    shape = dict(zip(internals.list_outputs(), outputs))
    total = 0
    for node in Graph(symbol).nodes:
        if node.op in ("Convolution", "FullyConnected"):
            weight = node.inputs[1][0].name
            kernel = shape.get(weight) or shape[f"{weight}_output"]  # a variable, or computed
            total += prod(shape[f"{node.name}_output"]) * prod(kernel[1:])
    return total


# fmt: off
# The papers' numbers: parameters (1512.03385 Table 6; 1603.05027 Table 4, where 10.2M leaves BN out)
# and multiply-adds in units of 10^9 (1512.03385 Table 1).
PAPERS = [
    ("CIFAR", dict(depth=20), "0.27M", None),
    ("CIFAR", dict(depth=32), "0.46M", None),
    ("CIFAR", dict(depth=44), "0.66M", None),
    ("CIFAR", dict(depth=56), "0.85M", None),
    ("CIFAR", dict(depth=110), "1.7M", None),
    ("CIFAR", dict(depth=1202), "19.4M", None),
    ("CIFAR", dict(depth=110, activation="preact"), None, None),
    ("CIFAR", dict(depth=110, unit="one_layer"), None, None),
    ("CIFAR", dict(depth=110, shortcut="convolution"), None, None),
    ("CIFAR", dict(depth=110, shortcut="exclusive_gating"), None, None),
    ("CIFAR", dict(depth=164), "1.7M", None),
    ("CIFAR", dict(depth=164, activation="preact"), "1.7M", None),
    ("CIFAR", dict(depth=1001), "10.2M", None),
    ("CIFAR", dict(depth=1001, activation="preact"), "10.2M", None),
    ("CIFAR-100", dict(depth=164, activation="preact", classes=100), "1.7M", None),
    ("CIFAR-100", dict(depth=1001, activation="preact", classes=100), "10.2M", None),
    ("ImageNet", dict(depth=18, family="imagenet"), None, 1.8),
    ("ImageNet", dict(depth=34, family="imagenet"), None, 3.6),
    ("ImageNet", dict(depth=50, family="imagenet"), None, 3.8),
    ("ImageNet", dict(depth=101, family="imagenet"), None, 7.6),
    ("ImageNet", dict(depth=152, family="imagenet"), None, 11.3),
    ("ImageNet", dict(depth=200, family="imagenet"), None, None),
]
# fmt: on
TITLES = "network|convolutions|BN|gates|classifier|parameters|the paper|multiply-adds|the paper"


def table():
    """Return the papers' networks as rows of cells, the first with the titles."""
    rows = [TITLES.split("|")]
    for family, arguments, paper_parameters, paper_adds in PAPERS:
        size = names.IMAGE_SIZE[arguments.get("family", "cifar")]
        symbol = symbols.get_symbol(**arguments)
        counts = parameters(symbol, size)
        options = [value for key, value in arguments.items() if key not in ("classes", "family")]
        network = ", ".join(str(value).replace("_", " ") for value in options)
        rows.append(
            [
                f"{family} {network}",
                *(f"{counts[group]:,}" for group in GROUPS[:4]),
                f"**{sum(counts.values()):,}**",
                paper_parameters or "",
                f"{multiply_adds(symbol, size) / 1e9:.2f} G",
                f"{paper_adds} G" if paper_adds else "",
            ]
        )
    return rows


def main():
    Parser(__doc__).parse_args()
    for row in table():
        print(" | ".join(row))


if __name__ == "__main__":
    run_main(main)
