"""The papers' experiments as data: rows of Tables 1 to 5, curves of figures, the gate-bias search.

Training, tables and figures read this file. P1 is 1512.03385, P2 is 1603.05027.
"""

from collections import namedtuple

from common.errors import UserError

from .experiment import cifar10, cifar100, imagenet
from .scales import SCALES

FAIL = "fail"
FAILS_ABOVE = 20  # P2, Table 1: a test error above 20 % is a failure
PAPER_SEEDS = 5  # P2: errors on CIFAR are medians of five runs


class Row(namedtuple("Row", "case remark experiment paper variant crop", defaults=("", None))):
    """A row of a table.

    case, remark: the paper's words. paper: its error in %, or FAIL. variant: which of several rows
    with this case. crop: the test rule for ImageNet, as in score.py.
    """

    @property
    def label(self):
        """'exclusive gating (bias -6)': case and variant, for figures and documents."""
        return f"{self.case} ({self.variant})" if self.variant else self.case


ORIGINAL110 = cifar10(110)


def shortcut(name, **constants):
    """Return ResNet-110 with another shortcut, a row of Table 1."""
    return cifar10(110, shortcut=name, **constants)


# fmt: off
TABLE1 = [  # P2: ResNet-110 on CIFAR-10; the numbers are factors on the shortcut and on F
    Row("original", "Fig. 2(a)", ORIGINAL110, 6.61),
    Row("constant scaling", "Fig. 2(b), a plain net", shortcut("plain"), FAIL, "0 and 1"),
    Row("constant scaling", "Fig. 2(b)", shortcut("constant_scaling", residual_scale=1), FAIL, "0.5 and 1"),
    Row("constant scaling", "Fig. 2(b), frozen gating", shortcut("constant_scaling"), 12.35, "0.5 and 0.5"),
    Row("exclusive gating", "Fig. 2(c), the paper's row: 0 to -5", shortcut("exclusive_gating", bias=0), FAIL, "bias 0"),
    Row("exclusive gating", "Fig. 2(c)", shortcut("exclusive_gating"), 8.70, "bias -6"),
    Row("exclusive gating", "Fig. 2(c)", shortcut("exclusive_gating", bias=-7), 9.81, "bias -7"),
    Row("shortcut-only gating", "Fig. 2(d)", shortcut("shortcut_only_gating", bias=0), 12.86, "bias 0"),
    Row("shortcut-only gating", "Fig. 2(d)", shortcut("shortcut_only_gating"), 6.91, "bias -6"),
    Row("1x1 conv shortcut", "Fig. 2(e)", shortcut("convolution"), 12.22),
    Row("dropout shortcut", "Fig. 2(f)", shortcut("dropout"), FAIL, "ratio 0.5"),
]
TABLE2 = [  # P2: activations on CIFAR-10
    Row("original residual unit", "Fig. 4(a), ResNet-110", ORIGINAL110, 6.61),
    Row("BN after addition", "Fig. 4(b), ResNet-110", cifar10(110, "bn_after_addition"), 8.17),
    Row("ReLU before addition", "Fig. 4(c), ResNet-110", cifar10(110, "relu_before_addition"), 7.84),
    Row("ReLU-only pre-activation", "Fig. 4(d), ResNet-110", cifar10(110, "relu_only_preact"), 6.71),
    Row("full pre-activation", "Fig. 4(e), ResNet-110", cifar10(110, "preact"), 6.37),
    Row("original residual unit", "Fig. 4(a), ResNet-164", cifar10(164), 5.93),
    Row("BN after addition", "Fig. 4(b), ResNet-164", cifar10(164, "bn_after_addition"), 6.50),
    Row("ReLU before addition", "Fig. 4(c), ResNet-164", cifar10(164, "relu_before_addition"), 6.14),
    Row("ReLU-only pre-activation", "Fig. 4(d), ResNet-164", cifar10(164, "relu_only_preact"), 5.91),
    Row("full pre-activation", "Fig. 4(e), ResNet-164", cifar10(164, "preact"), 5.46),
]
TABLE3 = [  # P2: original and pre-activation unit
    Row("CIFAR-10, ResNet-110 (1 layer)", "baseline unit", cifar10(110, unit="one_layer"), 9.90),
    Row("CIFAR-10, ResNet-110 (1 layer)", "pre-activation unit", cifar10(110, "preact", unit="one_layer"), 8.91),
    Row("CIFAR-10, ResNet-110", "baseline unit", ORIGINAL110, 6.61),
    Row("CIFAR-10, ResNet-110", "pre-activation unit", cifar10(110, "preact"), 6.37),
    Row("CIFAR-10, ResNet-164", "baseline unit", cifar10(164), 5.93),
    Row("CIFAR-10, ResNet-164", "pre-activation unit", cifar10(164, "preact"), 5.46),
    Row("CIFAR-10, ResNet-1001", "baseline unit", cifar10(1001), 7.61),
    Row("CIFAR-10, ResNet-1001", "pre-activation unit", cifar10(1001, "preact"), 4.92),
    Row("CIFAR-100, ResNet-164", "baseline unit", cifar100(164), 25.16),
    Row("CIFAR-100, ResNet-164", "pre-activation unit", cifar100(164, "preact"), 24.33),
    Row("CIFAR-100, ResNet-1001", "baseline unit", cifar100(1001), 27.82),
    Row("CIFAR-100, ResNet-1001", "pre-activation unit", cifar100(1001, "preact"), 22.71),
]
TABLE4 = [  # P2: comparison with the state of the art; its ResNets
    Row("CIFAR-10, ResNet-110, original", "1.7M", ORIGINAL110, 6.61),
    Row("CIFAR-10, ResNet-1202, original", "19.4M", cifar10(1202), 7.93),
    Row("CIFAR-10, ResNet-164, pre-activation", "1.7M", cifar10(164, "preact"), 5.46),
    Row("CIFAR-10, ResNet-1001, pre-activation", "10.2M", cifar10(1001, "preact"), 4.92),
    Row("CIFAR-10, ResNet-1001, pre-activation", "10.2M, batch 64", cifar10(1001, "preact", changes={"batch_size": 64}), 4.62),
    Row("CIFAR-100, ResNet-164, original", "1.7M", cifar100(164), 25.16),
    Row("CIFAR-100, ResNet-1001, original", "10.2M", cifar100(1001), 27.82),
    Row("CIFAR-100, ResNet-164, pre-activation", "1.7M", cifar100(164, "preact"), 24.33),
    Row("CIFAR-100, ResNet-1001, pre-activation", "10.2M", cifar100(1001, "preact"), 22.71),
]
TABLE5 = [  # P2: ImageNet, single crop, top-1
    Row("ResNet-152, original", "crop 224", imagenet(152), 23.0, crop="224"),
    Row("ResNet-152, original", "crop 320", imagenet(152), 21.3, crop="320"),
    Row("ResNet-152, pre-activation", "crop 320", imagenet(152, "preact"), 21.1, crop="320"),
    Row("ResNet-200, original", "crop 320", imagenet(200), 21.8, crop="320"),
    Row("ResNet-200, pre-activation", "crop 320", imagenet(200, "preact"), 20.7, crop="320"),
    Row("ResNet-200, pre-activation", "crop 320, scale + aspect ratio", imagenet(200, "preact", augmentation="aspect"), 20.1, crop="320"),
]
# fmt: on
TABLES = {"table1": TABLE1, "table2": TABLE2, "table3": TABLE3, "table4": TABLE4, "table5": TABLE5}

SEARCH = "gate-bias-search"
PAPER_BEST = -6  # P2 3.1; the shortcut's default


def gating(bias, changes=None):
    """Return ResNet-110 with exclusive gating; a run's name has a bias that is not the default."""
    constants = {} if bias == PAPER_BEST else {"bias": bias}
    return shortcut("exclusive_gating", changes=changes, **constants)


# P2 3.1: the search for b_g. The paper uses cross-validation, this uses 5,000 held-out images.
GATE_BIAS_SEARCH = {bias: gating(bias, {"validation": True}) for bias in range(0, -11, -1)}

# A curve of a figure: our experiment, and the paper's curve as (paper, figure, curve) in curves.csv.
Curve = namedtuple("Curve", "experiment paper")
P1, P2 = "1512.03385", "1603.05027"


def panel(figure, variant, original=ORIGINAL110, names=("original", "variant")):
    """Return the original network's curve and a variant's curve in a figure of P2."""
    return [Curve(original, (P2, figure, names[0])), Curve(variant, (P2, figure, names[1]))]


def by_depth(depths, figure, **network):
    """Return a curve for each depth in a figure of P1."""
    return [Curve(cifar10(depth, **network), (P1, figure, str(depth))) for depth in depths]


PROPOSED = ("original", "pre-act(proposed)")
# fmt: off
FIGURES = {  # name: [(title of a panel, curves)]
    "figure1": [
        ("ResNet-1001", panel("Fig1_right", cifar10(1001, "preact"), cifar10(1001), PROPOSED)),
    ],
    "figure3": [
        ("(a) constant scaling", panel("Fig3a", shortcut("constant_scaling"))),
        ("(b) exclusive gating", panel("Fig3b", shortcut("exclusive_gating"))),
        ("(c) shortcut-only gating", panel("Fig3c", shortcut("shortcut_only_gating", bias=0))),
        ("(d) 1x1 convolution", panel("Fig3d", shortcut("convolution"))),
    ],
    "figure6": [
        ("BN after addition", panel("Fig6_left", cifar10(110, "bn_after_addition"), names=("original", "BN after add"))),
        ("full pre-activation", panel("Fig6_right", cifar10(164, "preact"), cifar10(164), PROPOSED)),
    ],
    # P1, Figure 6: the degradation problem
    "degradation": [
        ("plain", by_depth((20, 56), "Fig6L plain", shortcut="plain")),
        ("residual", by_depth((20, 56, 110), "Fig6M resnet")),
    ],
}
# fmt: on

# P1: test error in % by depth. Residual networks: Table 6; 110 is the mean of five runs. Plain
# networks: the ends of Figure 6's curves; the text says "higher than 60 %" of 110.
DEPTH = "depth"
RESNETS = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.61, 1202: 7.93}
PLAIN = {20: 9.69, 32: 10.08, 44: 11.42, 56: 13.23, 110: FAIL}
BY_DEPTH = [
    Row(name, "", cifar10(depth, shortcut=kind), errors[depth])
    for name, kind, errors in (("plain", "plain", PLAIN), ("residual", "identity", RESNETS))
    for depth in (20, 56, 110)
]

NETWORKS = {  # of each table and figure
    **{name: [row.experiment for row in rows] for name, rows in TABLES.items()},
    **{
        name: [curve.experiment for _, curves in FIGURES[name] for curve in curves]
        for name in FIGURES
    },
    DEPTH: [row.experiment for row in BY_DEPTH],
    SEARCH: list(GATE_BIAS_SEARCH.values()),
    "summary": [row.experiment for row in TABLE1 + TABLE2],
}


def experiments_of(name):
    """Return [Experiment] of a table, a figure or the search, each once.

    Raises UserError for an unknown name.
    """
    if name not in NETWORKS:
        raise UserError(f"no table or figure is called '{name}': choose from {', '.join(NETWORKS)}")
    networks = NETWORKS[name]
    return [experiment for i, experiment in enumerate(networks) if experiment not in networks[:i]]


def depths_note(scale, networks=None):
    """Return '56 layers instead of the paper's 110, 83 instead of 164': the depths of a scale or of
    experiments.

    Empty if they are the paper's.
    """
    depths = SCALES[scale].depths
    used = depths if networks is None else {network.depth for network in networks}
    notes = [f"{here} instead of {paper}" for paper, here in depths.items() if paper in used]
    return ", ".join(notes).replace(" instead of ", " layers instead of the paper's ", 1)


def make(name, scale):
    """Return the command that trains and draws a table or figure."""
    return f"make {name}" + ("" if scale == "full" else f" SCALE={scale}")
