"""Layer responses, 1512.03385, Figure 7: the standard deviation of what each 3x3 layer puts out,
after BN.

That is before ReLU and addition. Where no BN follows a layer at once, as behind the last weight of
a pre-activated unit, it is the layer's own output. Over all channels, pixels and pictures of a part
of the test set, with BN's moving averages.

    python -m analysis.responses runs/desk/cifar10-original56/seed0     # make responses RUN=...
"""

import mxnet as mx
import numpy as np

from common.command import Parser, folder
from common.environment import without_notes
from common.errors import UserError, run_main

from . import measurements, networks
from .units import UnitGraph

BATCH = 100


def responses(network, images):
    """[(name of a 3x3 layer, standard deviation)], from the first layer on."""
    graph = UnitGraph(network.symbol)
    layers = graph.responses()
    values = graph.symbol([entry for _, entry in layers])
    moments = mx.sym.Group([mx.sym.mean(y) for x in values for y in (x, mx.sym.square(x))])
    size = min(BATCH, len(images))
    module = mx.mod.Module(moments, label_names=None)
    with without_notes():
        module.bind([("data", (size, *images.shape[1:]))], for_training=False)
    module.set_params(network.arguments, network.states, allow_extra=True)
    sums = np.zeros(2 * len(layers))
    for first in range(0, len(images), size):
        batch = images[first : first + size]  # the last may be smaller: Module binds itself anew
        module.forward(mx.io.DataBatch([mx.nd.array(batch)]), is_train=False)
        sums += [len(batch) * output.asscalar() for output in module.get_outputs()]
    mean, square = sums.reshape(-1, 2).T / len(images)
    return list(zip((node.name for node, _ in layers), np.sqrt(square - mean**2)))


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "runs", nargs="+", type=folder, help="folders of trained runs, with their checkpoints"
    )
    parser.add_argument(
        "--data-dir", type=folder, help="folder of the pictures that they were trained on"
    )
    parser.add_argument("--images", type=int, default=1000, help="test pictures (1000)")
    arguments = parser.parse_args()
    if arguments.images < 1:
        raise UserError("--images: at least 1")

    for network in map(networks.of_run, arguments.runs):
        pictures = networks.pictures_of(network, arguments.data_dir, count=arguments.images)
        rows = [
            {
                "name": network.name,
                "label": network.label,
                "activation": network.recipe["activation"],
                "shortcut": network.recipe["shortcut"],
                "depth": network.recipe["depth"],
                "layer": i,
                "convolution": name,
                "deviation": float(deviation),
                "weights": network.weights,
                "pictures": pictures.words,
            }
            for i, (name, deviation) in enumerate(responses(network, pictures.images), 1)
        ]
        measurements.write(f"responses-{network.name}", rows)
    return 0


if __name__ == "__main__":
    run_main(main)
