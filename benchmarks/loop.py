"""Compare the speed of the training loop with a bare Module step: make benchmark

The bare step is forward, backward and update of one batch in memory. The loop adds augmented batches
from the background thread, the generator's seed and the metrics.
"""

from functools import partial

import mxnet as mx
import numpy as np

from common.command import Parser
from common.errors import run_main
from symbols import get_symbol

from . import ours, timing

BATCH = 128
BLOCK = 10  # iterations that are timed at once
PAIRS = 12  # measurements of each


def main():
    Parser(__doc__.splitlines()[0]).parse_args()
    module, stream = ours.module_and_stream(get_symbol(20), 32, BATCH, "float32")
    resident = next(stream)

    def bare(steps):
        for _ in range(steps):
            module.forward(resident, is_train=True)
            module.backward()
            module.update()
        mx.nd.waitall()

    jobs = [partial(train, BLOCK) for train in (bare, ours.loop(module, stream))]
    times = timing.rounds(jobs, PAIRS)
    speeds = BLOCK * BATCH / np.median(times, axis=0)
    ratios = times[:, 0] / times[:, 1]
    print(
        f"bare step {speeds[0]:.0f} images/s, training loop {speeds[1]:.0f} images/s; loop / bare "
        f"{np.median(ratios):.3f} (median of {PAIRS} pairs, {ratios.min():.3f} to "
        f"{ratios.max():.3f})"
    )


if __name__ == "__main__":
    run_main(main)
