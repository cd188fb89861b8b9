"""The variants and depths that exist, and the names of networks. Does not import MXNet."""

import re
from pathlib import Path

from common.errors import UserError

FOLDER = Path(__file__).resolve().parent

# A depth of the papers implies the kind of unit; other depths that fit two kinds need --unit.
PAPER_UNIT = {
    **dict.fromkeys((20, 32, 44, 56, 110, 1202), "basic"),
    **dict.fromkeys((164, 1001), "bottleneck"),
}
# Channels of each stage's 3x3 layers (1512.03385, section 4.2 and Table 1); a bottleneck ends in
# four times as many.
WIDTHS = {"cifar": (16, 32, 64), "imagenet": (64, 128, 256, 512)}
DEFAULT_DEPTH = {"cifar": 110, "imagenet": 200}
IMAGE_SIZE = {"cifar": 32, "imagenet": 224}
# How a unit changes dimensions: zero padding, projection, zero padding of the pre-activation.
OPTIONS = ("A", "B", "A-preactivated")
BOTTLENECK_STRIDES = ("1x1", "3x3")  # the strided layer
# The weighted layers of a unit: kernel, and channels as a fraction of the unit's output.
WEIGHTS = {"basic": [(3, 1), (3, 1)], "bottleneck": [(1, 4), (3, 4), (1, 1)], "one_layer": [(3, 1)]}
# The number of weighted layers of a unit. Three stages of n units, conv1 and the classifier make
# 6n+2, 9n+2 or (one_layer, Table 3) 3n+2 layers.
LAYERS = {kind: len(weights) for kind, weights in WEIGHTS.items()}
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


def family(dataset):
    """Return the family of a data set's networks: imagenet, or cifar for all others."""
    return "imagenet" if dataset == "imagenet" else "cifar"


def check_choice(kind, name, choices):
    """Raise UserError unless a name is one of the choices."""
    if name not in choices:
        raise UserError(f"no {kind} is called '{name}': choose from {', '.join(choices)}")


def variants(folder):
    """Return the variants in symbols/<folder>/: the files with valid names."""
    stems = [path.stem for path in (FOLDER / folder).glob("*.py")]
    return sorted(filter(VARIANT.fullmatch, stems))


def check_variant(folder, name):
    """Raise UserError unless symbols/<folder>/<name>.py exists and has a valid name."""
    if name in variants(folder):
        return
    if (FOLDER / folder / f"{name}.py").exists():
        raise UserError(
            f"symbols/{folder}/{name}.py: a variant's name has small letters, digits and _, and "
            "ends in a letter, because the depth follows it; rename the file"
        )
    raise UserError(
        f"no {folder[:-1]} is called '{name}': there are {', '.join(variants(folder))} "
        f"(a new file symbols/{folder}/{name}.py would add it)"
    )


def implied_unit(depth):
    """Return the kind of unit that a depth implies, or None.

    A depth of the papers implies the papers' kind. Another depth implies basic or bottleneck if
    only one of them fits.
    """
    fitting = [kind for kind in ("basic", "bottleneck") if _fits(depth, kind)]
    return PAPER_UNIT.get(depth) or (fitting[0] if len(fitting) == 1 else None)


def _fits(depth, kind):
    return depth > 2 and (depth - 2) % (3 * LAYERS[kind]) == 0


def stages(depth, unit=None, family="cifar"):
    """Return (kind of unit, units in each stage) of a network with that many weighted layers.

    family: cifar (three stages) or imagenet (four). unit: basic, bottleneck or one_layer, by
    default the paper's. Raises UserError for a depth that does not exist or is ambiguous.
    """
    check_choice("family", family, WIDTHS)
    check_choice("unit", unit or "basic", LAYERS)
    if family == "imagenet":
        return _imagenet_stages(depth, unit)
    kinds = [unit] if unit else ["basic", "bottleneck"]
    unit = unit or implied_unit(depth)
    if unit and _fits(depth, unit):
        return unit, ((depth - 2) // (3 * LAYERS[unit]),) * 3
    if all(_fits(depth, kind) for kind in kinds):
        raise UserError(
            f"depth {depth} is both 6n+2 and 9n+2: use --unit basic or --unit bottleneck (make: "
            "UNIT=basic or UNIT=bottleneck)"
        )
    rules = ", ".join(_rule(kind, depth) for kind in kinds)
    raise UserError(f"no network has {depth} layers: {rules}")


def _imagenet_stages(depth, unit):
    if depth not in IMAGENET:
        depths = ", ".join(map(str, IMAGENET))
        raise UserError(f"no ImageNet network has {depth} layers: there are {depths}")
    kind, _ = IMAGENET[depth]
    if unit not in (None, kind):
        raise UserError(
            f"the ImageNet network of {depth} layers has {kind} units: leave out --unit"
        )
    return IMAGENET[depth]


def _rule(kind, depth):
    """Return the depths that a kind of unit makes, and those that are nearest to a depth."""
    step = 3 * LAYERS[kind]
    below = max(1, (depth - 2) // step) * step + 2
    return f"{kind} units make {step}n+2 (nearest: {below} and {below + step})"


def parse(network):
    """Convert '[activation-][shortcut]depth' to (activation, shortcut, depth).

    A single name is an activation or a shortcut. Raises UserError for an invalid name.
    """
    match = re.fullmatch(r"(?:([a-z][a-z0-9_]*)-)?([a-z](?:[a-z0-9_]*[a-z_])?)?([0-9]+)", network)
    if not match:
        raise UserError(
            f"'{network}' names no network: write [activation-][shortcut]depth, for example "
            "preact1001, exclusive_gating110 or preact-constant_scaling110"
        )
    activation, name, depth = match.groups()
    if name and not activation:
        kinds = [kind for kind in ("activations", "shortcuts") if name in variants(kind)]
        if len(kinds) == 2:
            raise UserError(
                f"'{name}' is both an activation and a shortcut: write {name}-identity{depth} or "
                f"original-{name}{depth}"
            )
        if not kinds:
            raise UserError(
                f"'{name}' is neither an activation ({', '.join(variants('activations'))}) nor a "
                f"shortcut ({', '.join(variants('shortcuts'))})"
            )
        if kinds == ["activations"]:
            activation, name = name, None
    activation = activation or "original"
    shortcut = name or "identity"
    check_variant("activations", activation)
    check_variant("shortcuts", shortcut)
    return activation, shortcut, int(depth)


def name(activation, shortcut, depth):
    """Return the short name of a network: what parse() reads."""
    names = (activation, "original"), (shortcut, "identity")
    unusual = [variant for variant, default in names if variant != default]
    if unusual and all(unusual[0] in variants(kind) for kind in ("activations", "shortcuts")):
        unusual = [activation, shortcut]  # one of them alone would name two networks
    return "-".join(unusual or ["original"]) + str(depth)


def default_option(unit):
    """Return how a unit changes dimensions: A (P1 4.2), bottlenecks B (P2 appendix)."""
    return "B" if unit == "bottleneck" else "A"


def write_constants(values):
    """Convert {"bias": -7.0} to 'bias=-7', as on the command line."""
    return ",".join(f"{key}={value:g}" for key, value in values.items())


def run_name(
    dataset, activation, shortcut, depth, unit, constants, activation_constants=None, widths=None
):
    """Return the folder of a network's runs, for example cifar10-exclusive_gating110-bias=-7.

    constants, activation_constants: those of the shortcut and of the activation that differ from
    their files' defaults. widths: of the stages, or None for the papers'.
    """
    parts = [dataset, name(activation, shortcut, depth)]
    if dataset != "imagenet" and unit != implied_unit(depth):
        parts.append(unit)
    if widths:
        parts.append(f"widths={','.join(map(str, widths))}")
    for values in (activation_constants or {}, constants):
        parts += [write_constants({key: value}) for key, value in sorted(values.items())]
    return "-".join(parts)


def stage_widths(widths, family):
    """Return the channels of each stage's 3x3 layers. widths: None for the papers'.

    Raises UserError for a wrong number of stages.
    """
    papers = WIDTHS[family]
    if widths is not None and len(widths) != len(papers):
        raise UserError(
            f"--widths {','.join(map(str, widths))}: {family} has {len(papers)} stages, as "
            f"{','.join(map(str, papers))}"
        )
    return papers if widths is None else tuple(widths)
