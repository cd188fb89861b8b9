"""The search of section 3.1 for the initial bias of the gates."""

import statistics

from . import experiments
from .significance import ours

PAPER_BEST = -6  # 1603.05027, section 3.1; the shortcut's default


def bias(experiment):
    """The initial bias b_g of an experiment's gates."""
    return experiment.constants.get("bias", PAPER_BEST)


def errors(scale):
    """{bias: Ours} of the biases with a finished run: errors on held-out training images."""
    searched = {
        bias(experiment): ours(experiment, scale) for experiment in experiments.GATE_BIAS_SEARCH
    }
    return {value: runs for value, runs in searched.items() if runs.errors}


def best(scale):
    """The experiment on the complete training set with the bias of the smallest validation error.

    None until every bias has a finished run.
    """
    searched = errors(scale)
    if len(searched) < len(experiments.GATE_BIAS_SEARCH):
        return None
    experiment = min(
        experiments.GATE_BIAS_SEARCH,
        key=lambda experiment: statistics.median(searched[bias(experiment)].errors),
    )
    return experiment._replace(changes={})
