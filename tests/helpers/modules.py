"""Networks as Modules: with their initial values, or evaluated with given ones."""

import mxnet as mx
import numpy as np

from common.environment import without_notes
from training.optimizer import initializer


def bound(symbol, shape, contexts=1, **options):
    """A Module for batches of a shape, on this number of CPU contexts. options: of Module.bind."""
    module = mx.mod.Module(symbol, context=[mx.cpu(k) for k in range(contexts)])
    with without_notes():
        module.bind([("data", shape)], [("softmax_label", shape[:1])], **options)
    return module


def initial_module(symbol, shape=(1, 3, 32, 32), seed=1):
    """A Module with the values from which training starts. shape: of the images."""
    module = bound(symbol, shape)
    mx.random.seed(seed)
    module.init_params(initializer("in"))
    return module


def initial_values(symbol, shape=(1, 3, 32, 32)):
    """{parameter: NumPy array} of an initial_module."""
    arguments, _ = initial_module(symbol, shape).get_params()
    return {name: array.asnumpy() for name, array in arguments.items()}


def evaluate(symbol, layer, arguments, states, images):
    """The output of a layer on images, with BN's moving averages, as a NumPy array."""
    module = mx.mod.Module(symbol.get_internals()[f"{layer}_output"], label_names=None)
    with without_notes():
        module.bind([("data", images.shape)], for_training=False)
    module.set_params(arguments, states, allow_extra=True)
    module.forward(mx.io.DataBatch([mx.nd.array(images)]), is_train=False)
    return module.get_outputs()[0].asnumpy()


def first_step(symbol, shape, scale=1):
    """(initial values, outputs, gradients, averages) of a step on random images: {name: array}."""
    module = initial_module(symbol, shape)
    state = np.random.RandomState(0)
    images = mx.nd.array(state.normal(0, scale, shape))
    labels = mx.nd.array(np.arange(len(images)) % 10)
    mx.random.seed(5)  # of dropout
    start = {name: array.asnumpy() for name, array in module.get_params()[0].items()}
    module.forward_backward(mx.io.DataBatch([images], [labels]))
    executor = module._exec_group.execs[0]
    gradients = {name: executor.grad_dict[name].asnumpy() for name in start}
    averages = {name: array.asnumpy() for name, array in executor.aux_dict.items()}
    return start, {"output": module.get_outputs()[0].asnumpy()}, gradients, averages
