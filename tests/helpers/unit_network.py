"""Networks with random parameters: any node can be read, or replaced by an input."""

import mxnet as mx
import numpy as np
import pytest
import reference

from common.graph import Graph
from symbols import get_symbol

IMAGES = (4, 3, 16, 16)


def random_arguments(shapes, generator):
    """Arrays of order 1, so that every error is visible: beta far from 0, gamma around 1, gates half
    open.
    """
    arguments = {}
    for name, shape in shapes.items():
        if name.endswith("gamma"):
            array = generator.uniform(0.7, 1.3, shape)
        elif name.endswith("weight"):
            array = generator.normal(0, np.prod(shape[1:]) ** -0.5, shape)
        else:
            array = generator.normal(0, 1, shape)
        arguments[name] = array.astype(np.float32)
    return arguments


def distance(ours, theirs):
    """The largest difference, as a share of the largest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def assert_agrees(symbol, expected, shape, prefix="", data="x", kink=1e-4, tolerance=1e-4):
    """Assert that a symbol and a NumPy reference have the same output and the same gradients.

    expected: (x, {name: Value}, masks of dropouts) -> Value; names without the prefix. The point is
    random, with no ReLU's input nearer to 0 than `kink`, where float32 may change its sign. shape:
    of the variable `data`.
    """
    graph = Graph(symbol)
    dropouts = [(node, 0) for node in graph.nodes if node.op == "Dropout"]  # show the kept elements
    executor = graph.symbol([*graph.heads, *dropouts]).simple_bind(mx.cpu(), **{data: shape})
    shapes = {name: array.shape for name, array in executor.arg_dict.items()}
    for seed in range(200):
        mx.random.seed(seed)
        generator = np.random.default_rng(seed)
        arguments = random_arguments(shapes, generator)
        for name, array in arguments.items():
            executor.arg_dict[name][:] = array
        output, *dropped = [array.asnumpy() for array in executor.forward(is_train=True)]
        values = {name: reference.Value(array) for name, array in arguments.items()}
        parameters = {name[len(prefix) :]: values[name] for name in values if name != data}
        y = expected(values[data], parameters, *[array != 0 for array in dropped])
        steps = [step for step in reference.history(y) if step.operation == "ReLU"]
        if min([np.abs(step.inputs[0].value).min() for step in steps], default=1) > kink:
            break
    else:
        pytest.fail("no seed keeps all inputs of ReLUs away from zero")
    head = generator.normal(0, 1, output.shape).astype(np.float32)
    executor.backward([mx.nd.array(head)] + [mx.nd.zeros(array.shape) for array in dropped])
    reference.backward(y, head)
    assert output.shape == y.value.shape
    assert distance(output, y.value) < 1e-4, "output"
    for name, value in values.items():
        gradient = executor.grad_dict[name].asnumpy()
        if value.gradient is None or np.abs(value.gradient).max() < 1e-9:  # a BN subtracts a bias
            assert np.abs(gradient).max() < 1e-3, name
        else:
            assert distance(gradient, value.gradient) < tolerance, f"gradient of {name}"


def fresh_states(symbol, shapes):
    """{name: NDArray}: moving averages before training. shapes: those of the arguments."""
    states = symbol.list_auxiliary_states()
    return {
        name: mx.nd.full(shape, float(name.endswith("var")))
        for name, shape in zip(states, symbol.infer_shape(**shapes)[2])
    }


def node_of(graph, name):
    """The node of a Graph with this name."""
    return next(node for node in graph.nodes if node.name == name)


class Network:
    """A network of four basic units per stage, with random parameters."""

    def __init__(self, activation="preact", shortcut="identity", **constants):
        self.symbol = get_symbol(
            26, activation=activation, shortcut=shortcut, shortcut_args=constants
        )
        generator = np.random.default_rng(0)
        shapes = self.symbol.infer_shape(data=IMAGES)[0]
        self.values = random_arguments(dict(zip(self.symbol.list_arguments(), shapes)), generator)
        self.values["softmax_label"] = generator.integers(0, 10, IMAGES[0])

    def input_of(self, unit):
        """The name of x_l: the input of the first BN of a pre-activation unit."""
        return self.inputs_of("last_bn" if unit == "last" else f"{unit}_bn1")[0]

    def inputs_of(self, node):
        """The names of a node's inputs."""
        return [source.name for source, _ in node_of(Graph(self.symbol), node).inputs]

    def forget_residuals(self):
        """Make F = 0 in every unit: the last weight is 0."""
        for name in self.values:
            if name.endswith("conv2_weight"):
                self.values[name][:] = 0

    def read(self, *names, is_train=True):
        """The outputs of some nodes."""
        outputs = mx.sym.Group([self.symbol.get_internals()[f"{name}_output"] for name in names])
        return [array.asnumpy() for array in self.run(outputs, {}, is_train).outputs]

    def gradient(self, at, heads=None):
        """dE / d(output of node `at`). E is the loss, or the sum of head * output of {node: head}.

        MXNet computes gradients of inputs only: the graph is cut at the node, which becomes an
        input with its value.
        """
        graph = Graph(self.symbol)
        entries = [(node_of(graph, name), 0) for name in heads or ()]
        graph.replace((node_of(graph, at), 0), graph.add("null", at))
        symbol = graph.symbol(entries)
        executor = self.run(symbol, {at: self.read(at)[0]})
        executor.backward([mx.nd.array(head) for head in heads.values()] if heads else None)
        return executor.grad_dict[at].asnumpy()

    def run(self, symbol, values, is_train=True):
        """The executor of a symbol after its forward pass. values: in place of the network's."""
        mx.random.seed(0)  # dropout's masks
        values = {**self.values, **values}
        values = {name: mx.nd.array(values[name]) for name in symbol.list_arguments()}
        gradients = {name: mx.nd.zeros(array.shape) for name, array in values.items()}
        states = fresh_states(symbol, {name: array.shape for name, array in values.items()})
        executor = symbol.bind(mx.cpu(), values, gradients, aux_states=states)
        executor.forward(is_train=is_train)
        return executor
