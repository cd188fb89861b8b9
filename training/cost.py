"""Time and memory of a run on this machine, measured in a few iterations: --cost."""

import json
import sys
import time

import mxnet as mx

from common import durations

from .estimate import memory_plan
from .loop import step, training_module
from .memory import peak

WARM_UP, MEASURED = 2, 3  # iterations
SLOW = 20  # seconds: if an iteration takes longer, the warm-up is the measurement
TEST_SHARE = 1 / 3  # the time of an image in a test, forward only, relative to training


def print_cost(job, feed, contexts, arguments):
    """Print the cost of a job in words, or in JSON for --cost-json. Returns the exit code."""
    recompute, _, notes = memory_plan(job, arguments)
    for note in notes:
        print(note, file=sys.stderr)
    measured = cost(job, feed[0], contexts, recompute)
    print(json.dumps(measured) if arguments.cost == "json" else in_words(measured, job.recipe))
    return 0


def cost(job, batches, contexts, recompute=False):
    """Return {"seconds" of the run, "images_per_second", "megabytes" of this process}.

    On GPUs there is also "gpu_megabytes". batches: the run's training batches. recompute: whether
    activations are computed twice.
    """
    recipe = job.recipe
    shape = (recipe.batch_size, 3, recipe.image_size, recipe.image_size)
    module = training_module(job.symbol, recipe, contexts, shape, recompute)
    stream = batches.stream(1, WARM_UP + MEASURED)

    def seconds(count):
        mx.nd.waitall()
        began = time.monotonic()
        for i in range(count):
            step(module, next(stream), (), (i,))
        mx.nd.waitall()
        return (time.monotonic() - began) / count

    iteration = seconds(WARM_UP)
    if iteration < SLOW:
        iteration = seconds(MEASURED)
    stream.close()
    tests = recipe.iterations / recipe.test_every * TEST_SHARE
    tested = tests * len(job.dataset.test_images) / recipe.batch_size  # in iterations
    measured = {
        "seconds": iteration * (recipe.iterations + tested),
        "images_per_second": recipe.batch_size / iteration,
        "megabytes": peak() / 1e6,
    }
    for context in contexts:
        if context.device_type == "gpu":
            free, total = mx.context.gpu_memory_info(context.device_id)
            used = (total - free) / 1e6
            measured["gpu_megabytes"] = max(used, measured.get("gpu_megabytes", 0))
    return measured


def in_words(cost, recipe):
    """Return a line for a result of cost()."""
    gpu = f" and {cost['gpu_megabytes']:,.0f} MB on each GPU" if "gpu_megabytes" in cost else ""
    return (
        f"{recipe.iterations:,} iterations of batch {recipe.batch_size} will take about "
        f"{durations.in_words(cost['seconds'])} here, at {cost['images_per_second']:.1f} images/s, "
        "and "
        f"{cost['megabytes']:,.0f} MB{gpu}"
    )
