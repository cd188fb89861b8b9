"""A variant's file: loaded, held against its contract, called; a mistake is one line that names it.

symbols/__init__.py says what the contract is.
"""

import contextlib
import importlib
import inspect
import re
import traceback

import mxnet as mx

from common.errors import UserError

from . import names
from .naming import FOLDER, Misuse, place

# What a file must have, and what it may have; and what each function is called with.
NEEDED = {"activations": "residual_unit", "shortcuts": "join"}
FUNCTIONS = {
    "activations": ("residual_unit", "after_conv1", "after_last_unit"),
    "shortcuts": ("join",),
}
PARAMETERS = {
    "join": ("x", "f", "unit"),
    "residual_unit": ("x", "unit"),
    "after_conv1": ("x",),
    "after_last_unit": ("x",),
}


class Variant:
    """One file of symbols/activations/ or symbols/shortcuts/ that keeps its contract.

    name      what it is called; kind: whether it is a shortcut or an activation
    path      symbols/<folder>/<name>.py
    defaults  {constant: number}: what its functions take besides their contract's parameters
    functions {name: its parameters}: those of FUNCTIONS that it has

    Raises UserError for a file that is not there, cannot be read or breaks the contract.
    """

    def __init__(self, folder, name):
        names.check_variant(folder, name)
        self.name = name
        self.kind = folder[:-1]
        self.path = f"symbols/{folder}/{name}.py"
        self.defaults = {}
        self.functions = {}
        self._file = str(FOLDER / folder / f"{name}.py")
        with self._mistakes("cannot be imported"):
            self._module = importlib.import_module(f"symbols.{folder}.{name}")
        for function in FUNCTIONS[folder]:
            if hasattr(self._module, function) or function == NEEDED[folder]:
                self.functions[function] = self._parameters(function)

    def _parameters(self, function):
        """The names of a function's parameters, its constants last; notes the defaults of these."""
        wanted = PARAMETERS[function]
        asked = ", ".join(wanted)
        rule = f"it needs a function {function}({asked}, constant=number, ...)"
        code = getattr(self._module, function, None)
        if not inspect.isfunction(code):
            raise UserError(f"{self.path}: it breaks its contract: {rule}")
        where = place(self._file, code.__code__.co_firstlineno)
        given = list(inspect.signature(code).parameters.values())
        plain = [parameter.name for parameter in given if parameter.default is parameter.empty]
        constants = given[len(plain) :]
        variadic = any(
            parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            for parameter in given
        )
        numbers = all(type(constant.default) in (int, float) for constant in constants)
        asks = [name for name in plain[len(wanted) :] if (function, name) == ("join", "projection")]
        if len(plain) != len(wanted) + len(asks) or variadic or not numbers:
            raise UserError(f"{where}: it breaks its contract: {rule}")
        for constant in constants:
            if self.defaults.setdefault(constant.name, constant.default) != constant.default:
                raise UserError(
                    f"{where}: '{constant.name}' has another default than in the "
                    "function before: give it one"
                )
        return [parameter.name for parameter in given]

    def constants(self, given):
        """{constant: number}: the defaults, or what is given. UserError for an unknown one."""
        for name in given:
            if name not in self.defaults:
                raise UserError(
                    f"{self.kind} '{self.name}' has no constant '{name}': it has "
                    f"{', '.join(self.defaults) or 'none'}"
                )
        values = {**self.defaults, **given}
        for name, value in given.items():  # the command line knows only numbers with a point
            if isinstance(self.defaults[name], int) and value == int(value):
                values[name] = int(value)
        return values

    def call(self, function, *arguments, constants):
        """What the file's function returns: a symbol with one output. It gets its own constants."""
        asked = self.functions[function]
        mine = {name: value for name, value in constants.items() if name in asked}
        with self._mistakes(f"{function} failed"):
            result = getattr(self._module, function)(*arguments, **mine)
        line = getattr(self._module, function).__code__.co_firstlineno
        rule = f"{place(self._file, line)}: {function} must return a symbol with one output"
        if not isinstance(result, mx.sym.Symbol):
            raise UserError(f"{rule}, and it returned {type(result).__name__}")
        if len(result.list_outputs()) != 1:
            raise UserError(f"{rule}, and it returned one with {len(result.list_outputs())}")
        return result

    @contextlib.contextmanager
    def _mistakes(self, what):
        """Whatever a user's file raises is the file's fault: one line says where and why."""
        try:
            yield
        except UserError:
            raise
        except Misuse as error:
            raise UserError(f"{self._place(error)}: {error}") from error
        except KeyboardInterrupt as error:  # an endless loop, say
            if error.args:  # join has said where, inside of residual_unit
                raise
            raise KeyboardInterrupt(f"in {self._place(error)}") from error
        except (Exception, SystemExit) as error:
            raise UserError(f"{self._place(error)}: {what}: {one_line(error)}") from error

    def _place(self, error):
        if isinstance(error, SyntaxError) and error.filename == self._file:
            return place(self._file, error.lineno)
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self._file
        ]
        return place(self._file, lines[-1]) if lines else self.path


def one_line(error):
    """An exception's kind, and the line of its message that says most; of MXNet's, its words alone,
    behind the clock, the place and the condition in C++.
    """
    checked = re.search(r"Check failed: .*?: (.+)", str(error))
    if checked:
        return checked[1]
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
