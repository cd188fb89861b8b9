"""Seeds of MXNet's generator, from which dropout draws its masks."""

import mxnet as mx
import numpy as np

SEEDS = 2**31 - 1


def seed_masks(*key):
    """Seed MXNet's generator by a tuple of numbers below 2**32, such as (seed, iteration).

    MXNet fills an array from up to 1,024 generators with successive seeds. Neighbouring seeds would
    give masks that are shifted copies of each other, so the numbers are hashed.
    """
    mx.random.seed(int(np.random.RandomState(key).randint(SEEDS)))
