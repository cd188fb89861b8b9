"""The Python version of CIFAR, read without pickle: its opcodes are data, so that no file can run
anything.

Only what such files are made of is understood, in the protocols of Python 2 to today's: dicts,
lists, tuples, numbers, strings, and arrays of whole numbers.
"""

import pickletools

import numpy as np

# What pickle would import, and what these files mean by it.
RECONSTRUCT = "reconstruct"  # an array, up to protocol 4
FROM_BUFFER = "from buffer"  # the same in protocol 5
SCALAR = "scalar"
NDARRAY = "ndarray"
DTYPE = "dtype"
ENCODE = "encode"  # how Python 3 writes bytes in the old protocols
NAMES = {
    "numpy.core.multiarray _reconstruct": RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": RECONSTRUCT,
    "numpy.core.numeric _frombuffer": FROM_BUFFER,
    "numpy._core.numeric _frombuffer": FROM_BUFFER,
    "numpy.core.multiarray scalar": SCALAR,
    "numpy._core.multiarray scalar": SCALAR,
    "numpy ndarray": NDARRAY,
    "numpy dtype": DTYPE,
    "_codecs encode": ENCODE,
}
WHOLE_NUMBERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")  # NumPy's kinds, and their bytes
LITERALS = (
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
    "BYTEARRAY8",
)
# Python 2's, which pickletools shows as text
OLD_BYTES = ("STRING", "BINSTRING", "SHORT_BINSTRING")
IGNORED = ("PROTO", "FRAME", "READONLY_BUFFER")


class Forbidden(ValueError):
    """The file asks for something that no CIFAR file needs."""


class Name(str):
    """One of the values of NAMES, where pickle would have a function or class."""


class Array:
    """An array of whole numbers; its value comes with BUILD."""

    def __init__(self, value=None):
        self.value = value


class Dtype:
    """A kind of whole number, as NumPy writes it; its order of bytes comes with BUILD."""

    def __init__(self, kind):
        if isinstance(kind, bytes):
            kind = kind.decode("latin-1")
        if kind not in WHOLE_NUMBERS:
            raise ValueError(f"an array of {kind[:20]!r}, which are no whole numbers")
        self.value = np.dtype(kind)

    def build(self, state):
        """state: version, order of bytes, and what whole numbers have not."""
        order = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        self.value = self.value.newbyteorder(order)


def read(content):
    """{key: value} of a CIFAR file's bytes: keys are bytes, arrays are NumPy's.

    Raises Forbidden, or ValueError and others for what is no such file.
    """
    machine = Machine(len(content))
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "STOP":
            return _plain(machine.stack.pop())
        machine.step(opcode.name, argument)
    raise ValueError("it ends before its end")


class Machine:
    """The stack that a pickle's opcodes work on. size: bytes of the file; texts may not come to
    more."""

    def __init__(self, size):
        self.stack = []
        self._marks = []
        self._memo = {}
        self._room = size

    def step(self, name, argument):
        """Do what an opcode says."""
        if name in LITERALS:
            self.stack.append(argument)
        elif name in OLD_BYTES:
            self.stack.append(argument.encode("latin-1"))
        elif name in OPERATIONS:
            OPERATIONS[name](self)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            key = len(self._memo) if argument is None else argument
            self._memo[key] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self._memo[argument])
        elif name == "GLOBAL":
            self.stack.append(_name(argument))
        elif name not in IGNORED:
            raise ValueError(f"the opcode {name}")

    def mark(self):
        self._marks.append(len(self.stack))

    def above_mark(self):
        start = self._marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def append(self):
        value = self.stack.pop()
        _of(list, self.stack[-1]).append(value)

    def extend(self):
        values = self.above_mark()
        _of(list, self.stack[-1]).extend(values)

    def set_item(self):
        value = self.stack.pop()
        key = self.stack.pop()
        _of(dict, self.stack[-1]).update(_pairs([key, value]))

    def set_items(self):
        values = self.above_mark()
        _of(dict, self.stack[-1]).update(_pairs(values))

    def tuple_of(self, count):
        values = tuple(self.stack[-count:])
        self.stack[-count:] = [values]

    def stack_global(self):
        name = self.stack.pop()
        module = self.stack.pop()
        self.stack.append(_name(f"{module} {name}"))

    def reduce(self):
        arguments = self.stack.pop()
        function = self.stack.pop()
        value = _call(_of(Name, function), arguments)
        if isinstance(value, bytes):
            self._room -= len(value)
        if self._room < 0:
            raise ValueError("more text than the file has")
        self.stack.append(value)

    def build(self):
        state = self.stack.pop()
        value = self.stack[-1]
        if isinstance(value, Dtype):
            value.build(state)
        else:  # version, shape, dtype, in Fortran's order?, bytes
            _, shape, dtype, fortran, content = state
            _of(Array, value).value = _array(content, dtype, shape, "F" if fortran else "C")


OPERATIONS = {
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine: machine.stack.append(()),
    "NONE": lambda machine: machine.stack.append(None),
    "NEWTRUE": lambda machine: machine.stack.append(True),
    "NEWFALSE": lambda machine: machine.stack.append(False),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.above_mark())),
    "LIST": lambda machine: machine.stack.append(machine.above_mark()),
    "DICT": lambda machine: machine.stack.append(_pairs(machine.above_mark())),
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "MARK": Machine.mark,
    "APPEND": Machine.append,
    "APPENDS": Machine.extend,
    "SETITEM": Machine.set_item,
    "SETITEMS": Machine.set_items,
    "STACK_GLOBAL": Machine.stack_global,
    "REDUCE": Machine.reduce,
    "BUILD": Machine.build,
}


def _pairs(values):
    """{key: value} of [key, value, ...].

    A key of tuples in tuples would be hashed in a recursion that ends the whole process.
    """
    if not all(isinstance(key, (str, bytes, int)) for key in values[::2]):
        raise ValueError("a key that is neither text nor number")
    return dict(zip(values[::2], values[1::2]))


def _of(kind, value):
    if not isinstance(value, kind):
        raise ValueError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _name(text):
    if text not in NAMES:
        raise Forbidden(repr(text.replace(" ", ".")))
    return Name(NAMES[text])


def _call(function, arguments):
    if function == ENCODE and arguments[1:] == ("latin1",):
        return arguments[0].encode("latin-1")
    if function == RECONSTRUCT and isinstance(arguments[0], Name):
        return Array()
    if function == DTYPE:
        return Dtype(arguments[0])
    if function == FROM_BUFFER:
        return Array(_array(*arguments))
    if function == SCALAR:
        dtype, content = arguments
        return int(_array(content, dtype, (), "C"))
    raise ValueError(f"{function} of something else than in a CIFAR file")


def _array(content, dtype, shape, order):
    """An array that looks at the file's own bytes, so that no file can ask for more memory than it
    has."""
    return np.frombuffer(content, _of(Dtype, dtype).value).reshape(shape, order=order)


def _plain(content):
    """A dict with keys of bytes, as the official files have them, and its arrays finished."""
    plain = {}
    for key, value in _of(dict, content).items():
        key = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
        plain[key] = value.value if isinstance(value, Array) else value
    return plain
