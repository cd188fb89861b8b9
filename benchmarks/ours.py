"""Our training loop as the benchmarks time it, with augmented images, metrics and the optimizer."""

from dataclasses import replace

import mxnet as mx  # isort: skip
import numpy as np

from data.batches import TrainingBatches
from symbols import counts, get_symbol
from training.loop import step, training_module
from training.recipe import CIFAR

from .blocks import serve

IMAGES = 50000  # as in CIFAR: a smaller set would fit the caches better
MOST_STEPS = 10**6


def prepare(depth, size, batch, dtype):
    """Return (number of parameters, trainer) of ResNet-depth on images of size x size."""
    symbol = get_symbol(depth)
    return sum(counts.parameters(symbol, size).values()), trainer(symbol, size, batch, dtype)


def module_and_stream(symbol, size, batch, dtype):
    """Return (Module that is ready to train, endless generator of augmented batches)"""
    shape = (batch, 3, size, size)
    module = training_module(symbol, replace(CIFAR, dtype=dtype), mx.cpu(), shape)
    images = np.random.RandomState(0).randint(0, 256, (IMAGES, *shape[1:]), dtype=np.uint8)
    mean = np.full(shape[1:], 127, np.float32)
    batches = TrainingBatches(images, np.zeros(IMAGES), mean, batch, seed=0)
    return module, batches.stream(1, MOST_STEPS)


def loop(module, stream):
    """Return a function that makes a number of steps of the training loop."""
    metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()

    def train(steps):
        for i in range(steps):
            step(module, next(stream), metrics, (i,))
        mx.nd.waitall()

    return train


def trainer(symbol, size, batch, dtype):
    """Return the loop() of a network on generated images."""
    return loop(*module_and_stream(symbol, size, batch, dtype))


if __name__ == "__main__":
    serve(prepare)
