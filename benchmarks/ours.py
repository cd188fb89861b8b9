"""Our training loop, as benchmarks.peer and benchmarks.variants time it: augmented pictures,
metrics, the optimizer, as a run has them.
"""

import time

import mxnet as mx  # isort: skip
import numpy as np

from common.environment import without_notes
from data.batches import TrainingBatches
from symbols import counts, get_symbol
from training import bfloat16
from training.loop import bind, step
from training.optimizer import initializer, optimizer
from training.recipe import CIFAR

from .blocks import serve

MOST_STEPS = 10**6


def make(depth, size, batch, dtype):
    """(number of parameters, seconds of so many steps) of ResNet-depth on pictures of size."""
    symbol = get_symbol(depth)
    return sum(counts.parameters(symbol, size).values()), trainer(symbol, size, batch, dtype)


def trainer(symbol, size, batch, dtype):
    """A function that makes so many steps of a network and says how many seconds they took."""
    shape = (batch, 3, size, size)
    module = mx.mod.Module(bfloat16.bound(symbol, dtype))
    with without_notes():
        bind(module, shape)
        module.init_params(initializer("in"))
        module.init_optimizer(optimizer=optimizer(CIFAR, symbol))
    # as many pictures as CIFAR has: gathering from a small set would be kinder to the caches
    pictures = np.random.RandomState(0).randint(0, 256, (50000, *shape[1:]), dtype=np.uint8)
    mean = np.full(shape[1:], 127, np.float32)
    stream = TrainingBatches(pictures, np.zeros(50000), mean, batch, seed=0).stream(1, MOST_STEPS)
    metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()

    def seconds(steps):
        began = time.monotonic()
        for i in range(steps):
            step(module, next(stream), metrics, seed=i)
        mx.nd.waitall()
        return time.monotonic() - began

    return seconds


if __name__ == "__main__":
    serve(make)
