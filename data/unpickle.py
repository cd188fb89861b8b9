"""A restricted Unpickler for the Python version of CIFAR. Its files are untrusted input.

Stand-ins replace NumPy's constructors. They only view the file's own bytes as integers, so a file
can neither run code nor allocate more memory than a small multiple of its own size.
"""

import functools
import io
import pickle

import numpy as np

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")  # NumPy's type strings


class Forbidden(ValueError):
    """The file names a class or function that no CIFAR file needs."""


class Dtype:
    """Stands in for numpy.dtype."""

    def __init__(self, kind, *_):
        if _text(kind) not in INTEGERS:
            raise ValueError("an array of other values than integers")
        self.value = np.dtype(_text(kind))

    def __setstate__(self, state):
        self.value = self.value.newbyteorder(_text(state[1]))


class Array:
    """Stands in for numpy.ndarray, and for the function that creates one (up to protocol 4)."""

    def __init__(self, *_):
        self.value = None

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        self.value = view(content, dtype, shape, "F" if is_fortran else "C")


def view(content, dtype, shape, order="C"):
    """Create an array, in place of the function that protocol 5 calls."""
    return np.frombuffer(content, dtype.value).reshape(shape, order=order)


def scalar(dtype, content):
    return int(view(content, dtype, ()))


CONSTRUCTORS = {
    "ndarray": Array,
    "dtype": Dtype,
    "_reconstruct": Array,
    "_frombuffer": view,
    "scalar": scalar,
}


def load_short_list(count, unpickler):
    unpickler.stack[-count:] = [unpickler.stack[-count:]]


class Unpickler(pickle._Unpickler):
    """Pickle's Python implementation. The C implementation allocates any size that a file names."""

    dispatch = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: pickle._Unpickler.load_binbytes8,
        # tuples become lists, which cannot be keys: hashing a deeply nested tuple crashes Python
        pickle.EMPTY_TUPLE[0]: pickle._Unpickler.load_empty_list,
        pickle.TUPLE[0]: pickle._Unpickler.load_list,
        pickle.TUPLE1[0]: functools.partial(load_short_list, 1),
        pickle.TUPLE2[0]: functools.partial(load_short_list, 2),
        pickle.TUPLE3[0]: functools.partial(load_short_list, 3),
    }

    def __init__(self, content):
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._encoded = len(content)  # bytes that encode() may still produce

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes in protocols 0 to 2
            return self.encode
        if module.split(".")[0] != "numpy" or name not in CONSTRUCTORS:
            raise Forbidden(repr(f"{module}.{name}"))
        return CONSTRUCTORS[name]

    def encode(self, text, _):
        self._encoded -= len(text)
        if self._encoded < 0:
            raise ValueError("more text than the file has")
        return text.encode("latin-1")


def read(content):
    """Return the dict in the bytes of a CIFAR file. Its keys are text, its arrays NumPy arrays.

    Raises Forbidden for a class or function that CIFAR does not need, and other exceptions for a
    corrupt file.
    """
    loaded = Unpickler(content).load()
    return {
        _text(key): value.value if isinstance(value, Array) else value
        for key, value in loaded.items()
    }


def _text(text):
    return text.decode("latin-1") if isinstance(text, bytes) else text
