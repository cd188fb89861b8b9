"""Compare the speed of the training loop with a bare Module step: make benchmark

The bare step is forward, backward and update of one batch in memory. The loop adds augmented batches
from the background thread, the generator's seed and the metrics.
"""

from functools import partial

import mxnet as mx
import numpy as np

from common.command import Parser, positive
from common.errors import run_main
from symbols import get_symbol

from . import ours, timing


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--depth", type=positive, default=20)
    parser.add_argument("--activation", default="original")
    parser.add_argument("--batch-size", type=positive, default=128)
    parser.add_argument("--image-size", type=positive, default=32)
    parser.add_argument("--block", type=positive, default=10, help="iterations of a block")
    parser.add_argument("--pairs", type=positive, default=12)
    arguments = parser.parse_args()
    symbol = get_symbol(arguments.depth, arguments.activation)
    size, batch = arguments.image_size, arguments.batch_size
    module, stream = ours.module_and_stream(symbol, size, batch, "float32")
    resident = next(stream)

    def bare(steps):
        for _ in range(steps):
            module.forward(resident, is_train=True)
            module.backward()
            module.update()
        mx.nd.waitall()

    jobs = [partial(train, arguments.block) for train in (bare, ours.loop(module, stream))]
    times = timing.rounds(jobs, arguments.pairs)
    speeds = arguments.block * batch / np.median(times, axis=0)
    print(
        f"bare step {speeds[0]:.0f} images/s, training loop {speeds[1]:.0f} images/s; loop / bare "
        f"{timing.spread(times[:, 0] / times[:, 1])}"
    )


if __name__ == "__main__":
    run_main(main)
