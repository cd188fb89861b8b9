"""The papers' augmentation: pad by 4, crop at random, flip at random (1512.03385, section 4.2).

All random numbers of an epoch are drawn at once from (seed, epoch). The augmentation of a sample is
therefore a pure function of (seed, epoch, sample), also after a run has resumed.
"""

from collections import namedtuple

import numpy as np

# order: the samples in the order of the epoch; top, left, flip: the augmentation of each sample
Draws = namedtuple("Draws", "order top left flip")


def padding_for(image_size):
    """Return 4 pixels for the papers' 32x32, and the same share of smaller images."""
    return image_size // 8


def draw(seed, epoch, samples, padding):
    """Return the Draws of an epoch, by RandomState: the same stream in all versions of NumPy."""
    state = np.random.RandomState([seed, epoch])
    order = state.permutation(samples)
    top, left = state.randint(0, 2 * padding + 1, (2, samples))
    return Draws(order, top, left, state.randint(0, 2, samples).astype(bool))


class Augmenter:
    """Crops and flips of a set. The mean is subtracted before the padding, so the border is 0."""

    def __init__(self, images, mean, padding):
        """images uint8 (n, 3, size, size); mean float32 (3, size, size); padding in pixels."""
        self._images = images
        self._mean = mean
        self._borders = [(0, 0), (0, 0), (padding, padding), (padding, padding)]

    def __call__(self, samples, top, left, flip):
        """Return float32 (len(samples), 3, size, size): a crop from (top, left) of each padded
        image, then flipped.
        """
        # a batch is padded, not the set, which would take more than twice the memory
        padded = np.pad(self._images[samples] - self._mean, self._borders)
        size = self._mean.shape[1:]
        crops = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
        batch = crops[range(len(samples)), :, top, left]
        batch[flip] = batch[flip, :, :, ::-1]
        return batch
