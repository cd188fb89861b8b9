"""One network of the papers with its recipe: its name, its command, and its settings at a scale."""

from collections import namedtuple
from dataclasses import replace

from common.command import option_name
from common.files import run_place
from symbols import names
from training.recipe import INTERVALS, imagenet_recipe

from .scales import SCALES

ILSVRC_IMAGES = 1281167  # in its training set
# Options that may differ. micro_batch: the papers also process a batch in parts.
FREE = ("seed", *INTERVALS, "micro_batch")


class Experiment(
    namedtuple("Experiment", "dataset activation shortcut depth unit constants changes")
):
    """A network, and what its row changes of the recipe.

    constants: of the shortcut, where they are not the default. changes: {field of the recipe:
    value}.
    """

    def at(self, scale):
        """Return the experiment with a scale's depth, and only changes that differ from its recipe."""
        if self.dataset == "imagenet":  # scales are of CIFAR
            return self
        base = SCALES[scale].recipe
        depth = SCALES[scale].depths.get(self.depth, self.depth)
        changes = {key: value for key, value in self.changes.items() if getattr(base, key) != value}
        return self._replace(depth=depth, changes=changes)

    @property
    def run_name(self):
        """The name in config.json: data set, network, unit, constants."""
        parts = (self.activation, self.shortcut, self.depth, self.unit, self.constants)
        return names.run_name(self.dataset, *parts)

    @property
    def short_name(self):
        """The name of the network in a make target, without the data set."""
        return names.name(self.activation, self.shortcut, self.depth)

    @property
    def folder_name(self):
        """The folder of its runs in runs/<scale>/ or results/<scale>/: network and changes."""
        # --validation -> validation, --batch-size 64 -> batch-size=64
        changes = [option[2:].replace(" ", "=") for option in self._changed_options()]
        return "-".join([self.run_name, *changes])

    @property
    def command(self):
        """Options of train_cifar.py, or of train_imagenet.py."""
        options = [self.short_name]
        if self.dataset != "imagenet":
            options += ["--dataset", self.dataset, "--unit", self.unit]
        if self.constants:
            options += ["--shortcut-args", names.write_constants(self.constants)]
        return [*options, *" ".join(self._changed_options()).split()]

    def _changed_options(self):
        """Return ["--batch-size 64", "--validation"]: the changes as options."""
        options = []
        for name, value in self.changes.items():
            option = option_name(name)
            options.append(option if value is True else f"{option} {value}")
        return options

    def settings(self, scale):
        """Return {option: value} that config.json of a run must have to count at a scale."""
        base = SCALES[scale].recipe
        if self.dataset == "imagenet":
            base = imagenet_recipe(ILSVRC_IMAGES)
        settings = replace(base, **self.changes).settings()
        for option in FREE:
            del settings[option]
        return {
            **settings,
            "steps": list(settings["steps"]),
            "option": names.default_option(self.unit),
            "bottleneck_stride": "1x1",
        }

    def target(self, scale="full"):
        """Return the command, as make cifar10-exclusive_gating110 SHORTCUT_ARGS=bias=-7."""
        if self != self.at(scale):
            return self.at(scale).target(scale)
        parts = ["make", f"{self.dataset}-{self.short_name}"]
        if self.unit != names.implied_unit(self.depth) and self.dataset != "imagenet":
            parts.append(f"UNIT={self.unit}")
        if self.constants:
            parts.append(f"SHORTCUT_ARGS={names.write_constants(self.constants)}")
        if self.changes:
            options = " ".join(self._changed_options())
            place = run_place(scale, self.folder_name, 0)
            parts.append(f"ARGS='{options}' OUTPUT=runs/{place}")
        if scale != "full" and self.dataset != "imagenet":
            parts.append(f"SCALE={scale}")
        return " ".join(parts)


def cifar10(
    depth,
    activation="original",
    shortcut="identity",
    unit=None,
    changes=None,
    **constants,
):
    """Return an Experiment on CIFAR-10. unit: by default the paper's for this depth."""
    unit = unit or names.PAPER_UNIT[depth]
    return Experiment("cifar10", activation, shortcut, depth, unit, constants, changes or {})


def cifar100(depth, activation="original"):
    """Return an Experiment on CIFAR-100."""
    return cifar10(depth, activation)._replace(dataset="cifar100")


def imagenet(depth, activation="original", **changes):
    """Return an Experiment on ImageNet."""
    unit, _ = names.IMAGENET[depth]
    return Experiment("imagenet", activation, "identity", depth, unit, {}, changes)
