"""Compare the speed of the training loop with a bare Module step: make benchmark

Blocks of both alternate in one process, so that other load slows both, and the median of the ratios
of the pairs is printed. The bare step is forward, backward and update of one batch in memory. The
loop adds augmented batches from the background thread, the generator's seed and the metrics.
"""

import time

import mxnet as mx
import numpy as np

from common.command import Parser
from common.errors import run_main
from symbols import get_symbol
from training.loop import step

from .ours import module_and_stream


def seconds(block):
    mx.nd.waitall()
    began = time.monotonic()
    block()
    mx.nd.waitall()
    return time.monotonic() - began


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--activation", default="original")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--block", type=int, default=10, help="iterations of a block")
    parser.add_argument("--pairs", type=int, default=12)
    arguments = parser.parse_args()
    symbol = get_symbol(arguments.depth, arguments.activation)
    size, batch = arguments.image_size, arguments.batch_size
    module, stream = module_and_stream(symbol, size, batch, "float32")
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

    seconds(bare)
    times = np.array([[seconds(bare), seconds(loop)] for _ in range(arguments.pairs)])
    speeds = arguments.block * batch / np.median(times, axis=0)
    ratios = times[:, 0] / times[:, 1]
    print(
        f"bare step {speeds[0]:.0f} images/s, training loop {speeds[1]:.0f} images/s; loop / bare"
        f" {np.median(ratios):.3f} (median of {len(ratios)} pairs, {ratios.min():.3f} to"
        f" {ratios.max():.3f})"
    )


if __name__ == "__main__":
    run_main(main)
