"""What a run will cost here: seconds and memory, from a few iterations on random pictures. Options as train_cifar.py's.

    python -m benchmarks.cost --depth 110 --image-size 16 --iterations 3200      # prints one line of JSON
"""
import json
import resource
import time

import train_cifar
from errors import run

WARM_UP, MEASURED = 2, 3


def main():
    arguments = train_cifar.complete(train_cifar.options().parse_args())

    import mxnet as mx

    from data.cifar import LAYOUTS
    from symbols import get_symbol
    from training.environment import without_notes
    from training.loop import step
    from training.recipe import initializer, optimizer

    classes = LAYOUTS[arguments.dataset].classes
    symbol = get_symbol(arguments.depth, arguments.activation, arguments.shortcut, arguments.unit, classes,
                        shortcut_args=arguments.shortcut_args, option=arguments.option)
    shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
    module = mx.mod.Module(symbol, context=train_cifar.contexts(arguments))
    with without_notes():
        module.bind([("data", shape)], [("softmax_label", shape[:1])])
    module.init_params(initializer("in"))
    module.init_optimizer(optimizer=optimizer(vars(arguments), symbol))
    batch = mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [mx.nd.zeros(shape[0])])

    def seconds(count):
        mx.nd.waitall()
        began = time.monotonic()
        for i in range(count):
            step(module, batch, (), seed=i)
        mx.nd.waitall()
        return (time.monotonic() - began) / count

    seconds(WARM_UP)
    iteration = seconds(MEASURED)
    # A test picture costs about a third of a training picture: forward alone.
    tests = arguments.iterations / arguments.test_every * 10000 / arguments.batch_size / 3
    print(json.dumps({"seconds": iteration * (arguments.iterations + tests), "images_per_second": arguments.batch_size / iteration,
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    run(main)
