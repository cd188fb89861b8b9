"""Signal propagation, equations (3) to (8): the norms of x_l and of the gradient of the loss at the
input of each residual unit.

    dE/dx_l = dE/dx_L (prod of lambda_i  +  d/dx_l sum of F)                    (5), (8)

The first term is dE/dx_L J_{L-1} ... J_l, where J_i = dx_{i+1}/dx_i with F_i constant. A second
backward pass measures it for any shortcut and activation, with the gradient blocked where x_i enters
the weights of F_i. If f is the identity and h(x) = lambda x, then J_i = lambda_i, and the ratio to
dE/dx_L is the product of the lambdas, between units of one shape: where a stage begins, padding or
projection cut and mix channels. Another f, such as ReLU, multiplies J_i by its derivative.

    .venv/bin/python -m analysis.propagation  # make propagation: the figures
    .venv/bin/python -m analysis.propagation preact110 half_dropout110  # other networks

A run folder selects its trained network.
"""

from collections import namedtuple
from math import sqrt

import mxnet as mx
import numpy as np

from common.command import Parser, folder, option_name
from common.environment import bar, without_notes
from common.errors import UserError, run_main
from data import cifar
from paper import words
from symbols import names
from training.recipe import Recipe

from . import measurements, networks
from .units import UnitGraph

# Lists over l, from x_1 to x_L, the output of the last unit. gradient, shortcut, signal: the norms per
# image (root mean square over the batch) of dE/dx_l, of its part through shortcuts alone, and of
# x_l. E is the loss of an image in nats.
Propagation = namedtuple("Propagation", "gradient shortcut signal shapes")
# lambda of h(x) = lambda x, from the shortcut's constants. Other shortcuts have none.
LAMBDA = {
    "identity": lambda constants: 1.0,
    "plain": lambda constants: 0.0,
    "constant_scaling": lambda constants: constants["scale"],
}


def propagate(network, images, labels):
    """Return the Propagation of a batch: a forward and a backward pass as in training, and once
    more with the gradient through shortcuts alone.
    """
    graph = UnitGraph(network.symbol)
    gradient, signal, shapes = _passes(network, graph, _inputs(graph), images, labels)
    graph = UnitGraph(network.symbol)
    places = _inputs(graph)
    for unit in graph.units:
        for weight in graph.entrances(unit):
            name = f"blocked_{weight.name}"
            graph.insert(weight.inputs[0], "BlockGrad", name, readers=[weight])
    # The gradient is 0 up to the last unit without a shortcut. MXNet fails on a gradient that its
    # graph makes 0, so these are left out.
    units = enumerate(graph.units, 1)
    last_without = max((i for i, unit in units if not graph.has_shortcut(unit)), default=0)
    shortcut, _, _ = _passes(network, graph, places[last_without:], images, labels)
    return Propagation(gradient, [0.0] * last_without + shortcut, signal, shapes)


def _inputs(graph):
    """Return the entries x_1 to x_L, the last unit's output."""
    return [*graph.input.values(), graph.output[graph.units[-1]]]


def _passes(network, graph, places, images, labels):
    """Return (norms of the gradient, norms of the signal, shapes) at entries of a graph.

    MXNet computes gradients of arguments only, so each x becomes x + a variable that is 0.
    """
    for i, entry in enumerate(places):
        graph.insert(entry, "elemwise_add", f"x{i}", f"zero{i}")
    symbol = graph.symbol()
    values = {
        **network.arguments,
        "data": mx.nd.array(images),
        "softmax_label": mx.nd.array(labels),
    }
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=images.shape)[0]))
    # One array of zeros per shape: 1001 layers have 334 variables.
    zeros = {shape: mx.nd.zeros(shape) for shape in shapes.values()}
    gradients = {f"zero{i}": mx.nd.empty(shapes[f"zero{i}"]) for i in range(len(places))}
    mx.random.seed(network.recipe["seed"])  # dropout's masks
    with without_notes():
        executor = symbol.bind(
            mx.cpu(),
            {name: values.get(name, zeros[shape]) for name, shape in shapes.items()},
            gradients,
            {name: "write" if name in gradients else "null" for name in shapes},
            {name: array.copy() for name, array in network.states.items()},
        )
    # A monitor computes the norms. As outputs, the x_l of 1001 layers would take a gigabyte more.
    monitor = mx.mon.Monitor(1, stat_func=lambda x: x.norm(), pattern=r"x\d+_output")
    monitor.install(executor)
    monitor.tic()
    executor.forward(is_train=True)
    signal = {name: float(norm) for _, name, norm in monitor.toc()}
    executor.backward()
    norms = [np.linalg.norm(array.asnumpy().astype(float)) for array in gradients.values()]
    root = sqrt(len(images))
    return (
        [float(norm) / root for norm in norms],
        [signal[f"x{i}_output"] / root for i in range(len(places))],
        [shapes[name][1:] for name in gradients],
    )


def predicted(recipe, shapes):
    """Return (lambda, products, ends) of equation (8), with None for a shortcut without a lambda.

    ends: for each l the last L with x_L of x_l's shape. products: of the lambdas from l to L, by
    which the gradient through shortcuts alone grows from x_L to x_l if f is the identity.
    """
    last = {shape: i for i, shape in enumerate(shapes)}  # no two stages have the same shape
    ends = [last[shape] for shape in shapes]
    if recipe["shortcut"] not in LAMBDA:
        return None, [None] * len(shapes), ends
    factor = LAMBDA[recipe["shortcut"]](recipe["shortcut_args"])
    return factor, [factor ** (end - i) for i, end in enumerate(ends)], ends


def rows(network, measured, panel, sample):
    """Return rows of a CSV file, one for each x_l. Ratios are to the last x_L of x_l's shape."""
    factor, products, ends = predicted(network.recipe, measured.shapes)

    def ratio(norms, i):
        end = norms[ends[i]]
        return norms[i] / end if end else None

    return [
        {
            "panel": panel,
            "network": network.name,
            "label": network.label,
            **{key: network.recipe[key] for key in ("activation", "shortcut", "depth")},
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
            "images": sample.description,
        }
        for i, shape in enumerate(measured.shapes)
    ]


def paper():
    """Return {figure: {panel: networks}}, with the paper's variants."""
    scalings = [f"constant_scaling110:scale={scale},residual_scale=1" for scale in (0.5, 0.9, 1.1)]
    shortcuts = sorted(words.SHORTCUT_ORDER, key=lambda name: (name != "identity", name))
    activations = sorted(words.ACTIVATIONS, key=lambda name: (name != "original", name))
    return {
        "propagation-110": {
            "Shortcuts, Figure 2": [f"original-{name}110" for name in shortcuts],
            "Activations, Figure 4": [f"{name}-identity110" for name in activations],
        },
        "propagation-depth": {
            "Original unit": ["original110", "original1001"],
            "Pre-activation": ["preact110", "preact1001"],
        },
        "propagation-lambda": {
            "f identity (pre-activation)": [f"preact-{name}" for name in scalings],
            "f = ReLU (original unit)": scalings,
        },
    }


def parser():
    propagation_parser = Parser(__doc__)
    add = propagation_parser.add_argument
    add(
        "networks",
        nargs="*",
        help="[activation-][shortcut]depth[:constant=number,...], or folders of runs (the paper's "
        "shortcuts and activations, 110 and 1001 layers, and constant scaling)",
    )
    add("--data-dir", type=folder, help="CIFAR-10, or the runs' images (generated images)")
    add("--batch-size", type=int, default=8, help="images (8)")
    add("--image-size", type=int, default=32, help="their side, for networks without training (32)")
    add("--seed", type=int, default=0, help="seed of the initial weights (0)")
    add("--unit", choices=tuple(names.LAYERS), help="kind of unit, for depths that have several")
    return propagation_parser


def refuse_duplicates(subjects):
    """Raise UserError for a network under two names, such as 14 and original14."""
    first = {}
    for text, network in subjects.items():
        other = first.setdefault(network.name, text)
        if other != text:
            raise UserError(f"--networks: {other} and {text} are the same network: name it once")


def refuse_unused(arguments, runs):
    """Raise UserError for an option that would change only the files' names.

    runs: the RunRecord of each network, None for an untrained network.
    """
    unused = (["image_size"] if any(runs) else []) + (["seed", "unit"] if all(runs) else [])
    for option in unused:
        value = getattr(arguments, option)
        if value != parser().get_default(option):
            raise UserError(f"{option_name(option)} {value}: a run has its own; leave it out")


def measure(arguments):
    """Measure the networks of the options. Yields the paths of the files."""
    plan = {None: {"": arguments.networks}} if arguments.networks else paper()
    texts = []
    for panels in plan.values():
        for members in panels.values():
            texts += members
    subjects = networks.find(texts, arguments.seed, arguments.unit, arguments.image_size)
    refuse_duplicates(subjects)
    refuse_unused(arguments, [network.run for network in subjects.values()])
    sample = networks.training_batch(
        subjects.values(), arguments.batch_size, arguments.data_dir, arguments.image_size
    )
    measured = {
        text: propagate(network, sample.images, sample.labels)
        for text, network in bar(subjects.items(), desc="propagate", unit="network")
    }
    options = ("batch_size", "image_size", "seed", "unit", "data_dir")
    changes = measurements.changes(parser(), arguments, options)
    together = measurements.joined(network.name for network in subjects.values())
    for figure, panels in plan.items():
        lines = []
        for panel, members in panels.items():
            for text in members:
                lines += rows(subjects[text], measured[text], panel, sample)
        yield measurements.write((figure or f"propagation-{together}") + changes, lines)


def main():
    arguments = parser().parse_args()
    cifar.check_size(arguments.image_size)
    Recipe(seed=arguments.seed)  # rejects an impossible seed
    if arguments.batch_size < 2:
        raise UserError(f"--batch-size {arguments.batch_size}: BN needs at least 2 images")
    return measurements.print_paths(measure(arguments))


if __name__ == "__main__":
    run_main(main)
