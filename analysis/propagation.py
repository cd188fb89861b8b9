"""How signals travel, equations (3) to (8): the norms of x_l and of the loss gradient at the input
of each residual unit.

    dE/dx_l = dE/dx_L (prod of lambda_i  +  d/dx_l sum of F)                    (5), (8)

The first term is what "propagates information directly without concerning any weight layers". With
any shortcut and any activation it is dE/dx_L J_{L-1} ... J_l, where J_i = dx_{i+1}/dx_i with F_i
held constant; it is measured by the same backward pass with the gradient blocked where x_i enters
F_i's weights. With identity f and h(x) = lambda x, J_i is lambda_i and the ratio to dE/dx_L is
known beforehand: the product of the lambdas, between units of one shape (where a stage begins,
padding or projection cut and mix channels). An f that is not the identity, as the original unit's
ReLU, adds its own derivative to J_i.

    python -m analysis.propagation                            # make propagation: the figures
    python -m analysis.propagation preact110 half_dropout110  # of these

A run's folder stands for its trained network.
"""

from collections import namedtuple
from math import sqrt

import mxnet as mx
import numpy as np

from common.command import Parser, folder
from common.environment import bar, without_notes
from common.errors import UserError, run_main
from symbols import names

from . import measurements, networks
from .units import UnitGraph

# For each l, from x_1 to x_L, which the last unit leaves: the norm for one picture (root mean
# square over the batch) of dE/dx_l, of its part through shortcuts alone, and of x_l; and the shape
# of x_l. E is a picture's loss in nats.
Propagation = namedtuple("Propagation", "gradient shortcut signal shapes")
# what h(x) = lambda x is with the constants of these shortcuts; other shortcuts have no lambda
LAMBDA = {
    "identity": lambda constants: 1.0,
    "plain": lambda constants: 0.0,
    "constant_scaling": lambda constants: constants["scale"],
}


def propagate(network, images, labels):
    """The Propagation of a batch: one forward and one backward pass as in training for all units,
    one more for shortcuts alone.
    """
    graph = UnitGraph(network.symbol)
    gradient, signal, shapes = _passes(network, graph, _inputs(graph), images, labels)

    graph = UnitGraph(network.symbol)
    places = _inputs(graph)
    for unit in graph.units:
        for weight in graph.entrances(unit):
            name = f"blocked_{weight.name}"
            graph.insert(weight.inputs[0], "BlockGrad", name, readers=[weight])
    # behind a unit without a shortcut nothing arrives: MXNet fails on a gradient that is nought by
    # its graph
    ways = [graph.has_shortcut(unit) for unit in graph.units]
    first = len(ways) - ways[::-1].index(False) if False in ways else 0
    shortcut, _, _ = _passes(network, graph, places[first:], images, labels)
    return Propagation(gradient, [0.0] * first + shortcut, signal, shapes)


def _inputs(graph):
    """The entries x_1 to x_L, the last unit's output."""
    return [*map(graph.input, graph.units), graph.output(graph.units[-1])]


def _passes(network, graph, places, images, labels):
    """(norms of the gradient, norms of the signal, shapes) at entries of a graph.

    MXNet gives gradients of arguments alone: so each value x becomes x + a variable that is nought.
    """
    for i, entry in enumerate(places):
        graph.insert(entry, "elemwise_add", f"x{i}", f"zero{i}")
    symbol = graph.symbol()
    given = {**network.arguments, "data": mx.nd.array(images), "softmax_label": mx.nd.array(labels)}
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=images.shape)[0]))
    zeros = {
        shape: mx.nd.zeros(shape) for shape in shapes.values()
    }  # shared: 1001 layers have many
    gradients = {f"zero{i}": mx.nd.empty(shapes[f"zero{i}"]) for i in range(len(places))}
    mx.random.seed(network.recipe["seed"])  # dropout's masks
    with without_notes():
        executor = symbol.bind(
            mx.cpu(),
            {name: given.get(name, zeros[shape]) for name, shape in shapes.items()},
            gradients,
            {name: "write" if name in gradients else "null" for name in shapes},
            {name: array.copy() for name, array in network.states.items()},
        )
    # a monitor, because as outputs the x_l would take a gigabyte more in 1001 layers
    monitor = mx.mon.Monitor(1, stat_func=lambda x: x.norm(), pattern=r"x\d+_output")
    monitor.install(executor)
    monitor.tic()
    executor.forward(is_train=True)
    signal = {name: float(norm) for _, name, norm in monitor.toc()}
    executor.backward()
    count = sqrt(len(images))
    return (
        [
            float(np.linalg.norm(array.asnumpy().astype(float))) / count
            for array in gradients.values()
        ],
        [signal[f"x{i}_output"] / count for i in range(len(places))],
        [shapes[name][1:] for name in gradients],
    )


def predicted(recipe, shapes):
    """(lambda, its product from each l to the last L whose x_L has x_l's shape, those L);

    None for what has no lambda.

    The product, of equation (8), is what the gradient through shortcuts alone grows by from x_L to
    x_l if f is the identity.
    """
    ends = [
        max(k for k in range(i, len(shapes)) if shapes[i : k + 1] == [shapes[i]] * (k + 1 - i))
        for i in range(len(shapes))
    ]
    factor = LAMBDA.get(recipe["shortcut"], lambda constants: None)(recipe["shortcut_args"])
    return (
        factor,
        [None if factor is None else factor ** (end - i) for i, end in enumerate(ends)],
        ends,
    )


def rows(network, measured, panel, pictures):
    """One dict for each x_l: the lines of a CSV file. Ratios are to the last x_L of x_l's shape."""
    factor, products, ends = predicted(network.recipe, measured.shapes)

    def ratio(norms, i):
        return (
            norms[i] / norms[ends[i]] if norms[ends[i]] else None
        )  # nothing passes a plain unit without its weights

    return [
        {
            "panel": panel,
            "network": network.name,
            "label": network.label,
            "activation": network.recipe["activation"],
            "shortcut": network.recipe["shortcut"],
            "depth": network.recipe["depth"],
            "l": i + 1,
            "shape": "x".join(map(str, shape)),
            "signal": measured.signal[i],
            "gradient": measured.gradient[i],
            "shortcut_gradient": measured.shortcut[i],
            "gradient_ratio": ratio(measured.gradient, i),
            "shortcut_ratio": ratio(measured.shortcut, i),
            "lambda": factor,
            "lambda_product": products[i],
            "weights": network.weights,
            "pictures": pictures.words,
        }
        for i, shape in enumerate(measured.shapes)
    ]


def paper():
    """{figure: {panel: networks}}; a new file under symbols/ stands in the panel of its folder."""
    scalings = [f"constant_scaling110:scale={scale},residual_scale=1" for scale in (0.5, 0.9, 1.1)]
    return {
        "propagation-110": {
            "Shortcuts, Figure 2": [
                f"original-{name}110"
                for name in sorted(names.variants("shortcuts"), key="identity".__ne__)
            ],
            "Activations, Figure 4": [
                f"{name}-identity110"
                for name in sorted(names.variants("activations"), key="original".__ne__)
            ],
        },
        "propagation-depth": {
            "Original unit": ["original110", "original1001"],
            "Pre-activation": ["preact110", "preact1001"],
        },
        "propagation-lambda": {
            "f identity (pre-activation)": [f"preact-{each}" for each in scalings],
            "f = ReLU (original unit)": scalings,
        },
    }


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "networks",
        nargs="*",
        help=(
            "names as [activation-][shortcut]depth[:constant=number,...], or folders of trained"
            " runs; without any: all shortcuts and activations, 110 against 1001 layers, constant"
            " scaling"
        ),
    )
    parser.add_argument(
        "--data-dir",
        type=folder,
        help="folder of CIFAR-10, or of a trained run's pictures; without it generated ones",
    )
    parser.add_argument("--batch-size", type=int, default=8, help="pictures (8)")
    parser.add_argument(
        "--image-size", type=int, default=32, help="for networks that are not trained (32)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights (0)")
    parser.add_argument(
        "--unit", choices=tuple(names.LAYERS), help="kind of unit, for depths that are no paper's"
    )
    arguments = parser.parse_args()
    if arguments.batch_size < 2:
        raise UserError(f"--batch-size {arguments.batch_size}: BN needs at least 2 pictures")

    plan = {None: {"": arguments.networks}} if arguments.networks else paper()
    wanted = list(
        dict.fromkeys(
            text for panels in plan.values() for members in panels.values() for text in members
        )
    )
    subjects = networks.find(wanted, arguments.seed, arguments.unit)
    pictures = networks.training_batch(
        subjects.values(), arguments.batch_size, arguments.data_dir, arguments.image_size
    )
    measured = {
        text: propagate(network, pictures.images, pictures.labels)
        for text, network in bar(subjects.items(), desc="propagate", unit="network")
    }
    for figure, panels in plan.items():
        lines = [
            row
            for panel, members in panels.items()
            for text in members
            for row in rows(subjects[text], measured[text], panel, pictures)
        ]
        name = figure or "propagation-" + measurements.joined(
            network.name for network in subjects.values()
        )
        measurements.write(name, lines)
    return 0


if __name__ == "__main__":
    run_main(main)
