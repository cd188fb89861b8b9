"""The papers' recipe as one frozen object. Options, config.json, scales and the rows of tables
follow from it. Needs no MXNet.

P1 is 1512.03385, P2 is 1603.05027. docs/DEVIATIONS.md explains the choices that neither paper specifies.
"""

import math
from dataclasses import asdict, dataclass, field, replace

from common.command import FLOAT32, folder, option_name
from common.errors import UserError

LARGEST = 10**12  # of iterations, images or pixels
DTYPES = ("float32", "float16", "bfloat16")
INTERVALS = ("log_every", "test_every")  # they do not change the training


def paper(value, meaning, source, group="recipe", **option):
    """Return a field: the papers' value for CIFAR, its meaning, its source, and its group of options.

    option: further arguments of argparse's add_argument.
    """
    return field(
        default=value,
        metadata={"meaning": meaning, "source": source, "group": group, "option": option},
    )


def iteration_numbers(text):
    """Convert '32000,48000' to (32000, 48000), and '' to ()."""
    return tuple(map(int, text.split(","))) if text else ()


def path_text(text):
    """Return the path of a file or folder as text, as config.json stores it."""
    return str(folder(text))


@dataclass(frozen=True)
class Recipe:
    """What a network is trained on, and how.

    Learning rates are per batch, iterations count from 1, sizes are in pixels. Raises UserError for
    impossible values.
    """

    # fmt: off
    image_size: int = paper(
        32, "side of the training images (CIFAR: 32, 16, 8 or 4, by block averaging)",
        "P1 4.2; ImageNet 224: P1 3.4", "data")
    augmentation: str = paper(
        "crop", "random changes of training images",
        "P1 4.2; ImageNet: P1 3.4, and P2 Table 5, scale + aspect ratio", "data")
    input: str = paper(
        "mean", "mean: the mean image is subtracted; raw: pixels from 0 to 255", "P1 4.2", "cifar",
        choices=("mean", "raw"))
    validation: bool = paper(
        False, "hold out a tenth of the training set and test on it", "45k/5k: P1 4.2", "cifar")
    iterations: int = paper(
        64000, "length of the run; the schedule scales in proportion",
        "P1 4.2; ImageNet 120 epochs: P1 3.4")
    batch_size: int = paper(
        128, "images in a batch, over all devices",
        "P2 appendix; 64 in Table 4's best row; ImageNet: 256")
    learning_rate: float = paper(0.1, "after the warm-up", "P2 appendix")
    steps: tuple = paper(
        (32000, 48000), "the learning rate is divided by 10 after these iterations",
        "P2 appendix; ImageNet: epochs 30 and 60", type=iteration_numbers, metavar="N,N")
    warmup_iterations: int = paper(
        400, "iterations with the warm-up's learning rate", "P2 appendix; ImageNet: none")
    warmup_learning_rate: float = paper(
        0.01, "learning rate of the warm-up; --learning-rate, if that is lower", "P2 appendix")
    optimizer: str = paper(
        "sgd", "sgd, with momentum; adam, with beta1 0.9 and beta2 0.99 (used by train_notes.py)",
        "P2 appendix", choices=("sgd", "adam"))
    momentum: float = paper(0.9, "SGD's momentum", "P2 appendix")
    nesterov: bool = paper(
        False, "Nesterov's momentum, as in the authors' Torch code", "not in the papers")
    weight_decay: float = paper(1e-4, "weight decay", "P2 appendix")
    decay: str = paper(
        "weights", "which parameters decay: weights, or all with BN and biases",
        "docs/DEVIATIONS.md", choices=("weights", "all"))
    init_fan: str = paper(
        "in", "He's initialization by fan-in (Caffe) or fan-out (Torch)", "He et al. 2015",
        choices=("in", "out"))
    dtype: str = paper(
        "float32", "type inside the network; the optimizer's weights are float32. float16: on "
        "GPUs, with SGD; bfloat16: on CPUs with AVX512-BF16; fast: bfloat16 where it is faster, "
        "else float32",
        "Caffe", choices=(*DTYPES, "fast"))
    micro_batch: int = paper(
        None, "process a batch in parts of this many images, each with its own BN, to save memory",
        "P2 appendix: two parts of 64")
    initial: str = paper(
        None, "start from the weights of a run, a checkpoint or a .params file of this network; "
        "the classes may differ", "not in the papers", type=path_text, metavar="RUN|FILE")
    freeze: str = paper(
        None, "keep these layers of --initial unchanged: names, or their beginnings up to an "
        "underscore, with commas, e.g. conv1,bn1,stage1_unit1; all: all but the classifier", "not in the papers", metavar="LAYERS")
    seed: int = paper(
        0, "seed of initial weights, order, crops, flips and dropout", "not in the papers")
    log_every: int = paper(100, "iterations between two rows of the log", "P2 Figures 1, 3, 6")
    test_every: int = paper(2000, "iterations between two test errors", "P2 Figures 1, 3, 6")
    # fmt: on

    def __post_init__(self):
        for name in ("iterations", "batch_size", *INTERVALS, "image_size"):
            self._check(
                name, 1 <= getattr(self, name) < LARGEST, f"must be from 1 to {LARGEST - 1:,}"
            )
        numbers = ("learning_rate", "warmup_learning_rate", "momentum", "weight_decay")
        for name in (*numbers, "warmup_iterations"):
            valid = 0 <= getattr(self, name) <= FLOAT32
            self._check(name, valid, f"must be from 0 to {FLOAT32:.2g}, the largest float32")
        if min(self.steps, default=0) < 0:
            steps = ",".join(map(str, self.steps))
            raise UserError(f"--steps {steps}: iterations count from 1; use positive numbers")
        self._check("nesterov", self.momentum or not self.nesterov, "needs a --momentum above 0")
        is_used = self.weight_decay or self.decay == "weights"
        self._check("decay", is_used, "needs a --weight-decay above 0")
        if self.optimizer == "adam":
            rule = "works only with --optimizer sgd"
            self._check("nesterov", not self.nesterov, rule)
            self._check("momentum", self.momentum == 0.9, rule)  # the default has no effect
            self._check("dtype", self.dtype != "float16", rule)
        if self.freeze and not self.initial:
            raise UserError(
                f"--freeze {self.freeze} would keep random weights; name trained weights: "
                "--initial (make: INITIAL=)"
            )
        self._check("seed", 0 <= self.seed < 2**31, f"must be from 0 to {2**31 - 1}")

    def _check(self, name, valid, rule):
        if not valid:
            raise UserError(f"{option_name(name)} {getattr(self, name)}: {rule}")

    def lasting(self, iterations, **changes):
        """Return the recipe for a number of iterations, its schedule scaled in proportion.

        changes: {field: value} that replace values afterwards.
        """
        schedule = self._schedule(iterations) if iterations != self.iterations else {}
        return replace(self, iterations=iterations, **{**schedule, **changes})

    def _schedule(self, iterations):
        def share(count):
            return round(count * iterations / self.iterations)

        # a short run still has enough points for a curve
        log_every = min(self.log_every, max(1, iterations // 20))
        test_every = max(share(self.test_every), min(200, iterations))
        return {
            "steps": tuple(share(step) for step in self.steps),
            "warmup_iterations": share(self.warmup_iterations),
            "log_every": log_every,
            "test_every": math.ceil(test_every / log_every) * log_every,
        }

    def settings(self):
        """Return {name: value} for config.json."""
        return asdict(self)


CIFAR = Recipe()
EPOCHS = 120  # of ImageNet, P1 3.4: "up to 60x10^4 iterations", of which 5,000 are an epoch
IMAGENET = Recipe(
    image_size=224,
    augmentation="scale",
    iterations=600000,
    batch_size=256,
    steps=(150000, 300000),
    warmup_iterations=0,
    test_every=5000,
)


def imagenet_recipe(image_count, batch_size=IMAGENET.batch_size):
    """Return the recipe for EPOCHS epochs of a number of training images."""
    return IMAGENET.lasting(max(1, round(EPOCHS * image_count / batch_size)))
