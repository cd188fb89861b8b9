"""One network of the papers, as it is trained: what it is called, its recipe at a scale, what one
types for it.
"""

from collections import namedtuple
from dataclasses import replace

from symbols import names
from training.recipe import IMAGENET

from .scales import scale_named

ILSVRC_ITERATIONS = 600547  # 120 epochs of its 1,281,167 training pictures, in batches of 256
FREE = (
    "seed",
    "log_every",
    "test_every",
    "micro_batch",
)  # of these a row demands nothing: the papers' own batch is in parts


class Experiment(
    namedtuple("Experiment", "dataset activation shortcut depth unit constants changes")
):
    """One network and what its row changes of the recipe.

    constants: of the shortcut, where they are not the default. changes: {option: value} of the
    recipe.
    """

    def at(self, scale):
        """The experiment that stands for this one at a scale: of the depth that the scale has for
        it.
        """
        return self._replace(depth=scale_named(scale).depths.get(self.depth, self.depth))

    @property
    def network(self):
        """What train_cifar.py calls it: data set, activation, shortcut and its constants, depth,
        unit.
        """
        return names.run_name(
            self.dataset, self.activation, self.shortcut, self.depth, self.unit, self.constants
        )

    @property
    def name(self):
        """Folder of its runs below runs/<scale>/ or results/<scale>/: the network, and the changes
        of its row.
        """
        changes = [
            option if value is True else f"{option}={value}"
            for option, value in _options(self.changes)
        ]
        return "-".join([self.network, *changes])

    @property
    def command(self):
        """Options of train_cifar.py, or of train_imagenet.py."""
        words = [names.name(self.activation, self.shortcut, self.depth)]
        if self.dataset != "imagenet":
            words += ["--dataset", self.dataset, "--unit", self.unit]
        if self.constants:
            words += ["--shortcut-args", names.constants(self.constants)]
        return [*words, *self._changed_options()]

    def _changed_options(self):
        words = []
        for option, value in _options(self.changes):
            words += [f"--{option}"] if value is True else [f"--{option}", str(value)]
        return words

    def recipe(self, scale):
        """What it is trained by at a scale."""
        recipe = (
            IMAGENET.lasting(ILSVRC_ITERATIONS)
            if self.dataset == "imagenet"
            else scale_named(scale).recipe
        )
        return replace(recipe, **self.changes)

    def settings(self, scale):
        """{option: value} of config.json that a run of this experiment at a scale must have to
        count for it.
        """
        recipe = self.recipe(scale).settings()
        for option in FREE:
            del recipe[option]
        return {
            **recipe,
            "steps": list(recipe["steps"]),
            "option": names.default_option(self.unit),
            "bottleneck_stride": "1x1",
        }

    def target(self, scale="full"):
        """What one types: make cifar10-exclusive_gating110 SHORTCUT_ARGS=bias=-7 SCALE=pocket"""
        if self != self.at(scale):
            return self.at(scale).target(scale)
        words = ["make", f"{self.dataset}-{names.name(self.activation, self.shortcut, self.depth)}"]
        if self.unit != names.PAPER_UNIT.get(self.depth) and self.dataset != "imagenet":
            words.append(f"UNIT={self.unit}")
        if self.constants:
            words.append(f"SHORTCUT_ARGS={names.constants(self.constants)}")
        if self.changes:
            words.append(
                f"ARGS='{' '.join(self._changed_options())}' OUTPUT=runs/{scale}/{self.name}/seed0"
            )
        if scale != "full" and self.dataset != "imagenet":
            words.append(f"SCALE={scale}")
        return " ".join(words)


def _options(changes):
    """[(option as it is typed, value)] of {field of the recipe: value}"""
    return [(name.replace("_", "-"), value) for name, value in changes.items()]


def experiment(
    depth,
    activation="original",
    shortcut="identity",
    dataset="cifar10",
    unit=None,
    changes=None,
    **constants,
):
    if unit is None:
        unit = names.IMAGENET[depth][0] if dataset == "imagenet" else names.PAPER_UNIT[depth]
    return Experiment(dataset, activation, shortcut, depth, unit, constants, changes or {})


def cifar100(depth, activation="original"):
    return experiment(depth, activation, dataset="cifar100")


def imagenet(depth, activation="original", **changes):
    return experiment(depth, activation, dataset="imagenet", changes=changes)
