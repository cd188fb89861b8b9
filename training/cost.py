"""What a run will take here: seconds and memory, from a few iterations. --cost of the scripts
prints it.
"""

import itertools
import time

import mxnet as mx

from common.environment import without_notes

from . import bfloat16, recomputation
from .loop import bind, step
from .memory import peak
from .optimizer import initializer, optimizer

WARM_UP, MEASURED = 2, 3
SLOW = 20  # seconds: where an iteration takes longer, the first two must do
TEST_SHARE = 1 / 3  # of a training picture's time, which a test picture takes: forward alone


def cost(symbol, contexts, recipe, test_images, batches=None, recompute=False):
    """{"seconds" of the whole run, "images_per_second", "megabytes" of this process, on GPUs
    "gpu_megabytes"}

    batches: the run's own feed, if it takes its share of the cores; without it the pictures are
    random.
    recompute: as in training.recomputation.
    """
    size = recipe.batch_size
    shape = (size, 3, recipe.image_size, recipe.image_size)
    network = recomputation.bound(bfloat16.bound(symbol, recipe.dtype), recompute)
    module = mx.mod.Module(network, context=contexts)
    with without_notes():
        bind(module, shape, recipe.micro_batch)
        module.init_params(initializer(recipe.init_fan))
        module.init_optimizer(optimizer=optimizer(recipe, symbol))
    stream = (
        batches.stream(1, WARM_UP + MEASURED)
        if batches
        else itertools.repeat(
            mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [mx.nd.zeros(size)])
        )
    )

    def seconds(count):
        mx.nd.waitall()
        began = time.monotonic()
        for i in range(count):
            step(module, next(stream), (), seed=i)
        mx.nd.waitall()
        return (time.monotonic() - began) / count

    iteration = seconds(WARM_UP)
    if iteration < SLOW:
        iteration = seconds(MEASURED)
    tested = recipe.iterations / recipe.test_every * test_images * TEST_SHARE
    found = {
        "seconds": iteration * (recipe.iterations + tested / size),
        "images_per_second": size / iteration,
        "megabytes": peak() / 1e6,
    }
    used = [
        total - free
        for free, total in (
            mx.context.gpu_memory_info(each.device_id)
            for each in contexts
            if each.device_type == "gpu"
        )
    ]
    return {**found, "gpu_megabytes": max(used) / 2**20} if used else found
