"""What the training loop costs beside the bare Module step: make benchmark

Blocks of both are interleaved in one process, so that a noisy machine slows both; the ratio of each
pair counts, and the median of the ratios is printed. The bare step is forward, backward and update
of one resident batch; the loop adds what
training does: augmented batches from the background thread, the generator's seed, the metrics.
"""

import time

import mxnet as mx  # isort: skip
import numpy as np

from common.command import Parser
from common.environment import without_notes
from data.batches import TrainingBatches
from symbols import get_symbol
from training.loop import step


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--activation", default="original")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--block", type=int, default=10, help="iterations between two changes")
    parser.add_argument("--pairs", type=int, default=12)
    arguments = parser.parse_args()
    shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)

    began = time.monotonic()
    symbol = get_symbol(arguments.depth, arguments.activation)
    print(f"get_symbol: {time.monotonic() - began:.2f} s")
    module = mx.mod.Module(symbol)
    with without_notes():
        module.bind([("data", shape)], [("softmax_label", shape[:1])])
    module.init_params(mx.init.MSRAPrelu("in", 0))
    module.init_optimizer(optimizer_params={"learning_rate": 0.01, "momentum": 0.9})
    # as many images as CIFAR has, because gathering from a small set would be kinder to the caches
    images = np.random.RandomState(0).randint(0, 256, (50000, *shape[1:]), dtype=np.uint8)
    iterations = arguments.block * (arguments.pairs + 1)
    mean = np.full(shape[1:], 127, np.float32)
    stream = TrainingBatches(images, np.zeros(50000), mean, arguments.batch_size, seed=0).stream(
        1, iterations
    )
    resident = next(stream)
    metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()

    def bare():
        for _ in range(arguments.block):
            module.forward(resident, is_train=True)
            module.backward()
            module.update()

    def loop():
        for i in range(arguments.block):
            step(module, next(stream), metrics, seed=i)

    def seconds(block):
        mx.nd.waitall()
        began = time.monotonic()
        block()
        mx.nd.waitall()
        return time.monotonic() - began

    seconds(bare)
    times = np.array([[seconds(bare), seconds(loop)] for _ in range(arguments.pairs)])
    stream.close()
    speeds = arguments.block * arguments.batch_size / np.median(times, axis=0)
    ratios = times[:, 0] / times[:, 1]
    print(
        f"bare step {speeds[0]:.0f} images/s, training loop {speeds[1]:.0f} images/s; loop / bare"
        f" {np.median(ratios):.3f} (median of {len(ratios)} pairs, {ratios.min():.3f} to"
        f" {ratios.max():.3f})"
    )


if __name__ == "__main__":
    main()
