"""What a run will cost here: seconds and memory, from a few iterations on random pictures. Options as train_cifar.py's.

    python -m benchmarks.cost --depth 110 --image-size 16 --iterations 3200      # prints one line of JSON
    python -m benchmarks.cost imagenet --depth 18 --batch-size 32                # options of train_imagenet.py, its own pictures
"""
import itertools
import json
import resource
import sys
import time

import train_cifar
import train_imagenet
from errors import run

WARM_UP, MEASURED = 2, 3
SLOW = 20  # seconds: where an iteration takes longer, the first two must do


def main():
    imagenet = sys.argv[1:2] == ["imagenet"]
    if imagenet:
        del sys.argv[1]
        arguments, _, dataset = train_imagenet.read_options()
    else:
        arguments = train_cifar.complete(train_cifar.options().parse_args())

    import mxnet as mx

    from data.cifar import LAYOUTS
    from training.environment import without_notes
    from training.loop import step
    from training.recipe import initializer, optimizer

    symbol = train_cifar.network(arguments, dataset.classes if imagenet else LAYOUTS[arguments.dataset].classes,
                                 "imagenet" if imagenet else "cifar")
    shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    contexts = train_cifar.contexts(arguments)
    module = mx.mod.Module(symbol, context=contexts)
    with without_notes():
        module.bind([("data", shape)], [("softmax_label", shape[:1])])
    module.init_params(initializer("in"))
    module.init_optimizer(optimizer=optimizer(vars(arguments), symbol))
    if imagenet:  # with the feed, which takes its share of the cores
        stream = train_imagenet.batches(arguments, dataset).stream(1, WARM_UP + MEASURED)
    else:
        stream = itertools.repeat(mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [mx.nd.zeros(shape[0])]))

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
    # A test picture costs about a third of a training picture: forward alone.
    pictures = len(dataset.test_images) if imagenet else 10000
    tests = arguments.iterations / arguments.test_every * pictures / arguments.batch_size / 3
    gpu = [total - free for free, total in map(mx.context.gpu_memory_info, arguments.gpus)]
    print(json.dumps({**({"gpu_megabytes": max(gpu) / 2**20} if gpu else {}),
                      "seconds": iteration * (arguments.iterations + tests), "images_per_second": arguments.batch_size / iteration,
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    run(main)
