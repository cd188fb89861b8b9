"""Names of a unit's layers, and the line of a variant's file that builds each."""

import inspect
from pathlib import Path

import mxnet as mx

from .names import FOLDER

VARIANTS = (str(FOLDER / "activations"), str(FOLDER / "shortcuts"))


class Misuse(Exception):
    """A variant's file uses its unit in a wrong way."""


class Layers(mx.name.Prefix):
    """A scope in which layers' names begin with a prefix, and # in a name is the next number.

    places: {name: (file, line)} of the layers that a variant's file builds. Raises Misuse for a
    name that is used twice.
    """

    def __init__(self, prefix):
        super().__init__(prefix)
        self.places = {}
        self._names = set()

    def get(self, name, hint):
        if name and "#" in name:
            number = self._counter.get(name, 1)
            self._counter[name] = number + 1
            name = name.replace("#", str(number))
        full = super().get(name, hint)
        if full in self._names:
            raise Misuse(
                f"the name '{name}' is used twice in one unit: use another name, or none "
                "(layers without a name are numbered)"
            )
        self._names.add(full)
        self.places[full] = place_of_call()
        return full


def place_of_call():
    """Return (file, line) of the innermost call in a variant's file, or None."""
    frame = inspect.currentframe()
    while frame and not frame.f_code.co_filename.startswith(VARIANTS):
        frame = frame.f_back
    return frame and (frame.f_code.co_filename, frame.f_lineno)


def location(path, line):
    """Return 'symbols/shortcuts/mine.py, line 3'."""
    return f"{Path(path).relative_to(FOLDER.parent)}, line {line}"
