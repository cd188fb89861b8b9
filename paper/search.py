"""The search of section 3.1 for the initial bias of the gates."""

import statistics

from .experiments import GATE_BIAS_SEARCH
from .significance import comparable, results_of


def errors(scale):
    """Return {bias: Results} of the comparable biases: errors on held-out training images."""
    searched = [
        (bias, results_of(experiment, scale)) for bias, experiment in GATE_BIAS_SEARCH.items()
    ]
    return dict(comparable([(bias, runs) for bias, runs in searched if runs.errors]))


def best(scale):
    """Return the bias of the smallest validation error; None until all biases are finished."""
    medians = {bias: statistics.median(runs.errors) for bias, runs in errors(scale).items()}
    return min(medians, key=medians.get) if len(medians) == len(GATE_BIAS_SEARCH) else None
