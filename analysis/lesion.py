"""Lesions after Veit, Wilber and Belongie (1605.06431): the test error of a trained network after
residual units are deleted or swapped.

A deleted unit has F = 0, so that x_{l+1} = f(h(x_l)). A unit without a shortcut, as in a plain net,
is bypassed, x_{l+1} = x_l; it is kept if it changes dimensions. Two swapped units exchange their
parameters. Nothing is trained again, and BN keeps its moving averages.

    .venv/bin/python -m analysis.lesion runs/desk/cifar10-original56/seed0  # make lesion RUN=...
"""

from itertools import combinations

import mxnet as mx
import numpy as np
from scipy.stats import kendalltau

from common.environment import bar, without_notes
from common.errors import run_main
from training.evaluate import evaluate

from . import networks
from .units import UNIT, UnitGraph

LARGEST = 20 / 54  # the largest share of units in Figure 5
COLUMNS = ("units_in_all", "lesion", "k", "units", "place", "tau", "error")


def deletable(graph, image_shape):
    """Return the units of a graph that can be deleted."""
    shapes = [
        graph.symbol(entries.values()).infer_shape(data=(1, *image_shape))[1]
        for entries in (graph.input, graph.output)
    ]
    return [
        unit
        for unit, before, after in zip(graph.units, *shapes)
        if before == after or graph.has_shortcut(unit)
    ]


def delete(symbol, units):
    """Return the symbol without some units."""
    graph = UnitGraph(symbol)
    # From the last to the first, because one deleted unit may read another.
    for unit in reversed([unit for unit in graph.units if unit in units]):
        if graph.has_shortcut(unit):
            graph.insert(graph.residual(unit), "zeros_like", f"{unit}_deleted")
        else:
            graph.replace(graph.output[unit], graph.input[unit])
    return graph.symbol()


def swap(parameters, first, second):
    """Return {name: array} with the parameters of two units exchanged."""
    other = {first: second, second: first}

    def renamed(name):
        unit = UNIT.match(name)
        return other.get(unit.group(), unit.group()) + name[unit.end() :] if unit else name

    return {renamed(name): array for name, array in parameters.items()}


def alike(network, units):
    """Return the pairs of units that can be swapped: with parameters of equal names and shapes."""
    kinds = {unit: set() for unit in units}
    for name, array in {**network.arguments, **network.states}.items():
        unit = UNIT.match(name)
        if unit:
            kinds[unit.group()].add((name[unit.end() :], array.shape))
    return [pair for pair in combinations(units, 2) if kinds[pair[0]] == kinds[pair[1]]]


def error(symbol, arguments, states, batches):
    """Return the test error in %."""
    module = mx.mod.Module(symbol)
    with without_notes():
        module.bind(batches.provide_data, batches.provide_label, for_training=False)
    # allow_extra: the parameters of a deleted plain unit
    module.set_params(arguments, states, allow_extra=True)
    return evaluate(module, batches)[1]


def lesions(network, image_shape, samples, seed=0):
    """Return [(row of the CSV file, deleted units, arguments, states)]: the networks to be tested."""
    graph = UnitGraph(network.symbol)
    random = np.random.RandomState(seed)
    units = deletable(graph, image_shape)
    pairs = alike(network, graph.units)
    intact = network.arguments, network.states
    plan = [({"lesion": "none"}, [], *intact)]
    for unit in units:
        row = {"lesion": "delete", "k": 1, "units": unit, "place": graph.units.index(unit) + 1}
        plan.append((row, [unit], *intact))
    for k in range(1, round(len(graph.units) * LARGEST) + 1):
        for _ in range(samples):
            deleted = random.choice(units, min(k, len(units)), replace=False)
            deleted = sorted(deleted, key=graph.units.index)
            row = {"lesion": "random", "k": k, "units": " ".join(deleted)}
            plan.append((row, deleted, *intact))
            numbers = random.choice(len(pairs), min(k, len(pairs)), replace=False) if pairs else []
            plan.append(_swapped(network, graph.units, k, [pairs[i] for i in numbers]))
    return plan


def _swapped(network, units, k, pairs):
    """Return the entry of lesions() for pairs of units that are swapped one after another."""
    arguments, states = network.arguments, network.states
    order = list(range(len(units)))
    for pair in pairs:
        arguments, states = swap(arguments, *pair), swap(states, *pair)
        i, j = map(units.index, pair)
        order[i], order[j] = order[j], order[i]
    tau = kendalltau(range(len(units)), order)[0]
    row = {"lesion": "swap", "k": k, "units": " ".join(map("/".join, pairs)), "tau": float(tau)}
    return row, [], arguments, states


def measure(network, sample, arguments):
    """Return the rows of a network's CSV file."""
    labels = sample.labels.astype(np.float32)
    batches = mx.io.NDArrayIter(sample.images, labels, min(100, len(labels)))
    count = len(UnitGraph(network.symbol).units)
    rows = []
    plan = lesions(network, sample.images.shape[1:], arguments.samples)
    for row, deleted, *parameters in bar(plan, desc=network.label, unit="lesion"):
        symbol = delete(network.symbol, deleted)
        values = {"units_in_all": count, **row, "error": error(symbol, *parameters, batches)}
        rows.append({column: values.get(column) for column in COLUMNS})
    return rows


def main():
    return networks.measure_runs(__doc__, "lesion", measure, samples=5)


if __name__ == "__main__":
    run_main(main)
