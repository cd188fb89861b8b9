"""The variants and depths that exist, and the names of networks. Does not import MXNet."""

import re
from pathlib import Path

from common.errors import UserError

FOLDER = Path(__file__).resolve().parent

# The papers' depths name their unit; another depth that fits two kinds of unit needs --unit.
PAPER_UNIT = {
    20: "basic",
    32: "basic",
    44: "basic",
    56: "basic",
    110: "basic",
    1202: "basic",
    164: "bottleneck",
    1001: "bottleneck",
}
# Channels of each stage's 3x3 layers (1512.03385, section 4.2 and Table 1); a bottleneck ends in
# four times as many.
WIDTHS = {"cifar": (16, 32, 64), "imagenet": (64, 128, 256, 512)}
# How a unit changes dimensions: zero padding, projection, zero padding of the pre-activation.
OPTIONS = ("A", "B", "A-preactivated")
BOTTLENECK_STRIDES = ("1x1", "3x3")  # the layer that has it
# Weighted layers of one unit. Three stages of n units, conv1 and the classifier make 6n+2, 9n+2 or
# (Table 3) 3n+2 layers.
LAYERS = {"basic": 2, "bottleneck": 3, "one_layer": 1}
# 1512.03385 Table 1; 200 is 1603.05027, footnote 3.
IMAGENET = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
    200: ("bottleneck", (3, 24, 36, 3)),
}
# A variant's name. It ends in a letter, because the depth follows it; "-" separates two names.
VARIANT = re.compile(r"[a-z]([a-z0-9_]*[a-z_])?")


def variants(folder):
    """The variants in symbols/<folder>/: the files with valid names."""
    return sorted(
        path.stem for path in (FOLDER / folder).glob("*.py") if VARIANT.fullmatch(path.stem)
    )


def check_variant(folder, name):
    """Raise UserError unless symbols/<folder>/<name>.py exists and has a valid name."""
    if name in variants(folder):
        return
    if name in {path.stem for path in (FOLDER / folder).glob("*.py")}:
        raise UserError(
            f"symbols/{folder}/{name}.py: a variant's name has small letters, digits and _, and "
            "ends in a letter, because the depth follows it; rename the file"
        )
    raise UserError(
        f"no {folder[:-1]} is called '{name}': there are {', '.join(variants(folder))} "
        f"(a new file symbols/{folder}/{name}.py would add it)"
    )


def stages(depth, unit=None, family="cifar"):
    """(kind of unit, units in each stage) of a network with that many weighted layers.

    family: cifar (three stages) or imagenet (four). unit: basic, bottleneck or one_layer, by
    default the paper's. Raises UserError for a depth that does not exist or is ambiguous.
    """
    if unit is not None and unit not in LAYERS:
        raise UserError(f"no unit is called '{unit}': there are {', '.join(LAYERS)}")
    if family == "imagenet":
        return _imagenet_stages(depth, unit)
    if family != "cifar":
        raise UserError(f"no family of networks is called '{family}': there are cifar, imagenet")
    kinds = [unit or PAPER_UNIT.get(depth)]
    if kinds == [None]:
        kinds = ["basic", "bottleneck"]
    fitting = [kind for kind in kinds if depth > 2 and (depth - 2) % (3 * LAYERS[kind]) == 0]
    if len(fitting) > 1:
        raise UserError(
            f"depth {depth} is both 6n+2 and 9n+2: say --unit basic or --unit "
            "bottleneck (make: UNIT=basic or UNIT=bottleneck)"
        )
    if not fitting:
        rules = ", ".join(_rule(kind, depth) for kind in kinds)
        raise UserError(f"no network has {depth} layers: {rules}")
    return fitting[0], ((depth - 2) // (3 * LAYERS[fitting[0]]),) * 3


def _imagenet_stages(depth, unit):
    if depth not in IMAGENET:
        depths = ", ".join(map(str, IMAGENET))
        raise UserError(f"no ImageNet network has {depth} layers: there are {depths}")
    kind, counts = IMAGENET[depth]
    if unit not in (None, kind):
        raise UserError(
            f"the ImageNet network with {depth} layers has {kind} units; leave --unit out"
        )
    return kind, counts


def _rule(kind, depth):
    """The depths that a kind of unit makes, and those that are nearest to a depth."""
    step = 3 * LAYERS[kind]
    below = max(1, (depth - 2) // step)
    nearest = f"nearest: {below * step + 2} and {(below + 1) * step + 2}"
    return f"{kind} units make {step}n+2 ({nearest})"


def parse(network):
    """'[activation-][shortcut]depth' -> (activation, shortcut, depth).

    A single name is an activation or a shortcut. Raises UserError for an invalid name.
    """
    match = re.fullmatch(r"(?:([a-z][a-z0-9_]*)-)?([a-z](?:[a-z0-9_]*[a-z_])?)?([0-9]+)", network)
    if not match:
        raise UserError(
            f"'{network}' names no network: write [activation-][shortcut]depth, "
            "for example preact1001, exclusive_gating110 or preact-constant_scaling110"
        )
    activation, name, depth = match.groups()
    if activation is None and name in variants("activations"):
        if name in variants("shortcuts"):
            raise UserError(
                f"'{name}' is both an activation and a shortcut: write "
                f"{name}-identity{depth} or original-{name}{depth}"
            )
        activation, name = name, None
    if activation is None and name and name not in variants("shortcuts"):
        raise UserError(
            f"'{name}' is neither an activation ({', '.join(variants('activations'))}) "
            f"nor a shortcut ({', '.join(variants('shortcuts'))})"
        )
    activation, shortcut = activation or "original", name or "identity"
    check_variant("activations", activation)
    check_variant("shortcuts", shortcut)
    return activation, shortcut, int(depth)


def name(activation, shortcut, depth):
    """The short name of a network: what parse() reads."""
    if activation == "original":
        return f"{'original' if shortcut == 'identity' else shortcut}{depth}"
    return f"{activation}{'' if shortcut == 'identity' else '-' + shortcut}{depth}"


def default_option(unit):
    """How a unit changes dimensions: A (1512.03385, section 4.2), bottlenecks B (1603.05027)."""
    return "B" if unit == "bottleneck" else "A"


def check_options(option, bottleneck_stride):
    """Raise UserError for an unknown option or stride of a bottleneck."""
    if option not in OPTIONS:
        raise UserError(f"no option is called '{option}': there are {', '.join(OPTIONS)}")
    if bottleneck_stride not in BOTTLENECK_STRIDES:
        raise UserError(
            f"a bottleneck has its stride in its first 1x1 or its 3x3, not in '{bottleneck_stride}'"
        )


def constants(values):
    """{"bias": -7.0} -> 'bias=-7', as on the command line."""
    return ",".join(f"{key}={value:g}" for key, value in values.items())


def run_name(
    dataset, activation, shortcut, depth, unit, constants, activation_constants=None, widths=None
):
    """The folder of a network's runs, for example cifar10-exclusive_gating110-bias=-7.

    constants, activation_constants: those of the shortcut and of the activation that differ from
    their files' defaults. widths: of the stages, or None for the papers'.
    """
    parts = [dataset, name(activation, shortcut, depth)]
    if unit != PAPER_UNIT.get(depth, unit):
        parts.append(unit)
    if widths:
        parts.append(f"widths={','.join(map(str, widths))}")
    for values in (activation_constants or {}, constants):
        parts += [f"{key}={value:g}" for key, value in sorted(values.items())]
    return "-".join(parts)


def stage_widths(widths, family):
    """The channels of each stage's 3x3 layers. widths: None for the papers'.

    Raises UserError for a wrong number of stages.
    """
    if widths is None:
        return WIDTHS[family]
    if len(widths) != len(WIDTHS[family]):
        raise UserError(
            f"--widths {','.join(map(str, widths))}: {family} has "
            f"{len(WIDTHS[family])} stages, as {','.join(map(str, WIDTHS[family]))}"
        )
    return tuple(widths)
