"""The runs that we publish, in the order in which they are trained: what tells most comes first.

make queue trains those that are missing.
"""

from collections import namedtuple

from .experiments import GATE_BIAS_SEARCH, ORIGINAL110, TABLE1, TABLE2, experiment

Planned = namedtuple("Planned", "experiment scale seed")

DEPTH_110 = [row.experiment for row in TABLE1 + TABLE2 if row.experiment.depth == 110]
DEPTH_164 = [row.experiment for row in TABLE2 if row.experiment.depth == 164]
CLOSE = [  # rows that one seed cannot tell apart
    ORIGINAL110,
    experiment(110, "preact"),
    experiment(110, "relu_only_preact"),
    experiment(110, "relu_before_addition"),
    experiment(110, shortcut="shortcut_only_gating"),
    experiment(110, shortcut="exclusive_gating"),
    experiment(110, shortcut="exclusive_gating", bias=-7),
]
ELSEWHERE = [  # rows that stand elsewhere in our order than in the paper's
    experiment(110, shortcut="exclusive_gating", bias=0),
    experiment(110, shortcut="shortcut_only_gating", bias=0),
]
DEGRADATION = [
    experiment(20, shortcut="plain"),
    experiment(20),
]  # the two of 56 layers are Table 1's at this scale
# held against the same in float32, which are there
BFLOAT16 = {"dtype": "bfloat16"}
PROOF = [
    experiment(110, changes=BFLOAT16),
    experiment(110, "preact", changes=BFLOAT16),
    experiment(110, shortcut="exclusive_gating", changes=BFLOAT16),
]


def planned():
    """Every published run once, in order."""
    order = [Planned(chosen, "desk", 0) for chosen in DEPTH_110]
    order.append(Planned(experiment(20), "full", 0))
    order += [Planned(chosen, "pocket", seed) for seed in (0, 1, 2) for chosen in PROOF]
    order += [Planned(chosen, "desk", seed) for seed in (1, 2) for chosen in ELSEWHERE]
    order += [Planned(chosen, "desk", seed) for seed in (1, 2) for chosen in CLOSE]
    order += [Planned(chosen, "desk", 0) for chosen in DEGRADATION]
    order += [Planned(chosen, "pocket", 0) for chosen in GATE_BIAS_SEARCH]
    order += [Planned(chosen, "desk", 0) for chosen in DEPTH_164]
    order.append(Planned(experiment(20, "preact"), "full", 0))
    return [run for i, run in enumerate(order) if run not in order[:i]]
