"""Training in a fraction of the memory: the network in segments that are computed twice.

The forward pass keeps only the arrays between segments. The backward pass runs each segment forward
again before its own backward pass. For segments of equal size the memory grows with the square root
of the depth, and the time is that of four passes instead of three. BN sees the full batch, unlike
with --micro-batch, and updates its moving averages once per iteration.
"""

from collections import namedtuple

import mxnet as mx

from common.graph import Graph

from .memory import array_bytes, kept_bytes
from .seeds import SEEDS, seed_masks
from .segments import INPUT, best_cuts, cuts, segments

# passed: [(shape, type)] of the arrays between segments. need: bytes
Plan = namedtuple("Plan", "segments passed need")


def recomputed_bytes(symbol, image_size):
    """Return the bytes per image in training if the symbol is computed twice."""
    shapes = {"data": (1, 3, image_size, image_size), "softmax_label": (1,)}
    return plan(symbol, shapes).need


def plan(symbol, shapes):
    """Return the Plan with the least memory. shapes: {input: shape}."""
    graph = Graph(symbol)
    kept = kept_bytes(symbol, {"data": shapes["data"]})
    possible = cuts(graph, shapes)
    arrays = dict(zip(possible, graph.arrays([cut.entry for cut in possible], shapes)))
    passed = [array_bytes(*array) for array in arrays.values()]
    taken, need = best_cuts(possible, [kept.get(node.name, 0) for node in graph.nodes], passed)
    return Plan(segments(graph, taken), [arrays[cut] for cut in taken], need)


class Recomputed:
    """A symbol that mx.mod.Module binds in segments. It has all attributes of the symbol."""

    def __init__(self, symbol):
        self._symbol = symbol

    def __getattr__(self, name):
        return getattr(self._symbol, name)

    def __getitem__(self, output):
        return self._symbol[output]

    def simple_bind(self, ctx, grad_req, type_dict, shared_exec=None, **others):
        """Do what Symbol.simple_bind does with the arguments that Module uses.

        shared_exec: an executor that shares its parameters and auxiliary states, for tests.
        """
        symbol = self._symbol
        shapes = {name: shape for name, shape in others.items() if name in type_dict}
        sizes, _, state_sizes = symbol.infer_shape(**shapes)
        types, _, state_types = symbol.infer_type(**type_dict)

        def zeros(names, sizes, types):
            return {
                name: mx.nd.zeros(size, ctx, kind) for name, size, kind in zip(names, sizes, types)
            }

        states = zeros(symbol.list_auxiliary_states(), state_sizes, state_types)
        arguments = zeros(symbol.list_arguments(), sizes, types)
        if shared_exec is not None:
            states = shared_exec.aux_dict
            arguments.update(
                {name: array for name, array in shared_exec.arg_dict.items() if name not in shapes}
            )
        if set(grad_req.values()) == {"null"}:
            return symbol.bind(ctx, arguments, grad_req="null", aux_states=states)
        return Executor(plan(symbol, shapes), ctx, grad_req, arguments, states)


def is_image(array):
    return array.ndim == 4


def copy_of(arrays, x, **options):
    """Return a copy of x, (batch, channels, height, width). arrays: mx.nd or mx.sym.

    It is a pooling of 1x1, because oneDNN keeps the layout of its input. MXNet's copy returns
    plain layout, in which the next layers are slow: a step of ResNet-164 takes 1.1 times as long,
    1.5 times in bfloat16.
    """
    return arrays.Pooling(x, kernel=(1, 1), pool_type="avg", **options)


class Executor:
    """An executor for Module, of a symbol in segments. Each segment has two executors of MXNet.

    The first runs forward only, on copies of the auxiliary states. The second runs forward and
    back, on the states themselves, so that they are written once. All share their working memory.
    """

    copy_params_from = mx.executor.Executor.copy_params_from

    def __init__(self, plan, context, grad_req, arguments, states):
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
        self._segments = plan.segments
        self._passed = [mx.nd.empty(shape, context, dtype) for shape, dtype in plan.passed]
        self._bind(context, grad_req)
        self.outputs = [array.copy() for array in self._second[-1].outputs]
        self._seed = None

    def _bind(self, context, grad_req):
        self._first = []
        self._second = []
        self._gradients = []  # of the passed arrays; arrays of one shape and type share theirs
        shared = {}
        requests = {**grad_req, INPUT: "write"}
        # a segment takes from these dictionaries what it needs
        arguments = dict(self.arg_dict)
        gradients = {name: array for name, array in self.grad_dict.items() if array is not None}
        for k, segment in enumerate(self._segments):
            if k:
                passed = self._passed[k - 1]
                key = passed.shape, str(passed.dtype)
                if key not in shared:
                    shared[key] = mx.nd.empty(passed.shape, context, passed.dtype)
                arguments[INPUT] = passed
                gradients[INPUT] = shared[key]
                self._gradients.append(shared[key])
            symbol = segment.symbol
            if k < len(self._passed) and is_image(self._passed[k]):
                symbol = copy_of(mx.sym, symbol)  # so that its gradient comes in oneDNN's layout
            memory = self._second[0] if k else None
            bound = (context, arguments, gradients, requests, self.aux_dict)
            self._second.append(symbol.bind(*bound, shared_exec=memory))
            if k < len(self._passed):  # the last segment's backward pass follows its forward pass
                bound = (context, arguments, None, "null", self._copies)
                self._first.append(segment.symbol.bind(*bound, shared_exec=self._second[0]))

    def forward(self, is_train):
        """Run all segments forward. The passed arrays and the outputs are kept."""
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
            if is_image(array):
                copy_of(mx.nd, output, out=array)
            else:
                output.copyto(array)
        self._seed_segment(-1)
        self._second[-1].forward(is_train=is_train)
        for array, output in zip(self._second[-1].outputs, self.outputs):
            array.copyto(output)  # the other segments' backward passes reuse the array

    def backward(self, out_grads=None):
        """Go back through the segments. All but the last run forward again first."""
        self._second[-1].backward(out_grads)
        for k in reversed(range(len(self._passed))):
            self._seed_segment(k)
            self._second[k].forward(is_train=True)
            self._second[k].backward([self._gradients[k]])

    def _seed_segment(self, k):
        """Seed the generator, so that both passes of a segment draw the same dropout masks."""
        if self._segments[k].draws and self._seed is not None:
            seed_masks(self._seed, k + 1)

    def debug_str(self):
        """Return MXNet's description, from which Module reads the bytes of memory."""
        return self._second[0].debug_str()
