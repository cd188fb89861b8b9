"""The Python version of CIFAR, read without pickle: its opcodes are taken as data, so that no file can run anything.

Only what such files are made of is understood: dicts, lists, tuples, numbers, strings and arrays of bytes.
"""
import pickletools

import numpy as np

# What pickle would import, and what these files mean by it.
RECONSTRUCT, NDARRAY, DTYPE, ENCODE = "reconstruct", "ndarray", "dtype", "encode"
NAMES = {"numpy.core.multiarray _reconstruct": RECONSTRUCT, "numpy._core.multiarray _reconstruct": RECONSTRUCT,
         "numpy ndarray": NDARRAY, "numpy dtype": DTYPE,
         "_codecs encode": ENCODE}  # how Python 3 writes bytes in the old protocol
VALUES = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "NONE": lambda: None, "NEWTRUE": lambda: True,
          "NEWFALSE": lambda: False}
LITERALS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
            "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
OLD_BYTES = ("STRING", "BINSTRING", "SHORT_BINSTRING")  # Python 2's strings, which pickletools shows as text


class Forbidden(ValueError):
    """The file asks for something that no CIFAR file needs."""


class Name(str):
    """One of the values of NAMES, where pickle would have a function or class."""


class Array:
    """An array (or a dtype) under construction."""

    def __init__(self, kind):
        self.kind, self.value = kind, None


def read(content):
    """What a CIFAR file's bytes hold. Raises Forbidden, or ValueError and others for what is no such file."""
    stack, marks, memo, encoded = [], [], {}, 0

    def above_mark():
        start = marks.pop()
        values = stack[start:]
        del stack[start:]
        return values

    for opcode, argument, _ in pickletools.genops(content):
        name = opcode.name
        if name in LITERALS:
            stack.append(argument)
        elif name in OLD_BYTES:
            stack.append(argument.encode("latin-1"))
        elif name in VALUES:
            stack.append(VALUES[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[argument])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "APPEND":
            _of(list, stack[-2]).append(stack.pop())
        elif name == "APPENDS":
            values = above_mark()
            _of(list, stack[-1]).extend(values)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _of(dict, stack[-1]).update(_pairs([key, value]))
        elif name == "SETITEMS":
            values = above_mark()
            _of(dict, stack[-1]).update(_pairs(values))
        elif name in ("TUPLE", "LIST", "DICT"):
            values = above_mark()
            stack.append(tuple(values) if name == "TUPLE" else values if name == "LIST" else _pairs(values))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "GLOBAL":
            stack.append(_name(argument))
        elif name == "STACK_GLOBAL":
            inside, module = stack.pop(), stack.pop()
            stack.append(_name(f"{module} {inside}"))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_call(function, arguments))
            encoded += len(stack[-1]) if isinstance(stack[-1], bytes) else 0
            if encoded > len(content):
                raise ValueError("more text than the file has")
        elif name == "BUILD":
            state = stack.pop()
            _build(_of(Array, stack[-1]), state)
        elif name == "STOP":
            return _plain(stack.pop())
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the opcode {name}")
    raise ValueError("it ends before its end")


def _pairs(values):
    """{key: value} of [key, value, ...]. A key of tuples in tuples would be hashed in a recursion that ends the whole process."""
    if not all(isinstance(key, (str, bytes, int)) for key in values[::2]):
        raise ValueError("a key that is neither text nor number")
    return dict(zip(values[::2], values[1::2]))


def _of(kind, value):
    if not isinstance(value, kind):
        raise ValueError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _name(words):
    if words not in NAMES:
        raise Forbidden(repr(words.replace(" ", ".")))
    return Name(NAMES[words])


def _call(function, arguments):
    function = _of(Name, function)
    if function == ENCODE and arguments[1:] == ("latin1",):
        return arguments[0].encode("latin-1")
    if function == RECONSTRUCT and isinstance(arguments[0], Name):
        return Array("array")
    if function == DTYPE and arguments[0] in ("u1", b"u1"):
        return Array("uint8")
    raise ValueError(f"{function} of something else than in a CIFAR file")


def _build(array, state):
    if array.kind == "array":  # version, shape, dtype, in Fortran's order?, bytes
        _, shape, dtype, fortran, content = state
        if _of(Array, dtype).kind != "uint8":
            raise ValueError("an array of other than bytes")
        array.value = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _plain(content):
    """A dict with its arrays finished."""
    return {key: value.value if isinstance(value, Array) else value for key, value in _of(dict, content).items()}
