"""A network on the command line and in config.json. Importing this module does not import
MXNet; network() does.
"""

import contextlib
from dataclasses import asdict, dataclass, fields, replace

import symbols
from common.command import FLOAT32, option_name
from common.errors import UserError

from . import names

WIDEST = 65535  # channels


def add_network_options(add):
    """Add the options of a network."""
    activations = ", ".join(names.variants("activations"))
    shortcuts = ", ".join(names.variants("shortcuts"))
    add(
        "network",
        nargs="?",
        metavar="NETWORK",
        help="[activation-][shortcut]depth, e.g. preact1001 or exclusive_gating110; replaces the "
        "next three options",
    )
    add("--activation", help=f"Figure 4: {activations} (original)")
    add("--shortcut", help=f"Figure 2: {shortcuts} (identity)")
    add("--depth", type=int, help=f"weighted layers ({by_family(names.DEFAULT_DEPTH)})")
    values = {"type": read_constants, "default": {}, "metavar": "K=V,..."}
    add("--shortcut-args", **values, help="constants of the shortcut, e.g. bias=-7")
    add("--activation-args", **values, help="constants of the activation, if its file has any")
    add(
        "--widths",
        type=widths,
        metavar="N,N,N",
        help=f"channels of each stage's 3x3 layers ({by_family(names.WIDTHS)}); the stem keeps its "
        "own",
    )
    add(
        "--unit",
        choices=tuple(names.LAYERS),
        help="kind of unit, for depths that the papers do not have; one_layer: Table 3",
    )
    add(
        "--option",
        choices=names.OPTIONS,
        help="shortcut where dimensions change: A, zero padding (default of basic units: P1 4.2); "
        "B, projection (default of bottlenecks: P2 appendix); A-preactivated, zero padding of the "
        "pre-activation, as in fb.resnet.torch",
    )
    add(
        "--bottleneck-stride",
        choices=names.BOTTLENECK_STRIDES,
        default="1x1",
        help="which layer has the stride (1x1: the authors' code)",
    )


@dataclass(frozen=True)
class Network:
    """The options of a network; see get_symbol."""

    depth: int
    activation: str
    shortcut: str
    shortcut_args: dict  # all constants, also those with their defaults
    unit: str
    option: str
    bottleneck_stride: str
    activation_args: dict  # None for an activation without constants
    widths: tuple  # None for the papers'

    def settings(self):
        """Return {name: value} for config.json and get_symbol."""
        return asdict(self)

    def symbol(self, classes, family="cifar", **arguments):
        """Return the symbol. arguments: dtype and image_size, as for get_symbol."""
        return symbols.get_symbol(classes=classes, family=family, **arguments, **self.settings())

    def name(self, dataset):
        """Return the name of its runs: data set, make target, and the constants, widths and unit that
        are not the default."""
        return names.run_name(
            dataset,
            self.activation,
            self.shortcut,
            self.depth,
            self.unit,
            unusual("shortcuts", self.shortcut, self.shortcut_args),
            unusual("activations", self.activation, self.activation_args or {}),
            self.widths,
        )


def unusual(folder, variant, values):
    """Return the constants that differ from the defaults of a variant's file."""
    defaults = symbols.constants(folder, variant, {})
    return {key: value for key, value in values.items() if value != defaults[key]}


def symbol_of(recipe, classes):
    """Return the float32 symbol of a config.json's recipe. Raises KeyError for a missing part."""
    # a recipe of train_notes.py has no unit; that of a user's activation called `notes` has one
    if recipe.get("activation") == "notes" and "unit" not in recipe:
        from . import notes

        return notes.get_symbol(recipe["units"], recipe["widths"], classes)
    if "departure" in recipe:  # analysis/departures.py wrote it
        from . import notes

        units = (recipe["depth"] - 2) // 6
        return notes.get_symbol(units, classes=classes, departures=[recipe["departure"]])
    parts = {part.name: recipe[part.name] for part in fields(Network)}
    family = names.family(recipe["dataset"])
    return Network(**parts).symbol(classes, family, image_size=recipe["image_size"])


def by_family(defaults):
    """Return 'CIFAR 110; ImageNet 200', or 'CIFAR 16,32,64; ImageNet 64,128,256,512'."""
    cifar, imagenet = (
        str(defaults[family]).strip("()").replace(" ", "") for family in ("cifar", "imagenet")
    )
    return f"CIFAR {cifar}; ImageNet {imagenet}"


def network(arguments, family, image_size=None):
    """Return the Network of the command line. family: cifar or imagenet. image_size: by default, the
    papers'.

    Raises UserError for a name or depth that does not exist.
    """
    activation = arguments.activation or "original"
    shortcut = arguments.shortcut or "identity"
    layers = names.DEFAULT_DEPTH[family] if arguments.depth is None else arguments.depth
    if arguments.network:
        for option in ("activation", "shortcut", "depth"):
            if getattr(arguments, option) is not None:
                raise UserError(
                    f"{arguments.network} and --{option} {getattr(arguments, option)} both name "
                    "the network: leave one of them out"
                )
        activation, shortcut, layers = names.parse(arguments.network)
    unit, _ = names.stages(layers, arguments.unit, family)
    if arguments.bottleneck_stride != "1x1" and unit != "bottleneck":
        raise UserError(
            f"--bottleneck-stride {arguments.bottleneck_stride}: this network has {unit} units, no "
            "bottlenecks: leave it out"
        )
    channels = names.stage_widths(arguments.widths, family)
    named = Network(
        layers,
        activation,
        shortcut,
        symbols.constants("shortcuts", shortcut, arguments.shortcut_args),
        unit,
        arguments.option or names.default_option(unit),
        arguments.bottleneck_stride,
        symbols.constants("activations", activation, arguments.activation_args) or None,
        None if channels == names.WIDTHS[family] else channels,
    )
    for words, changes in unusual_parts(named).items():
        if is_same(named, replace(named, **changes), family, image_size):
            raise UserError(f"{words} changes nothing in this network: leave it out")
    padded = replace(named, option="A")
    is_preactivated = named.option == "A-preactivated"
    if is_preactivated and is_same(named, padded, family, image_size):
        raise UserError(
            f"--option {named.option} is option A in {activation} units, which have no "
            "pre-activation: write --option A"
        )
    return named


def unusual_parts(network):
    """Return {option or constant as typed: the Network's field with the default value}."""
    usual = {"option": names.default_option(network.unit), "bottleneck_stride": "1x1"}
    parts = {
        f"{option_name(part)} {getattr(network, part)}": {part: default}
        for part, default in usual.items()
        if getattr(network, part) != default
    }
    for axis in ("shortcut", "activation"):
        variant, values = getattr(network, axis), getattr(network, f"{axis}_args") or {}
        defaults = symbols.constants(f"{axis}s", variant, {})
        for key in unusual(f"{axis}s", variant, values):
            words = f"{option_name(f'{axis}_args')} {names.write_constants({key: values[key]})}"
            parts[words] = {f"{axis}_args": {**values, key: defaults[key]}}
    return parts


def is_same(network, other, family, image_size):
    """Return whether two networks have the same graph.

    Small versions of them are compared first, because they are built faster.
    """
    small = {"depth": 3 * names.LAYERS[network.unit] + 2, "widths": None}
    if graph_text(replace(network, **small)) != graph_text(replace(other, **small)):
        return False
    symbol = network.symbol(2, family, image_size=image_size)
    return symbol.tojson() == graph_text(other, family, image_size)


def graph_text(network, family="cifar", image_size=None):
    """Return a network's graph as text, or None if it cannot be built."""
    with contextlib.suppress(UserError):
        return network.symbol(2, family, image_size=image_size).tojson()
    return None


def typed(arguments, parser, *others):
    """Return the options of a network, and of others, that are not the default."""
    options = ["network", *(field.name for field in fields(Network)), *others]
    return [name for name in options if getattr(arguments, name) != parser.get_default(name)]


def refuse(arguments, parser, name):
    """Raise UserError if an option describes the network although it is already known.

    name: of the weights, for the message.
    """
    for option in typed(arguments, parser, "dataset", "image_size"):
        text = arguments.network if option == "network" else option_name(option)
        raise UserError(f"{text} is for weights without a run, not for {name}: leave it out")


def read_constants(text):
    """Convert 'bias=-7,scale=0.5' to {"bias": -7.0, "scale": 0.5}."""
    try:
        items = [item.split("=") for item in text.split(",") if item]
        values = {key.strip(): float(value) for key, value in items}
    except ValueError:
        items, values = [], {"": float("nan")}
    if len(values) < len(items):
        raise UserError(f"constants {text}: name each one once")
    if not all(abs(value) <= FLOAT32 for value in values.values()):  # false for nan, too
        raise UserError(
            f"constants {text}: write numbers of at most {FLOAT32:.2g} (float32) by name, e.g. "
            "bias=-7 or scale=0.5,residual_scale=1"
        )
    return values


def widths(text):
    """Convert '16,32,64' to (16, 32, 64)."""
    try:
        values = tuple(int(width) for width in text.split(","))
    except ValueError:
        values = (0,)
    if not all(1 <= value <= WIDEST for value in values):
        raise UserError(
            f"--widths {text}: write channels from 1 to {WIDEST:,} with commas between them, e.g. "
            "16,32,64"
        )
    return values
