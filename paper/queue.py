"""The planned runs, in the order of training: `make queue` trains those that results/ lacks."""

from collections import namedtuple

from .experiments import BY_DEPTH, ORIGINAL110, TABLE1, TABLE2, cifar10

Planned = namedtuple("Planned", "experiment scale seed")

# The rows of Tables 1 and 2 that decide most come first.
FIRST = [
    ORIGINAL110,
    cifar10(110, shortcut="plain"),
    cifar10(110, shortcut="exclusive_gating", bias=0),
    cifar10(110, shortcut="shortcut_only_gating", bias=0),
    cifar10(110, "preact"),
]
REST = [row.experiment for row in TABLE1 + TABLE2 if row.experiment.depth == 110]
DEPTHS = [row.experiment for row in BY_DEPTH]
DEEPEST = [cifar10(1001), cifar10(1001, "preact")]
# Rows whose errors are close to each other in the paper.
SEVERAL_SEEDS = [
    ORIGINAL110,
    cifar10(110, "preact"),
    cifar10(110, "relu_only_preact"),
    cifar10(110, shortcut="shortcut_only_gating"),
]


def planned():
    """Return [Planned] of every planned run, each once."""
    order = [Planned(cifar10(20), "full", 0)]
    order += [Planned(experiment, "desk", 0) for experiment in FIRST + REST + DEPTHS]
    order += [Planned(experiment, "pocket", 0) for experiment in DEEPEST]
    order += [Planned(experiment, "desk", seed) for seed in (1, 2) for experiment in SEVERAL_SEEDS]
    return [run for i, run in enumerate(order) if run not in order[:i]]
