"""Training in a fraction of the memory: the network in segments, whose insides are computed twice.

Forward keeps what goes from segment to segment alone; backward runs each segment forward once more
before it goes back through it. For a symbol in segments of equal size the memory goes with the root
of the depth, the time is that of four passes for three. BN sees the whole batch, unlike with
--micro-batch; its moving averages move once an iteration.
"""

from collections import namedtuple
from math import prod

import mxnet as mx
import numpy as np

from common.graph import Graph

from .memory import kept_bytes
from .segments import INPUT, arrays_of, best_cuts, cuts, segments

SEEDS = 2**31 - 1
Plan = namedtuple("Plan", "segments passed")  # passed: [(shape, type)] of what leads on


def bound(symbol, recompute):
    """What is bound to train and test a symbol, with or without computing it twice."""
    return Recomputed(symbol) if recompute else symbol


def recomputed_bytes(symbol, image_size):
    """Bytes that one picture takes in training if the symbol is computed twice."""
    shapes = {"data": (1, 3, image_size, image_size), "softmax_label": (1,)}
    return plan(symbol, shapes)[1]


def plan(symbol, shapes):
    """(the Plan by which a symbol takes the least memory for inputs of shapes, its bytes)."""
    graph = Graph(symbol)
    kept = kept_bytes(symbol, {"data": shapes["data"]})
    possible = cuts(graph, shapes)
    arrays = dict(zip(possible, arrays_of(graph, [cut.entry for cut in possible], shapes)))
    passed = [prod(shape) * np.dtype(dtype).itemsize for shape, dtype in arrays.values()]
    taken, need = best_cuts(possible, [kept.get(node.name, 0) for node in graph.nodes], passed)
    return Plan(segments(graph, taken), [arrays[cut] for cut in taken]), need


class Recomputed:
    """A symbol for mx.mod.Module, which binds it in segments; all else is as the symbol has it."""

    def __init__(self, symbol):
        self._symbol = symbol

    def __getattr__(self, name):
        return getattr(self._symbol, name)

    def __getitem__(self, output):
        return self._symbol[output]

    def simple_bind(self, ctx, grad_req, type_dict, shared_exec=None, **others):
        """As Symbol.simple_bind, for what Module asks of it.

        shared_exec: whose parameters and auxiliary states are taken, for a module that tests.
        """
        shapes = {name: shape for name, shape in others.items() if name in type_dict}
        arguments, states = self._arrays(ctx, shapes, type_dict, shared_exec)
        if set(grad_req.values()) == {"null"}:
            return self._symbol.bind(ctx, arguments, grad_req="null", aux_states=states)
        return Executor(plan(self._symbol, shapes)[0], ctx, grad_req, arguments, states)

    def _arrays(self, ctx, shapes, types, shared):
        """({argument: array}, {auxiliary state: array})"""
        argument_shapes, _, state_shapes = self._symbol.infer_shape(**shapes)
        argument_types, _, state_types = self._symbol.infer_type(**types)
        arguments = {}
        for name, shape, dtype in zip(
            self._symbol.list_arguments(), argument_shapes, argument_types
        ):
            own = shared is None or name in shapes
            arguments[name] = mx.nd.zeros(shape, ctx, dtype) if own else shared.arg_dict[name]
        if shared is not None:
            return arguments, shared.aux_dict
        names = self._symbol.list_auxiliary_states()
        return arguments, {
            name: mx.nd.zeros(shape, ctx, dtype)
            for name, shape, dtype in zip(names, state_shapes, state_types)
        }


def is_picture(array):
    return array.ndim == 4


def itself(arrays, x, **options):
    """x, (batch, channels, height, width), as the means of single pixels. arrays: mx.nd or mx.sym.

    oneDNN makes a pooling's output in the layout of its input. A copy of MXNet's would be in plain
    order, in which the layers that follow are slow: 1.1 times as long a step of ResNet-164, 1.5
    times in bfloat16.
    """
    return arrays.Pooling(x, kernel=(1, 1), pool_type="avg", **options)


class Executor:
    """What Module uses of an executor, for a symbol in segments, each with two of MXNet's own.

    The first goes forward alone, on copies of the auxiliary states; the second forward and
    back, with the states themselves, so that these are written once whichever of the two passes
    writes them. All segments share their working memory.
    """

    copy_params_from = mx.executor.Executor.copy_params_from

    def __init__(self, planned, context, grad_req, arguments, states):
        self.arg_dict = arguments
        self.aux_dict = states
        self.grad_dict = {
            name: None if grad_req[name] == "null" else array.zeros_like()
            for name, array in arguments.items()
        }
        self.arg_arrays = list(self.arg_dict.values())
        self.grad_arrays = list(self.grad_dict.values())
        self.aux_arrays = list(self.aux_dict.values())
        self._copies = {name: array.copy() for name, array in states.items()}
        self._segments = planned.segments
        self._passed = [mx.nd.empty(shape, context, dtype) for shape, dtype in planned.passed]
        self._bind(context, grad_req)
        self.outputs = [array.copy() for array in self._second[-1].outputs]
        self._seed = None

    def _bind(self, context, grad_req):
        self._first = []
        self._second = []
        self._gradients = []  # of what is passed on; one of a kind, because backward copies it
        gradients = {}
        for k, segment in enumerate(self._segments):
            symbol = segment.symbol
            if k < len(self._passed) and is_picture(self._passed[k]):
                symbol = itself(mx.sym, symbol)  # so that its gradient comes in oneDNN's layout
            arguments = dict(self.arg_dict)
            wanted = {name: array for name, array in self.grad_dict.items() if array is not None}
            if k:
                arguments[INPUT] = self._passed[k - 1]
                kind = arguments[INPUT].shape, str(arguments[INPUT].dtype)
                wanted[INPUT] = gradients.setdefault(
                    kind, mx.nd.empty(arguments[INPUT].shape, context, arguments[INPUT].dtype)
                )
                self._gradients.append(wanted[INPUT])
            names = symbol.list_arguments()
            arguments = {name: arguments[name] for name in names}
            wanted = {name: wanted[name] for name in names if name in wanted}
            self._second.append(
                symbol.bind(
                    context,
                    arguments,
                    wanted,
                    {**grad_req, INPUT: "write"},
                    self._states(k),
                    shared_exec=self._second[0] if k else None,
                )
            )
            if k < len(self._passed):  # the last one's backward follows its forward at once
                self._first.append(
                    segment.symbol.bind(
                        context,
                        arguments,
                        None,
                        "null",
                        self._states(k, self._copies),
                        shared_exec=self._second[0],
                    )
                )

    def _states(self, k, states=None):
        states = states or self.aux_dict
        return {name: states[name] for name in self._segments[k].symbol.list_auxiliary_states()}

    def forward(self, is_train):
        """Through all segments; what they pass on and the outputs stay."""
        if is_train:
            for name, array in self.aux_dict.items():
                array.copyto(self._copies[name])
            if any(segment.draws for segment in self._segments):
                self._seed = int(mx.nd.random.randint(0, SEEDS, shape=(1,)).asscalar())
        passing = self._first if is_train else self._second
        for k, array in enumerate(self._passed):
            self._seed_segment(k)
            passing[k].forward(is_train=is_train)
            output = passing[k].outputs[0]
            if is_picture(array):
                itself(mx.nd, output, out=array)
            else:
                output.copyto(array)
        self._seed_segment(-1)
        self._second[-1].forward(is_train=is_train)
        for array, output in zip(self._second[-1].outputs, self.outputs):
            array.copyto(output)  # which backward's other segments would write over

    def backward(self, out_grads=None):
        """Back through the last segment, and through each before it after its second forward."""
        self._second[-1].backward(out_grads)
        for k in reversed(range(len(self._passed))):
            self._seed_segment(k)
            self._second[k].forward(is_train=True)
            self._second[k].backward([self._gradients[k]])

    def _seed_segment(self, k):
        """Both passes of a segment draw the same, for its dropout."""
        if self._segments[k].draws and self._seed is not None:
            mx.random.seed((self._seed + k) % 2**31)

    def debug_str(self):
        """Module reads the bytes of its memory out of this."""
        return self._second[0].debug_str()
