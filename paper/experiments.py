"""The papers' experiments as data: every row of Tables 1 to 5, every curve of Figures 1, 3 and 6, with the paper's number.

Makefile, driver, tables and figures read this file; nothing of it stands anywhere else. P1 is 1512.03385, P2 is 1603.05027.

    python experiments.py scale pocket       # the options of train_cifar.py that a scale stands for
"""
import sys
from collections import namedtuple

from common.errors import UserError, run
from symbols import names

# A scale. options: what it changes of the paper's recipe, as options of train_cifar.py. depths: {the paper's: the one here}.
Scale = namedtuple("Scale", "options depths")
POCKET_DEPTHS = {110: 56, 164: 83, 1001: 506, 1202: 602}
SCALES = {
    "full": Scale("", {}),
    # Half the paper's units on pictures of 16x16, the schedule's shape, batches of 64 (as for P2 Table 4's 4.62 %). The warm-up is
    # not shrunk: deep networks need all 400 iterations to leave chance. docs/DEVIATIONS.md says what smaller and deeper ones do.
    "pocket": Scale("--image-size 16 --batch-size 64 --iterations 2400 --warmup-iterations 400 --test-every 300 --dtype fast",
                    POCKET_DEPTHS),
    # The same ten times as long: nearly half of the paper's epochs.
    "desk": Scale("--image-size 16 --batch-size 64 --iterations 24000 --warmup-iterations 400 --test-every 1000 --log-every 100 "
                  "--dtype fast", POCKET_DEPTHS),
    # For minutes, on the generated set: the paper's units, but few of them.
    "demo": Scale("--image-size 16 --iterations 300 --test-every 30 --log-every 10 --data-dir data/generated",
                  {110: 20, 164: 20, 1001: 29, 1202: 32}),
}
FAILS_ABOVE = 20  # P2, Table 1: a test error above it, in %, is a failure
FAIL = "fail"
# What a run must have to count for a row, unless scale or row change it: the paper's recipe, as train_cifar.py has it by default.
PAPER = {"iterations": 64000, "image_size": 32, "batch_size": 128, "validation": False, "learning_rate": 0.1,
         "warmup_learning_rate": 0.01, "momentum": 0.9, "nesterov": False, "weight_decay": 1e-4, "decay": "weights",
         "init_fan": "in", "bottleneck_stride": "1x1", "dtype": None, "steps": [32000, 48000], "warmup_iterations": 400}
# The same for ImageNet: 120 epochs of ILSVRC-2012, as train_imagenet.py has it by default.
PAPER_IMAGENET = {**PAPER, "iterations": 600547, "image_size": 224, "batch_size": 256, "augmentation": "scale",
                  "steps": [150137, 300274], "warmup_iterations": 0}
PAPER_SEEDS = 5  # P2: CIFAR's numbers are medians of five runs; by default a target trains seed 0


class Experiment(namedtuple("Experiment", "dataset activation shortcut depth unit constants options")):
    """One network and what its row changes of the recipe. constants: of the shortcut, where they are not the default."""

    def at(self, scale):
        """The experiment that stands for this one at a scale: of the depth that the scale has for it."""
        return self._replace(depth=SCALES[scale].depths.get(self.depth, self.depth))

    @property
    def network(self):
        """What train_cifar.py calls it: data set, activation, shortcut and its constants, depth, unit."""
        return names.run_name(self.dataset, self.activation, self.shortcut, self.depth, self.unit, self.constants)

    @property
    def name(self):
        """Folder of its runs below results/<scale>/: the network, and the options of its row."""
        return self.network + self.options.replace(" --", "-").replace("--", "-").replace(" ", "=")

    @property
    def command(self):
        """Options of train_cifar.py, or of train_imagenet.py."""
        words = ["--activation", self.activation, "--shortcut", self.shortcut, "--depth", str(self.depth)]
        if self.dataset != "imagenet":
            words += ["--dataset", self.dataset, "--unit", self.unit]
        if self.constants:
            words += ["--shortcut-args", ",".join(f"{key}={value:g}" for key, value in self.constants.items())]
        return words + self.options.split()

    def settings(self, scale):
        """{option: value} of the recipe that a run of this experiment at a scale must have to count for it.

        --micro-batch and the number of devices may differ: the papers' own batch is in two parts.
        """
        option = {"option": names.default_option(self.unit)}
        if self.dataset == "imagenet":
            return {**PAPER_IMAGENET, **option, **({"augmentation": "aspect"} if "aspect" in self.options else {})}
        words = [*scale_options(scale), *self.options.split(), "--"]
        given = {word[2:].replace("-", "_"): following for word, following in zip(words, words[1:]) if word.startswith("--")}
        given = {key: True if value.startswith("--") else int(value) for key, value in given.items()
                 if value.isdigit() or value.startswith("--")}
        shrunk = given.get("iterations", PAPER["iterations"]) / PAPER["iterations"]  # as train_cifar.py shrinks the schedule
        schedule = {"steps": [round(step * shrunk) for step in PAPER["steps"]],
                    "warmup_iterations": round(PAPER["warmup_iterations"] * shrunk)}
        free = ("log_every", "test_every")
        settings = {**PAPER, **option, **schedule, **given}
        return {key: value for key, value in settings.items() if key not in free}

    def target(self, scale="full"):
        """What one types: make cifar10-exclusive_gating110 SHORTCUT_ARGS=bias=-7 SCALE=pocket"""
        if self != self.at(scale):
            return self.at(scale).target(scale)
        words = ["make", f"{self.dataset}-{names.name(self.activation, self.shortcut, self.depth)}"]
        if self.unit != names.PAPER_UNIT.get(self.depth) and self.dataset != "imagenet":
            words.append(f"UNIT={self.unit}")
        if self.constants:
            words.append("SHORTCUT_ARGS=" + ",".join(f"{key}={value:g}" for key, value in self.constants.items()))
        if self.options:
            words.append(f"ARGS='{self.options}' OUTPUT=results/{scale}/{self.name}/seed0")
        if scale != "full" and self.dataset != "imagenet":
            words.append(f"SCALE={scale}")
        return " ".join(words)


def experiment(depth, activation="original", shortcut="identity", dataset="cifar10", unit=None, options="", **constants):
    return Experiment(dataset, activation, shortcut, depth,
                      unit or (names.IMAGENET[depth][0] if dataset == "imagenet" else names.PAPER_UNIT[depth]), constants, options)


# A row of a table. case, remark: its words in the paper. paper: its error in %, or FAIL. crop: ImageNet's rule, as for --test-only.
Row = namedtuple("Row", "case remark experiment paper crop", defaults=(None,))
ORIGINAL110 = experiment(110)

TABLE1 = [  # P2: ResNet-110 on CIFAR-10, what stands on the shortcut and on F
    Row("original", "Fig. 2(a)", ORIGINAL110, 6.61),
    Row("constant scaling", "Fig. 2(b), 0 on the shortcut, 1 on F: a plain net", experiment(110, shortcut="plain"), FAIL),
    Row("constant scaling", "Fig. 2(b), 0.5 and 1", experiment(110, shortcut="constant_scaling", residual_scale=1), FAIL),
    Row("constant scaling", "Fig. 2(b), 0.5 and 0.5: frozen gating", experiment(110, shortcut="constant_scaling"), 12.35),
    Row("exclusive gating", "Fig. 2(c), bias 0 (the paper: 0 to -5)", experiment(110, shortcut="exclusive_gating", bias=0), FAIL),
    Row("exclusive gating", "Fig. 2(c), bias -6", experiment(110, shortcut="exclusive_gating"), 8.70),
    Row("exclusive gating", "Fig. 2(c), bias -7", experiment(110, shortcut="exclusive_gating", bias=-7), 9.81),
    Row("shortcut-only gating", "Fig. 2(d), bias 0", experiment(110, shortcut="shortcut_only_gating", bias=0), 12.86),
    Row("shortcut-only gating", "Fig. 2(d), bias -6", experiment(110, shortcut="shortcut_only_gating"), 6.91),
    Row("1x1 conv shortcut", "Fig. 2(e)", experiment(110, shortcut="convolution"), 12.22),
    Row("dropout shortcut", "Fig. 2(f), ratio 0.5", experiment(110, shortcut="dropout"), FAIL),
]
TABLE2 = [  # P2: CIFAR-10, activations
    Row(case, f"{figure}, ResNet-{depth}", experiment(depth, activation), errors[depth])
    for depth in (110, 164) for case, figure, activation, errors in (
        ("original residual unit", "Fig. 4(a)", "original", {110: 6.61, 164: 5.93}),
        ("BN after addition", "Fig. 4(b)", "bn_after_addition", {110: 8.17, 164: 6.50}),
        ("ReLU before addition", "Fig. 4(c)", "relu_before_addition", {110: 7.84, 164: 6.14}),
        ("ReLU-only pre-activation", "Fig. 4(d)", "relu_only_preact", {110: 6.71, 164: 5.91}),
        ("full pre-activation", "Fig. 4(e)", "preact", {110: 6.37, 164: 5.46}))]
TABLE3 = [  # P2: original against pre-activation unit
    Row(f"{title}, {network}", unit, experiment(depth, activation, dataset=dataset, unit=kind), error)
    for dataset, title, network, depth, kind, errors in (
        ("cifar10", "CIFAR-10", "ResNet-110 (1 layer)", 110, "one_layer", (9.90, 8.91)),
        ("cifar10", "CIFAR-10", "ResNet-110", 110, None, (6.61, 6.37)),
        ("cifar10", "CIFAR-10", "ResNet-164", 164, None, (5.93, 5.46)),
        ("cifar10", "CIFAR-10", "ResNet-1001", 1001, None, (7.61, 4.92)),
        ("cifar100", "CIFAR-100", "ResNet-164", 164, None, (25.16, 24.33)),
        ("cifar100", "CIFAR-100", "ResNet-1001", 1001, None, (27.82, 22.71)))
    for unit, activation, error in zip(("baseline unit", "pre-activation unit"), ("original", "preact"), errors)]
TABLE4 = [  # P2: the ResNets among the state of the art
    Row("CIFAR-10, ResNet-110 [1]", "1.7M", ORIGINAL110, 6.61),
    Row("CIFAR-10, ResNet-1202 [1]", "19.4M", experiment(1202), 7.93),
    Row("CIFAR-10, ResNet-164 [ours]", "1.7M", experiment(164, "preact"), 5.46),
    Row("CIFAR-10, ResNet-1001 [ours]", "10.2M", experiment(1001, "preact"), 4.92),
    Row("CIFAR-10, ResNet-1001 [ours]", "10.2M, batch 64", experiment(1001, "preact", options="--batch-size 64"), 4.62),
    Row("CIFAR-100, ResNet-164 [1]", "1.7M", experiment(164, dataset="cifar100"), 25.16),
    Row("CIFAR-100, ResNet-1001 [1]", "10.2M", experiment(1001, dataset="cifar100"), 27.82),
    Row("CIFAR-100, ResNet-164 [ours]", "1.7M", experiment(164, "preact", dataset="cifar100"), 24.33),
    Row("CIFAR-100, ResNet-1001 [ours]", "10.2M", experiment(1001, "preact", dataset="cifar100"), 22.71),
]
TABLE5 = [  # P2: ImageNet, single crop, top-1
    Row(f"ResNet-{depth}, {unit}", f"crop {crop}" + ", scale + aspect ratio" * bool(options),
        experiment(depth, activation, dataset="imagenet", options=options), error, crop)
    for depth, unit, activation, crop, options, error in (
        (152, "original", "original", "224", "", 23.0), (152, "original", "original", "320", "", 21.3),
        (152, "pre-activation", "preact", "320", "", 21.1), (200, "original", "original", "320", "", 21.8),
        (200, "pre-activation", "preact", "320", "", 20.7),
        (200, "pre-activation", "preact", "320", "--augmentation aspect", 20.1))]
TABLES = {"table1": TABLE1, "table2": TABLE2, "table3": TABLE3, "table4": TABLE4, "table5": TABLE5}

# P2 3.1: b_g is searched on 5,000 of the training images that are held out; the best is trained again on all.
GATE_BIAS_SEARCH = [experiment(110, shortcut="exclusive_gating", options="--validation", **({} if bias == -6 else {"bias": bias}))
                    for bias in range(0, -11, -1)]
SEARCH = "gate-bias-search"

# A curve: an experiment, and what curves.csv calls the paper's own (paper, figure, curve).
Curve = namedtuple("Curve", "experiment paper")
P1, P2 = "1512.03385", "1603.05027"


def _panel(figure, variant, original=ORIGINAL110, words=("original", "variant")):
    return [Curve(original, (P2, figure, words[0])), Curve(variant, (P2, figure, words[1]))]


FIGURES = {  # name: [(title of a panel, curves)]
    "figure1": [("ResNet-1001", _panel("Fig1_right", experiment(1001, "preact"), experiment(1001),
                                       ("original", "pre-act(proposed)")))],
    "figure3": [("(a) constant scaling", _panel("Fig3a", experiment(110, shortcut="constant_scaling"))),
                ("(b) exclusive gating", _panel("Fig3b", experiment(110, shortcut="exclusive_gating"))),
                ("(c) shortcut-only gating", _panel("Fig3c", experiment(110, shortcut="shortcut_only_gating", bias=0))),
                ("(d) 1x1 convolution", _panel("Fig3d", experiment(110, shortcut="convolution")))],
    "figure6": [("ResNet-110", _panel("Fig6_left", experiment(110, "bn_after_addition"), words=("original", "BN after add"))),
                ("ResNet-164", _panel("Fig6_right", experiment(164, "preact"), experiment(164),
                                      ("original", "pre-act(proposed)")))],
    # 1512.03385, Figure 6: what residual learning is for
    "degradation": [("plain", [Curve(experiment(depth, shortcut="plain"), (P1, "Fig6L plain", str(depth))) for depth in (20, 56)]),
                    ("residual", [Curve(experiment(depth), (P1, "Fig6M resnet", str(depth))) for depth in (20, 56)])],
}


def experiments_of(name):
    """The experiments of a table, a figure or the search, each once, in its order. Raises UserError if there is no such name."""
    if name in TABLES:
        found = [row.experiment for row in TABLES[name]]
    elif name in FIGURES:
        found = [curve.experiment for _, curves in FIGURES[name] for curve in curves]
    elif name == SEARCH:
        found = GATE_BIAS_SEARCH
    elif name == "summary":
        found = [row.experiment for row in TABLE1 + TABLE2]
    else:
        raise UserError(f"the papers' '{name}' is not here: there are {', '.join([*TABLES, *FIGURES, SEARCH])}")
    return [each for i, each in enumerate(found) if each is not None and each not in found[:i]]


def scale_options(scale):
    """The options of a scale as words. Raises UserError if there is no such scale."""
    if scale not in SCALES:
        raise UserError(f"SCALE={scale}: there are {', '.join(SCALES)}")
    return SCALES[scale].options.split()


def takes_bfloat16(scale):
    """Whether runs in bfloat16 count at a scale beside those in float32."""
    return "fast" in scale_options(scale)


def depths_note(scale, name=None):
    """'56 layers for the paper's 110, 83 for 164': what a scale has for the paper's depths, or for those of a table or figure."""
    used = {each.depth for each in experiments_of(name)} if name else SCALES[scale].depths
    words = [f"{here} for {paper}" for paper, here in SCALES[scale].depths.items() if paper in used]
    return ", ".join(words).replace(" for ", " layers for the paper's ", 1)


def make(name, scale):
    """What one types for a table or figure."""
    return f"make {name}" + ("" if scale == "full" else f" SCALE={scale}")


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "scale":
        raise UserError("usage: python experiments.py scale " + "|".join(SCALES))
    print(" ".join(scale_options(sys.argv[2])))


if __name__ == "__main__":
    run(main)
