"""A network on the command line: its options, what follows from them, and the symbol. Answers without MXNet until then."""
import math

from common.errors import UserError
from common.files import RESULTS

from . import OPTIONS, get_symbol, names, shortcut_constants


def of_network(add):
    add("--activation", default="original", help=f"Figure 4: {', '.join(names.variants('activations'))} (original)")
    add("--shortcut", default="identity", help=f"Figure 2: {', '.join(names.variants('shortcuts'))} (identity)")
    add("--shortcut-args", default="", metavar="K=V,...", help="constants of the shortcut, as bias=-7")
    add("--option", choices=OPTIONS, help="where dimensions change: A zero padding (basic: P1 4.2), "
        "B projection (bottleneck: P2 appendix); A-preactivated as fb.resnet.torch")
    add("--bottleneck-stride", choices=("1x1", "3x3"), default="1x1", help="which layer has the stride (1x1: the authors' code)")


def complete(arguments, family):
    """Fill in what follows from the options of the network, and refuse what cannot be."""
    names.check_variant("activations", arguments.activation)
    names.check_variant("shortcuts", arguments.shortcut)
    arguments.unit, _ = names.stages(arguments.depth, arguments.unit, family)
    arguments.option = arguments.option or names.default_option(arguments.unit)
    arguments.shortcut_args = constants(arguments.shortcut_args)


def network(arguments, classes, family="cifar"):
    """The symbol; fills in the run's name and folder, and the constants of its shortcut."""
    arguments.shortcut_args = shortcut_constants(arguments.shortcut, arguments.shortcut_args)
    defaults = shortcut_constants(arguments.shortcut, {})
    arguments.name = names.run_name(
        arguments.dataset, arguments.activation, arguments.shortcut, arguments.depth, arguments.unit,
        {key: value for key, value in arguments.shortcut_args.items() if value != defaults[key]})
    arguments.output = arguments.output or RESULTS / arguments.scale / arguments.name / f"seed{arguments.seed}"
    return get_symbol(arguments.depth, arguments.activation, arguments.shortcut, arguments.unit, classes, family,
                      shortcut_args=arguments.shortcut_args, option=arguments.option,
                      bottleneck_stride=arguments.bottleneck_stride, dtype=arguments.dtype)


def constants(text):
    """'bias=-7,scale=0.5' -> {"bias": -7.0, "scale": 0.5}"""
    values = {}
    for item in filter(None, text.split(",")):
        key, _, value = item.partition("=")
        try:
            values[key.strip()] = float(value)
            if not math.isfinite(values[key.strip()]):
                raise ValueError
        except ValueError:
            raise UserError(f"--shortcut-args {text}: write numbers by name, as bias=-7 or scale=0.5,residual_scale=1") from None
    return values
