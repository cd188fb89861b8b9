"""A restricted Unpickler for the Python version of CIFAR. Its files are untrusted input.

A file can contain dicts, lists, tuples, numbers, strings and arrays of integers, in any protocol
from 0 to 5. NumPy's constructors are replaced by stand-ins that only describe an array, so a file
can neither run code nor allocate more memory than a small multiple of its own size.
"""

import io
import pickle
import struct

import numpy as np

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")  # NumPy's type strings
# names of pickle's constants
OPCODES = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 "
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES "
    "SHORT_BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS "
    "SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET "
    "LONG_BINGET"
)


class Forbidden(ValueError):
    """The file names a class or function that no CIFAR file needs."""


class Dict(dict):
    """A dict with text and numbers as keys. Hashing deeply nested tuples would crash Python."""

    def __setitem__(self, key, value):
        if not isinstance(key, (str, bytes, int)):
            raise ValueError("a key that is neither text nor a number")
        super().__setitem__(key, value)


class Dtype:
    """Stands in for numpy.dtype."""

    def __init__(self, kind, *_):
        if _text(kind) not in INTEGERS:
            raise ValueError(f"an array of {_text(kind)[:20]!r}, not of integers")
        self.value = np.dtype(_text(kind))

    def __setstate__(self, state):
        self.value = self.value.newbyteorder(_text(state[1]))


class Array:
    """Stands in for numpy.ndarray."""

    def __init__(self, value=None):
        self.value = value

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        self.value = array(content, dtype, shape, "F" if is_fortran else "C")


def array(content, dtype, shape, order):
    """A view of the file's own bytes, which needs no memory of the size that the file names."""
    return np.frombuffer(content, dtype.value).reshape(shape, order=order)


def reconstruct(*_):
    return Array()


def from_buffer(content, dtype, shape, order):
    return Array(array(content, dtype, shape, order))


def scalar(dtype, content):
    return int(array(content, dtype, (), "C"))


CONSTRUCTORS = {
    "numpy.ndarray": Array,
    "numpy.dtype": Dtype,
    "numpy.core.multiarray._reconstruct": reconstruct,  # an array, up to protocol 4
    "numpy._core.multiarray._reconstruct": reconstruct,
    "numpy.core.numeric._frombuffer": from_buffer,  # an array in protocol 5
    "numpy._core.numeric._frombuffer": from_buffer,
    "numpy.core.multiarray.scalar": scalar,
    "numpy._core.multiarray.scalar": scalar,
}


class Unpickler(pickle._Unpickler):
    """Pickle's Python implementation. The one in C allocates whatever size a file names."""

    dispatch = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
        for name in OPCODES.split()
    }

    def __init__(self, content):
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._encoded = len(content)  # bytes that encode() may still produce

    def find_class(self, module, name):
        full_name = f"{module}.{name}"
        if full_name == "_codecs.encode":  # how Python 3 writes bytes in protocols 0 to 2
            return self.encode
        if full_name not in CONSTRUCTORS:
            raise Forbidden(repr(full_name))
        return CONSTRUCTORS[full_name]

    def encode(self, text, _):
        self._encoded -= len(text)
        if self._encoded < 0:
            raise ValueError("more text than the file has")
        return text.encode("latin-1")

    def load_dict(self):
        items = self.pop_mark()
        self.append(Dict())
        for key, value in zip(items[::2], items[1::2]):
            self.stack[-1][key] = value

    def load_build(self):
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (Array, Dtype)):
            raise ValueError("state of an object that has none")
        self.stack[-1].__setstate__(state)

    def load_bytearray(self):
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    dispatch[pickle.EMPTY_DICT[0]] = lambda self: self.append(Dict())
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray


def read(content):
    """The dict in the bytes of a CIFAR file. Its keys become bytes, its arrays NumPy arrays.

    Raises Forbidden for a class or function that CIFAR does not need, and other exceptions for a
    corrupt file.
    """
    loaded = Unpickler(content).load()
    if not isinstance(loaded, dict):
        raise ValueError(f"{type(loaded).__name__} in place of a dict")
    return {
        key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key: (
            value.value if isinstance(value, Array) else value
        )
        for key, value in loaded.items()
    }


def _text(text):
    return text.decode("latin-1") if isinstance(text, bytes) else text
