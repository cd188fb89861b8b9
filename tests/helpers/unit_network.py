"""Networks with random parameters: any node can be read, or replaced by an input."""

import mxnet as mx
import numpy as np

from common.graph import Graph
from symbols import get_symbol

IMAGES = (4, 3, 16, 16)
STEP = 1e-8  # of a central difference


def random_values(shapes, generator):
    """{name: array} of order 1, so that every error is visible: beta far from 0, gamma around 1,
    gates half open.
    """
    values = {}
    for name, shape in shapes.items():
        if name.endswith("gamma"):
            values[name] = generator.uniform(0.7, 1.3, shape)
        elif name.endswith("var"):
            values[name] = generator.uniform(0.5, 1.5, shape)
        elif name.endswith("weight"):
            values[name] = generator.normal(0, np.prod(shape[1:]) ** -0.5, shape)
        else:
            values[name] = generator.normal(0, 1, shape)
    return values


def distance(ours, theirs):
    """The largest difference, as a share of the largest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def assert_agrees(symbol, expected, shape, prefix="", data="x"):
    """Assert that a symbol and a NumPy reference have the same output and the same gradients.

    expected: (x, {name: array}, masks of dropouts) -> output; names without the prefix. shape: of
    the variable `data`. The loss is a random sum of the outputs. Each of its gradients is compared,
    in a random direction, with the central difference of the reference. In float64 the step can be
    so small that no ReLU's input changes its sign.
    """
    graph = Graph(symbol)
    dropouts = [(node, 0) for node in graph.nodes if node.op == "Dropout"]  # show the kept elements
    executor = graph.symbol([*graph.heads, *dropouts]).simple_bind(
        mx.cpu(), type_dict=dict.fromkeys(symbol.list_inputs(), "float64"), **{data: shape}
    )
    mx.random.seed(0)
    generator = np.random.default_rng(0)
    shapes = {name: array.shape for name, array in executor.arg_dict.items()}
    values = random_values(shapes, generator)
    for name, array in values.items():
        executor.arg_dict[name][:] = array
    output, *dropped = [array.asnumpy() for array in executor.forward(is_train=True)]
    head = generator.normal(0, 1, output.shape)
    heads = [head, *map(np.zeros_like, dropped)]
    executor.backward([mx.nd.array(array, dtype="float64") for array in heads])
    masks = [array != 0 for array in dropped]

    def theirs(values):
        parameters = {name[len(prefix) :]: values[name] for name in values if name != data}
        return expected(values[data], parameters, *masks)

    assert output.shape == theirs(values).shape
    assert distance(output, theirs(values)) < 1e-9, "output"
    for name, array in values.items():
        gradient = executor.grad_dict[name].asnumpy()
        direction = generator.normal(0, 1, array.shape)
        higher = theirs({**values, name: array + STEP * direction})
        lower = theirs({**values, name: array - STEP * direction})
        slope = (head * (higher - lower)).sum() / (2 * STEP)
        difference = abs((gradient * direction).sum() - slope)
        assert difference < 1e-5 * max(1, np.linalg.norm(gradient)), f"gradient of {name}"


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
        self.values = random_values(dict(zip(self.symbol.list_arguments(), shapes)), generator)
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
