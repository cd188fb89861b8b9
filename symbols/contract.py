"""A variant's file: it is imported, checked and called. A mistake in it is a one-line error.

symbols/__init__.py describes the contract.
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

# The function that a file needs, the functions that it may have, and their parameters.
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
    """One file of symbols/activations/ or symbols/shortcuts/.

    name       the file's name without .py
    kind       activation or shortcut
    path       symbols/<folder>/<name>.py
    defaults   {constant: number}, the optional parameters of its functions
    functions  {name: parameters} of those of FUNCTIONS that it has

    Raises UserError for a file that does not exist, fails to import or breaks the contract.
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
        """The names of a function's parameters, constants last. Their defaults are recorded."""
        required = PARAMETERS[function]
        rule = f"it needs a function {function}({', '.join(required)}, constant=number, ...)"
        code = getattr(self._module, function, None)
        if not inspect.isfunction(code):
            raise UserError(f"{self.path}: it breaks its contract: {rule}")
        where = place(self._file, code.__code__.co_firstlineno)
        parameters = list(inspect.signature(code).parameters.values())
        plain = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
        constants = parameters[len(plain) :]
        variadic = any(
            parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            for parameter in parameters
        )
        numbers = all(type(constant.default) in (int, float) for constant in constants)
        asks = [
            name for name in plain[len(required) :] if (function, name) == ("join", "projection")
        ]
        if len(plain) != len(required) + len(asks) or variadic or not numbers:
            raise UserError(f"{where}: it breaks its contract: {rule}")
        for constant in constants:
            if self.defaults.setdefault(constant.name, constant.default) != constant.default:
                raise UserError(
                    f"{where}: '{constant.name}' has another default than in the "
                    "function before: give it one"
                )
        return [parameter.name for parameter in parameters]

    def constants(self, values):
        """{constant: number}: the defaults, replaced by values. UserError for an unknown name."""
        for name in values:
            if name not in self.defaults:
                raise UserError(
                    f"{self.kind} '{self.name}' has no constant '{name}': it has "
                    f"{', '.join(self.defaults) or 'none'}"
                )
        constants = {**self.defaults, **values}
        for name, value in values.items():  # the command line has floats only
            if isinstance(self.defaults[name], int) and value == int(value):
                constants[name] = int(value)
        return constants

    def call(self, function, *arguments, constants):
        """Call one of the file's functions, which returns a symbol with one output."""
        parameters = self.functions[function]
        constants = {name: value for name, value in constants.items() if name in parameters}
        with self._mistakes(f"{function} failed"):
            result = getattr(self._module, function)(*arguments, **constants)
        line = getattr(self._module, function).__code__.co_firstlineno
        rule = f"{place(self._file, line)}: {function} must return a symbol with one output"
        if not isinstance(result, mx.sym.Symbol):
            raise UserError(f"{rule}, and it returned {type(result).__name__}")
        if len(result.list_outputs()) != 1:
            raise UserError(f"{rule}, and it returned one with {len(result.list_outputs())}")
        return result

    @contextlib.contextmanager
    def _mistakes(self, what):
        """Turn any exception that the file raises into one line with the place and the reason."""
        try:
            yield
        except UserError:
            raise
        except Misuse as error:
            raise UserError(f"{self._place(error)}: {error}") from error
        except KeyboardInterrupt as error:  # Ctrl-C in an endless loop
            if error.args:  # the message of a join that residual_unit called
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
    """An exception's type and the first line of its message; of MXNet's errors the reason only."""
    checked = re.search(r"Check failed: .*?: (.+)", str(error))
    if checked:
        return checked[1]
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
