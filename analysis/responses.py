"""Layer responses, 1512.03385, Figure 7: the standard deviation of each 3x3 layer's output after BN,
and before ReLU and addition.

If no BN follows a layer, as after the last weight of a pre-activation unit, it is the layer's own
output. The deviation is over all channels, pixels and images of a part of the test set, with BN's
moving averages.

    .venv/bin/python -m analysis.responses runs/desk/cifar10-original56/seed0  # make responses RUN=...
"""

import mxnet as mx
import numpy as np

from common.environment import without_notes
from common.errors import run_main

from . import networks
from .units import UnitGraph

BATCH = 100


def outputs(network, symbol, images):
    """Yield (number of images, arrays of the symbol's outputs) for each batch of images."""
    size = min(BATCH, len(images))
    module = mx.mod.Module(symbol, label_names=None)
    with without_notes():
        module.bind([("data", (size, *images.shape[1:]))], for_training=False)
    module.set_params(network.arguments, network.states, allow_extra=True)
    for first in range(0, len(images), size):
        batch = mx.nd.array(images[first : first + size])  # a smaller last one is bound again
        module.forward(mx.io.DataBatch([batch]), is_train=False)
        yield len(batch), [output.asnumpy() for output in module.get_outputs()]


def responses(network, images):
    """Return [(name of a 3x3 layer, standard deviation)], in the order of the layers."""
    graph = UnitGraph(network.symbol)
    layers = graph.responses()
    values = graph.symbol([entry for _, entry in layers])
    moments = mx.sym.Group([mx.sym.mean(y) for x in values for y in (x, mx.sym.square(x))])
    sums = sum(
        count * np.concatenate(arrays).astype(float)
        for count, arrays in outputs(network, moments, images)
    )
    mean, square = sums.reshape(-1, 2).T / len(images)
    return list(zip((node.name for node, _ in layers), np.sqrt(square - mean**2)))


def measure(network, sample, _):
    """Return the rows of a network's CSV file."""
    return [
        {"layer": i, "convolution": name, "deviation": float(deviation)}
        for i, (name, deviation) in enumerate(responses(network, sample.images), 1)
    ]


def main():
    return networks.measure_runs(__doc__, "responses", measure)


if __name__ == "__main__":
    run_main(main)
