"""Lesions after Veit, Wilber and Belongie (1605.06431): what is left of a trained network without
some of its units.

Delete a unit: F = 0 in it, x_{l+1} = h(x_l); a unit without a shortcut, as a plain net's, is left
out, x_{l+1} = x_l, where it does not change dimensions. Swap two units: each gets the other's
parameters. Nothing is trained again, and BN keeps its moving averages.

    python -m analysis.lesion runs/desk/cifar10-original56/seed0      # make lesion RUN=...
"""

from itertools import combinations

import mxnet as mx
import numpy as np

from common.command import Parser, folder
from common.environment import bar, without_notes
from common.errors import UserError, run_main
from training.evaluate import evaluate

from . import measurements, networks
from .units import UnitGraph


def deletable(graph, image_shape):
    """The units of a graph that can be deleted."""
    shapes = [
        graph.shapes([find(unit) for unit in graph.units], (1, *image_shape))
        for find in (graph.input, graph.output)
    ]
    return [
        unit
        for unit, come, go in zip(graph.units, *shapes)
        if come == go or graph.has_shortcut(unit)
    ]


def delete(symbol, units):
    """The symbol without some units."""
    graph = UnitGraph(symbol)
    deleted = [unit for unit in graph.units if unit in units]
    for unit in reversed(deleted):  # from behind: what reads a unit may be deleted too
        if graph.has_shortcut(unit):
            graph.insert(graph.residual(unit), "zeros_like", f"{unit}_deleted")
        else:
            graph.replace(graph.output(unit), graph.input(unit))
    return graph.symbol()


def swap(parameters, one, other):
    """{name: array} with the parameters of two units exchanged."""

    def new_name(name):
        for here, there in ((one, other), (other, one)):
            if name.startswith(f"{here}_"):
                return there + name[len(here) :]
        return name

    return {new_name(name): array for name, array in parameters.items()}


def alike(network, units):
    """Pairs of units that can be swapped: those with parameters of the same names and shapes."""

    def kind(unit):
        return {
            (name[len(unit) :], array.shape)
            for blocks in (network.arguments, network.states)
            for name, array in blocks.items()
            if name.startswith(f"{unit}_")
        }

    kinds = {unit: kind(unit) for unit in units}
    return [pair for pair in combinations(units, 2) if kinds[pair[0]] == kinds[pair[1]]]


def kendall_tau(order):
    """Kendall's rank correlation of a permutation with the sorted order: 1 for none, 0 for chance."""
    pairs = list(combinations(order, 2))
    return sum(1 if before < after else -1 for before, after in pairs) / len(pairs)


def error(symbol, arguments, states, batches):
    """Test error in %."""
    module = mx.mod.Module(symbol)
    with without_notes():
        module.bind(batches.provide_data, batches.provide_label, for_training=False)
    module.set_params(
        arguments, states, allow_extra=True
    )  # a deleted plain unit's parameters are not used
    return evaluate(module, batches)[1]


def lesions(network, image_shape, samples, seed=0):
    """[(row of the CSV file, symbol, arguments, states)], one for each network to be tested."""
    graph, draw = UnitGraph(network.symbol), np.random.RandomState(seed)
    units, order = deletable(graph, image_shape), {unit: i for i, unit in enumerate(graph.units)}
    pairs = alike(network, graph.units)
    intact = network.symbol, network.arguments, network.states
    found = [({"lesion": "none"}, *intact)]
    found += [
        (
            {"lesion": "delete", "k": 1, "units": unit, "place": order[unit] + 1},
            delete(network.symbol, [unit]),
            *intact[1:],
        )
        for unit in units
    ]
    for k in range(1, round(len(graph.units) * 20 / 54) + 1):  # Figure 5 has up to 20 of 54
        for _ in range(samples):
            chosen = sorted(draw.choice(units, min(k, len(units)), replace=False), key=order.get)
            found.append(
                (
                    {"lesion": "random", "k": k, "units": " ".join(chosen)},
                    delete(network.symbol, chosen),
                    *intact[1:],
                )
            )
            arguments, states, places = network.arguments, network.states, list(range(len(order)))
            chosen = (
                [pairs[i] for i in draw.choice(len(pairs), min(k, len(pairs)), replace=False)]
                if pairs
                else []
            )
            for one, other in chosen:
                arguments, states = swap(arguments, one, other), swap(states, one, other)
                i, j = order[one], order[other]
                places[i], places[j] = places[j], places[i]
            found.append(
                (
                    {
                        "lesion": "swap",
                        "k": k,
                        "units": " ".join("/".join(pair) for pair in chosen),
                        "tau": kendall_tau(places),
                    },
                    network.symbol,
                    arguments,
                    states,
                )
            )
    return found


COLUMNS = (
    "name",
    "label",
    "activation",
    "shortcut",
    "depth",
    "units_in_all",
    "lesion",
    "k",
    "units",
    "place",
    "tau",
    "error",
    "weights",
    "pictures",
)


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "runs", nargs="+", type=folder, help="folders of trained runs, with their checkpoints"
    )
    parser.add_argument(
        "--data-dir", type=folder, help="folder of the pictures that they were trained on"
    )
    parser.add_argument(
        "--images", type=int, default=1000, help="test pictures for each lesion (1000)"
    )
    parser.add_argument(
        "--samples", type=int, default=10, help="random lesions for each number of units (10)"
    )
    arguments = parser.parse_args()
    if min(arguments.images, arguments.samples) < 1:
        raise UserError("--images and --samples: at least 1")

    for network in map(networks.of_run, arguments.runs):
        pictures = networks.pictures_of(network, arguments.data_dir, count=arguments.images)
        batches = mx.io.NDArrayIter(
            pictures.images, pictures.labels.astype(np.float32), min(100, len(pictures.labels))
        )
        plan, rows = lesions(network, pictures.images.shape[1:], arguments.samples), []
        for row, *lesioned in bar(plan, desc=network.label, unit="lesion"):
            known = {
                "name": network.name,
                "label": network.label,
                "weights": network.weights,
                "pictures": pictures.words,
                "units_in_all": len(UnitGraph(network.symbol).units),
                "error": error(*lesioned, batches),
                **row,
            }
            rows.append(
                {column: known.get(column, network.recipe.get(column)) for column in COLUMNS}
            )
        measurements.write(f"lesion-{network.name}", rows)
    return 0


if __name__ == "__main__":
    run_main(main)
