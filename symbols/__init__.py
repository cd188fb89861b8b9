"""Networks of both papers as MXNet symbols. get_symbol is the one door; a file in shortcuts/ or activations/ is a variant.

A shortcut file (section 3, Figure 2) has

    def join(x, f, unit, constant=number, ...):    # -> symbol: how shortcut x and residual output f meet

and an activation file (section 4, Figure 4) has

    def residual_unit(x, unit):                    # -> symbol: one unit, from its input to its output
    def after_last_unit(x):                        # -> symbol: what the last unit needs before the pooling

where unit is a symbols.resnet.Unit.
"""
import contextlib
import importlib
import inspect
import io
import traceback

from common.errors import UserError

from . import names

CONTRACT = {"join": ("x", "f", "unit"), "residual_unit": ("x", "unit"), "after_last_unit": ("x",)}
OPTIONS = ("A", "B", "A-preactivated")


def get_symbol(depth, activation="original", shortcut="identity", unit=None, classes=None, family="cifar",
               shortcut_args=None, option=None, bottleneck_stride="1x1", dtype=None):
    """The network as a symbol with inputs `data` (batch, 3, height, width) and `softmax_label` (batch,).

    depth, unit        weighted layers and kind of unit; see names.stages
    activation         a file of symbols/activations/, without .py (Table 2)
    shortcut           a file of symbols/shortcuts/ (Table 1); shortcut_args: its constants, as {"bias": -7}
    classes            outputs; by default 10 for CIFAR and 1000 for ImageNet
    family             cifar or imagenet
    option             how a unit changes dimensions: A, B or A-preactivated. By default the papers' choice: A for basic
                       and one-layer units (1512.03385, section 4.2), B for bottlenecks (1603.05027, appendix)
    bottleneck_stride  which of a bottleneck's layers has the stride: 1x1 (the authors), 3x3 (fb.resnet.torch)
    dtype              float16: from the data to the last unit, which MXNet computes on GPUs only. By default, and for
                       bfloat16, to which training converts it, float32

    Raises UserError for a name, depth or constant that does not exist and for a variant file that breaks its contract.
    """
    kind, units_per_stage = names.stages(depth, unit, family)
    activation_file = _load("activations", activation, ("residual_unit", "after_last_unit"))
    shortcut_file = _load("shortcuts", shortcut, ("join",))
    constants = shortcut_constants(shortcut, shortcut_args or {})
    option = option or names.default_option(kind)
    if option not in OPTIONS:
        raise UserError(f"no option is called '{option}': there are {', '.join(OPTIONS)}")
    if bottleneck_stride not in ("1x1", "3x3"):
        raise UserError(f"a bottleneck's stride is in its first 1x1 or its 3x3, not in '{bottleneck_stride}'")

    import mxnet as mx

    from .resnet import resnet

    def join(x, f, unit):
        return _call(shortcut_file.join, x, f, unit, **constants)

    class Guarded:
        @staticmethod
        def residual_unit(x, unit):
            return _call(activation_file.residual_unit, x, unit)

        @staticmethod
        def after_last_unit(x):
            return _call(activation_file.after_last_unit, x)

    with mx.name.NameManager():  # the same call gives the same names, whatever was built before
        symbol = resnet(units_per_stage, kind, Guarded, join, classes or {"cifar": 10, "imagenet": 1000}[family],
                        family, option, bottleneck_stride, dtype)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # infer_shape prints before it raises
            symbol.infer_shape(data=(1, 3, 32, 32) if family == "cifar" else (1, 3, 224, 224))
    except mx.MXNetError as error:
        raise UserError(f"symbols/activations/{activation}.py and symbols/shortcuts/{shortcut}.py do not fit together: "
                        f"{_one_line(error)}") from error
    return symbol


def shortcut_constants(shortcut, given):
    """The constants of a shortcut file: its defaults, replaced by what is given. Raises UserError for an unknown one."""
    parameters = inspect.signature(_load("shortcuts", shortcut, ("join",)).join).parameters
    defaults = {name: parameter.default for name, parameter in list(parameters.items())[3:]}
    for name in given:
        if name not in defaults:
            raise UserError(f"shortcut '{shortcut}' has no constant '{name}': it has {', '.join(defaults) or 'none'}")
    # the command line knows only numbers with a point
    whole = {name: int(value) for name, value in given.items() if isinstance(defaults[name], int) and value == int(value)}
    return {**defaults, **given, **whole}


def _load(folder, name, functions):
    """Import symbols/<folder>/<name>.py and hold it against its contract."""
    names.check_variant(folder, name)
    path = f"symbols/{folder}/{name}.py"
    try:
        module = importlib.import_module(f"symbols.{folder}.{name}")
    except Exception as error:  # whatever a user's file raises while it is read is the file's fault: name it
        raise UserError(f"{path} cannot be imported: {_one_line(error)}") from error
    for function in functions:
        wanted = CONTRACT[function]
        parameters = list(inspect.signature(getattr(module, function)).parameters.values()) \
            if callable(getattr(module, function, None)) else []
        constants = parameters[len(wanted):]
        if len(parameters) < len(wanted) or any(type(constant.default) not in (int, float) for constant in constants) \
                or (constants and function != "join"):
            extra = ", constant=number, ..." if function == "join" else ""
            raise UserError(f"{path} breaks its contract: it needs a function {function}({', '.join(wanted)}{extra})")
    return module


def _call(function, *arguments, **constants):
    """Call a variant's function; an error in it, or a result that is no symbol, names its file."""
    import mxnet as mx
    path = "/".join(function.__module__.split(".")) + ".py"
    try:
        result = function(*arguments, **constants)
    except UserError:
        raise
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[1].lineno if error.__traceback__.tb_next else "?"
        raise UserError(f"{path}, line {line}: {function.__name__} failed: {_one_line(error)}") from error
    if not isinstance(result, mx.sym.Symbol):
        raise UserError(f"{path} breaks its contract: {function.__name__} returned {type(result).__name__}, "
                        "it must return a symbol")
    return result


def _one_line(error):
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"
