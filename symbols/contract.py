"""Import, check and call a variant's file. A mistake in the file becomes a one-line error.

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
from .naming import FOLDER, Misuse, location

# {folder: {function: its parameters}}. A file needs the first function, and may have the others.
FUNCTIONS = {
    "shortcuts": {"join": ("x", "f", "unit")},
    "activations": {
        "residual_unit": ("x", "unit"),
        "after_conv1": ("x",),
        "after_last_unit": ("x",),
    },
}
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Variant:
    """One file of symbols/activations/ or symbols/shortcuts/.

    path       symbols/<folder>/<name>.py
    functions  {name: parameters} of the functions that it defines
    defaults   {constant: number}, the optional parameters of its functions
    constants  the defaults, replaced by values

    Raises UserError for a file that does not exist, fails to import or breaks the contract, and for
    an unknown constant.
    """

    def __init__(self, folder, name, values=None):
        names.check_variant(folder, name)
        self.path = f"symbols/{folder}/{name}.py"
        self.defaults = {}
        self.functions = {}
        self._file = str(FOLDER / folder / f"{name}.py")
        with self._mistakes("cannot be imported"):
            self._module = importlib.import_module(f"symbols.{folder}.{name}")
        needed = next(iter(FUNCTIONS[folder]))
        for function, required in FUNCTIONS[folder].items():
            if hasattr(self._module, function) or function == needed:
                self.functions[function] = self._parameters(function, required)
        self.constants = dict(self.defaults)
        for constant, value in (values or {}).items():
            if constant not in self.defaults:
                raise UserError(
                    f"{folder[:-1]} '{name}' has no constant '{constant}': it has "
                    f"{', '.join(self.defaults) or 'none'}"
                )
            # the command line has floats only
            is_whole = isinstance(self.defaults[constant], int) and value == int(value)
            self.constants[constant] = int(value) if is_whole else value

    def _parameters(self, function, required):
        """Return the names of a function's parameters, constants last, and record the defaults."""
        optional = "[, projection]" if function == "join" else ""
        signature = f"{function}({', '.join(required)}{optional}, constant=number, ...)"
        rule = f"define {signature}; constants are numbers"
        code = getattr(self._module, function, None)
        if not inspect.isfunction(code):
            raise UserError(f"{self.path} breaks the contract: {rule}")
        where = self._place_of(code)
        parameters = list(inspect.signature(code).parameters.values())
        plain = [parameter for parameter in parameters if parameter.default is parameter.empty]
        constants = parameters[len(plain) :]
        extra = [parameter.name for parameter in plain[len(required) :]]
        is_complete = len(plain) >= len(required)
        is_allowed = not extra or (function == "join" and extra == ["projection"])
        order = (*required, "projection")
        is_swapped = any(
            parameter.name in order and parameter.name != expected
            for parameter, expected in zip(plain, order)
        )
        variadic = any(parameter.kind in VARIADIC for parameter in parameters)
        numbers = all(type(constant.default) in (int, float) for constant in constants)
        if not is_complete or not is_allowed or is_swapped or variadic or not numbers:
            raise UserError(f"{where}: this breaks the contract: {rule}")
        for constant in constants:
            if self.defaults.setdefault(constant.name, constant.default) != constant.default:
                raise UserError(
                    f"{where}: '{constant.name}' has another default in an earlier function: "
                    "use one default"
                )
        return [parameter.name for parameter in parameters]

    def call(self, function, *arguments):
        """Call one of the file's functions, which returns a symbol with one output."""
        parameters = self.functions[function]
        constants = {name: value for name, value in self.constants.items() if name in parameters}
        code = getattr(self._module, function)
        with self._mistakes(f"{function} failed"):
            result = code(*arguments, **constants)
        rule = f"{self._place_of(code)}: {function} must return a symbol with one output, and it returned"
        if not isinstance(result, mx.sym.Symbol):
            raise UserError(f"{rule} {type(result).__name__}")
        if len(result.list_outputs()) != 1:
            raise UserError(f"{rule} one with {len(result.list_outputs())}")
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
        except (Exception, SystemExit) as error:
            raise UserError(f"{self._place(error)}: {what}: {one_line(error)}") from error

    def _place_of(self, code):
        """Return the place of a function, which the file may have imported."""
        if code.__code__.co_filename != self._file:
            return self.path
        return location(self._file, code.__code__.co_firstlineno)

    def _place(self, error):
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self._file
        ]
        if isinstance(error, SyntaxError) and error.filename == self._file:
            lines = [error.lineno]
        return location(self._file, lines[-1]) if lines else self.path


def one_line(error):
    """Return an exception's type and first line; for an MXNet error, only the reason."""
    checked = re.search(r"Check failed: .*?: (.+)", str(error))
    if checked:
        return checked[1]
    reason = re.search(r"^MXNetError: (.+)", str(error), re.MULTILINE)  # after its own traceback
    if reason:
        return reason[1]
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
