"""Gates of trained networks: the factor 1 - g(x) on the shortcut of each residual unit, for the
exclusive and the shortcut-only gating of section 3.1.

    .venv/bin/python -m analysis.gates runs/pocket/cifar10-exclusive_gating56/seed0  # make gates
"""

import mxnet as mx
import numpy as np

from common.errors import UserError, run_main

from . import networks
from .responses import outputs
from .units import UnitGraph

SHARES = {"low": 5, "quartile1": 25, "median": 50, "quartile3": 75, "high": 95}


def factors(network, images):
    """Return {unit: 1 - g(x)} as flat arrays over all images, channels and pixels.

    Raises UserError for a network without gates.
    """
    internals = network.symbol.get_internals()
    gates = {unit: f"{unit}_gate_sigmoid_output" for unit in UnitGraph(network.symbol).units}
    gates = {unit: name for unit, name in gates.items() if name in internals.list_outputs()}
    if not gates:
        raise UserError(
            f"{network.name} has no gates: measure a run with exclusive_gating or "
            "shortcut_only_gating, or with a shortcut of yours that calls gate() of symbols/layers.py"
        )
    symbol = mx.sym.Group([internals[name] for name in gates.values()])
    parts = [arrays for _, arrays in outputs(network, symbol, images)]
    return {
        unit: 1 - np.concatenate([batch.ravel() for batch in batches])
        for unit, batches in zip(gates, zip(*parts))
    }


def measure(network, sample, _):
    """Return the rows of a network's CSV file.

    bias: 1 - sigmoid(b_g) of the trained biases, mean over the channels. initial: the same before
    training; None if the shortcut has no constant `bias`. channels: of the unit, which change where
    a stage begins.
    """
    initial = network.recipe["shortcut_args"].get("bias")
    rows = []
    for number, (unit, values) in enumerate(factors(network, sample.images).items(), 1):
        biases = network.arguments[f"{unit}_gate_bias"].asnumpy()
        shares = np.percentile(values, list(SHARES.values()))
        rows.append(
            {
                "l": number,
                "unit": unit,
                "channels": len(biases),
                "initial": None if initial is None else mean_factor(initial),
                "bias": mean_factor(biases),
                "mean": float(values.mean(dtype=float)),
                **{name: float(value) for name, value in zip(SHARES, shares)},
            }
        )
    return rows


def mean_factor(bias):
    """Return the mean of the factor 1 - sigmoid(bias) on the shortcut."""
    return float(np.mean(1 / (1 + np.exp(np.asarray(bias, float)))))


def main():
    return networks.measure_runs(__doc__, "gates", measure, images=200)


if __name__ == "__main__":
    run_main(main)
