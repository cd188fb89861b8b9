"""The probabilities that a trained network computes."""

from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np

from common.environment import physical_cores, without_notes


def probabilities(symbol):
    """Return the network with softmax in place of SoftmaxOutput, whose labels it does not need.

    SoftmaxOutput needs a label for each row, but the ten crops of an image share one label.
    """
    return mx.sym.softmax(symbol.get_internals()["fc_output"])


def bound_module(network, weights, shapes, contexts):
    """Return a module of the network with the weights. shapes: [(name, shape)] of its inputs.

    Raises UserError for the weights of another network.
    """
    module = mx.mod.Module(network, label_names=None, context=contexts)
    with without_notes():
        module.bind(shapes, for_training=False)
    weights.check(network, module.data_shapes[0].shape)
    module.set_params(weights.arguments, weights.states)
    return module


def predictions(module, items, read):
    """Yield (item, probabilities, None) or (item, None, why it cannot be read), in order.

    read: item -> (input float32, None) or (None, why). Only one batch is in memory.
    """
    shape = module.data_shapes[0].shape
    with ThreadPoolExecutor(physical_cores()) as pool:
        for first in range(0, len(items), shape[0]):
            batch = items[first : first + shape[0]]
            inputs = list(pool.map(read, batch))
            data = np.zeros(shape, np.float32)
            for row, (array, _) in zip(data, inputs):
                row[:] = 0 if array is None else array
            module.forward(mx.io.DataBatch([mx.nd.array(data)]), is_train=False)
            outputs = module.get_outputs()[0].asnumpy()
            for item, (array, reason), row in zip(batch, inputs, outputs):
                yield item, None if array is None else row, reason
