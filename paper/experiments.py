"""The papers' experiments as data: every row of Tables 1 to 5, every curve of Figures 1, 3 and 6.

Driver, tables and figures read this file; nothing of it stands anywhere else. P1 is 1512.03385,
P2 is 1603.05027.
"""

from collections import namedtuple

from common.errors import UserError

from .experiment import cifar100, experiment, imagenet
from .scales import scale_named

FAILS_ABOVE = 20  # P2, Table 1: a test error above it, in %, is a failure
FAIL = "fail"
PAPER_SEEDS = 5  # P2: CIFAR's numbers are medians of five runs; by default a target trains seed 0


# A row of a table. case, remark: its words in the paper. paper: its error in %, or FAIL. crop:
# ImageNet's rule, as for score.py.
Row = namedtuple("Row", "case remark experiment paper crop", defaults=(None,))
ORIGINAL110 = experiment(110)


def shortcut(name, **constants):
    """Of Table 1: ResNet-110 with another shortcut."""
    return experiment(110, shortcut=name, **constants)


TABLE1 = [  # P2: ResNet-110 on CIFAR-10, what stands on the shortcut and on F
    Row("original", "Fig. 2(a)", ORIGINAL110, 6.61),
    Row(
        "constant scaling",
        "Fig. 2(b), 0 on the shortcut, 1 on F: a plain net",
        shortcut("plain"),
        FAIL,
    ),
    Row(
        "constant scaling",
        "Fig. 2(b), 0.5 and 1",
        shortcut("constant_scaling", residual_scale=1),
        FAIL,
    ),
    Row(
        "constant scaling",
        "Fig. 2(b), 0.5 and 0.5: frozen gating",
        shortcut("constant_scaling"),
        12.35,
    ),
    Row(
        "exclusive gating",
        "Fig. 2(c), bias 0 (the paper: 0 to -5)",
        shortcut("exclusive_gating", bias=0),
        FAIL,
    ),
    Row("exclusive gating", "Fig. 2(c), bias -6", shortcut("exclusive_gating"), 8.70),
    Row("exclusive gating", "Fig. 2(c), bias -7", shortcut("exclusive_gating", bias=-7), 9.81),
    Row(
        "shortcut-only gating", "Fig. 2(d), bias 0", shortcut("shortcut_only_gating", bias=0), 12.86
    ),
    Row("shortcut-only gating", "Fig. 2(d), bias -6", shortcut("shortcut_only_gating"), 6.91),
    Row("1x1 conv shortcut", "Fig. 2(e)", shortcut("convolution"), 12.22),
    Row("dropout shortcut", "Fig. 2(f), ratio 0.5", shortcut("dropout"), FAIL),
]
TABLE2 = [  # P2: CIFAR-10, activations
    Row("original residual unit", "Fig. 4(a), ResNet-110", ORIGINAL110, 6.61),
    Row("BN after addition", "Fig. 4(b), ResNet-110", experiment(110, "bn_after_addition"), 8.17),
    Row(
        "ReLU before addition",
        "Fig. 4(c), ResNet-110",
        experiment(110, "relu_before_addition"),
        7.84,
    ),
    Row(
        "ReLU-only pre-activation",
        "Fig. 4(d), ResNet-110",
        experiment(110, "relu_only_preact"),
        6.71,
    ),
    Row("full pre-activation", "Fig. 4(e), ResNet-110", experiment(110, "preact"), 6.37),
    Row("original residual unit", "Fig. 4(a), ResNet-164", experiment(164), 5.93),
    Row("BN after addition", "Fig. 4(b), ResNet-164", experiment(164, "bn_after_addition"), 6.50),
    Row(
        "ReLU before addition",
        "Fig. 4(c), ResNet-164",
        experiment(164, "relu_before_addition"),
        6.14,
    ),
    Row(
        "ReLU-only pre-activation",
        "Fig. 4(d), ResNet-164",
        experiment(164, "relu_only_preact"),
        5.91,
    ),
    Row("full pre-activation", "Fig. 4(e), ResNet-164", experiment(164, "preact"), 5.46),
]
TABLE3 = [  # P2: original against pre-activation unit
    Row("CIFAR-10, ResNet-110 (1 layer)", "baseline unit", experiment(110, unit="one_layer"), 9.90),
    Row(
        "CIFAR-10, ResNet-110 (1 layer)",
        "pre-activation unit",
        experiment(110, "preact", unit="one_layer"),
        8.91,
    ),
    Row("CIFAR-10, ResNet-110", "baseline unit", ORIGINAL110, 6.61),
    Row("CIFAR-10, ResNet-110", "pre-activation unit", experiment(110, "preact"), 6.37),
    Row("CIFAR-10, ResNet-164", "baseline unit", experiment(164), 5.93),
    Row("CIFAR-10, ResNet-164", "pre-activation unit", experiment(164, "preact"), 5.46),
    Row("CIFAR-10, ResNet-1001", "baseline unit", experiment(1001), 7.61),
    Row("CIFAR-10, ResNet-1001", "pre-activation unit", experiment(1001, "preact"), 4.92),
    Row("CIFAR-100, ResNet-164", "baseline unit", cifar100(164), 25.16),
    Row("CIFAR-100, ResNet-164", "pre-activation unit", cifar100(164, "preact"), 24.33),
    Row("CIFAR-100, ResNet-1001", "baseline unit", cifar100(1001), 27.82),
    Row("CIFAR-100, ResNet-1001", "pre-activation unit", cifar100(1001, "preact"), 22.71),
]
TABLE4 = [  # P2: the ResNets among the state of the art
    Row("CIFAR-10, ResNet-110 [1]", "1.7M", ORIGINAL110, 6.61),
    Row("CIFAR-10, ResNet-1202 [1]", "19.4M", experiment(1202), 7.93),
    Row("CIFAR-10, ResNet-164 [ours]", "1.7M", experiment(164, "preact"), 5.46),
    Row("CIFAR-10, ResNet-1001 [ours]", "10.2M", experiment(1001, "preact"), 4.92),
    Row(
        "CIFAR-10, ResNet-1001 [ours]",
        "10.2M, batch 64",
        experiment(1001, "preact", changes={"batch_size": 64}),
        4.62,
    ),
    Row("CIFAR-100, ResNet-164 [1]", "1.7M", cifar100(164), 25.16),
    Row("CIFAR-100, ResNet-1001 [1]", "10.2M", cifar100(1001), 27.82),
    Row("CIFAR-100, ResNet-164 [ours]", "1.7M", cifar100(164, "preact"), 24.33),
    Row("CIFAR-100, ResNet-1001 [ours]", "10.2M", cifar100(1001, "preact"), 22.71),
]
TABLE5 = [  # P2: ImageNet, single crop, top-1
    Row("ResNet-152, original", "crop 224", imagenet(152), 23.0, "224"),
    Row("ResNet-152, original", "crop 320", imagenet(152), 21.3, "320"),
    Row("ResNet-152, pre-activation", "crop 320", imagenet(152, "preact"), 21.1, "320"),
    Row("ResNet-200, original", "crop 320", imagenet(200), 21.8, "320"),
    Row("ResNet-200, pre-activation", "crop 320", imagenet(200, "preact"), 20.7, "320"),
    Row(
        "ResNet-200, pre-activation",
        "crop 320, scale + aspect ratio",
        imagenet(200, "preact", augmentation="aspect"),
        20.1,
        "320",
    ),
]
# P1 Table 6: residual networks on CIFAR-10, test error in %; 110: the mean of five, whose best is
# 6.43
RESNETS = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.61, 1202: 7.93}
TABLES = {"table1": TABLE1, "table2": TABLE2, "table3": TABLE3, "table4": TABLE4, "table5": TABLE5}

# P2 3.1: b_g is searched on 5,000 of the training images that are held out; the best is trained
# again on all.
GATE_BIAS_SEARCH = [
    experiment(
        110,
        shortcut="exclusive_gating",
        changes={"validation": True},
        **({} if bias == -6 else {"bias": bias}),
    )
    for bias in range(0, -11, -1)
]
SEARCH = "gate-bias-search"

# A curve: an experiment, and what curves.csv calls the paper's own (paper, figure, curve).
Curve = namedtuple("Curve", "experiment paper")
P1, P2 = "1512.03385", "1603.05027"


def _panel(figure, variant, original=ORIGINAL110, words=("original", "variant")):
    return [Curve(original, (P2, figure, words[0])), Curve(variant, (P2, figure, words[1]))]


FIGURES = {  # name: [(title of a panel, curves)]
    "figure1": [
        (
            "ResNet-1001",
            _panel(
                "Fig1_right",
                experiment(1001, "preact"),
                experiment(1001),
                ("original", "pre-act(proposed)"),
            ),
        )
    ],
    "figure3": [
        ("(a) constant scaling", _panel("Fig3a", experiment(110, shortcut="constant_scaling"))),
        ("(b) exclusive gating", _panel("Fig3b", experiment(110, shortcut="exclusive_gating"))),
        (
            "(c) shortcut-only gating",
            _panel("Fig3c", experiment(110, shortcut="shortcut_only_gating", bias=0)),
        ),
        ("(d) 1x1 convolution", _panel("Fig3d", experiment(110, shortcut="convolution"))),
    ],
    "figure6": [
        (
            "ResNet-110",
            _panel(
                "Fig6_left",
                experiment(110, "bn_after_addition"),
                words=("original", "BN after add"),
            ),
        ),
        (
            "ResNet-164",
            _panel(
                "Fig6_right",
                experiment(164, "preact"),
                experiment(164),
                ("original", "pre-act(proposed)"),
            ),
        ),
    ],
    # 1512.03385, Figure 6: what residual learning is for
    "degradation": [
        (
            "plain",
            [
                Curve(experiment(depth, shortcut="plain"), (P1, "Fig6L plain", str(depth)))
                for depth in (20, 56)
            ],
        ),
        (
            "residual",
            [Curve(experiment(depth), (P1, "Fig6M resnet", str(depth))) for depth in (20, 56)],
        ),
    ],
}


def experiments_of(name):
    """The experiments of a table, a figure or the search, each once, in its order.

    Raises UserError if there is no such name.
    """
    if name in TABLES:
        chosen = [row.experiment for row in TABLES[name]]
    elif name in FIGURES:
        chosen = [curve.experiment for _, curves in FIGURES[name] for curve in curves]
    elif name == SEARCH:
        chosen = GATE_BIAS_SEARCH
    elif name == "summary":
        chosen = [row.experiment for row in TABLE1 + TABLE2]
    else:
        raise UserError(
            f"the papers' '{name}' is not here: there are {', '.join([*TABLES, *FIGURES, SEARCH])}"
        )
    return [experiment for i, experiment in enumerate(chosen) if experiment not in chosen[:i]]


def depths_note(scale, name=None):
    """'56 layers for the paper's 110, 83 for 164': what a scale has for the paper's depths, or for
    those of a table or figure.
    """
    depths = scale_named(scale).depths
    used = {chosen.depth for chosen in experiments_of(name)} if name else depths
    notes = [f"{here} for {paper}" for paper, here in depths.items() if paper in used]
    return ", ".join(notes).replace(" for ", " layers for the paper's ", 1)


def make(name, scale):
    """What one types for a table or figure."""
    return f"make {name}" + ("" if scale == "full" else f" SCALE={scale}")
