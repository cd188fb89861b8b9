"""The search of section 3.1 for the initial bias of the gates."""

import statistics

from .counted_runs import comparable, results_of
from .experiments import GATE_BIAS_SEARCH


def errors(scale):
    """Return {bias: Results} of the comparable biases: errors on held-out training images."""
    searched = [
        (bias, results_of(experiment, scale)) for bias, experiment in GATE_BIAS_SEARCH.items()
    ]
    return dict(comparable([(bias, results) for bias, results in searched if results.errors]))


def best(scale):
    """Return the bias of the smallest validation error; None until all biases are finished."""
    medians = {bias: statistics.median(each.errors) for bias, each in errors(scale).items()}
    return min(medians, key=medians.get) if len(medians) == len(GATE_BIAS_SEARCH) else None
