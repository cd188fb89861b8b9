"""Batches for Module: an endless stream of augmented training batches, and the test set."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import mxnet as mx
import numpy as np

from common.openmp import copy_alone

from .ahead import ahead
from .augment import Augmenter, draw, padding_for


def mean_of(images, kind):
    """Return what is subtracted from every image, float32 (3, size, size).

    images: the training set. kind: mean (the mean image) or raw (zeros).
    """
    if kind == "raw":
        return np.zeros(images.shape[1:], np.float32)
    return images.mean(axis=0, dtype=np.float64).astype(np.float32)


class Batches:
    """Batch i (from 1) as a pure function of (seed, i), prepared by a background thread.

    An epoch's last batch is filled up from the next epoch, as in Caffe. A subclass defines
    _draw(epoch), the random numbers of an epoch; order(epoch), its samples in their order; and
    data_batch(i). share: (k, n) for the k-th of n equal parts of each batch, for one of n workers.
    batch_size: of all parts together.
    """

    def __init__(self, samples_per_epoch, batch_size, seed, share=(0, 1)):
        self.batch_size = batch_size
        self.samples_per_epoch = samples_per_epoch
        self._seed = seed
        part = batch_size // share[1]
        self._mine = slice(share[0] * part, (share[0] + 1) * part)
        self._epoch = lru_cache(2)(self._draw)  # a batch can have samples of two epochs

    def samples(self, iteration):
        """Return [(epoch, sample), ...] of a batch, in its order."""
        count = self.samples_per_epoch
        first = (iteration - 1) * self.batch_size
        positions = range(first, first + self.batch_size)
        return [
            (position // count, self.order(position // count)[position % count])
            for position in positions
        ]

    def stream(self, first, last):
        """Yield the batches first ... last as mx.io.DataBatch; two are prepared ahead."""
        calls = ((iteration,) for iteration in range(first, last + 1))
        with ThreadPoolExecutor(1, initializer=copy_alone) as background:
            yield from ahead(background, self.data_batch, calls, 3)


class TrainingBatches(Batches):
    """Batches of a set in memory."""

    def __init__(self, images, labels, mean, batch_size, seed, share=(0, 1), augmentation="crop"):
        """augmentation: crop (the papers' crops and flips), or none (the images, shuffled)."""
        super().__init__(len(labels), batch_size, seed, share)
        self._labels = labels.astype(np.float32)
        self._augmented = augmentation == "crop"
        self._padding = padding_for(images.shape[-1]) if self._augmented else 0
        self._augment = Augmenter(images, mean, self._padding)

    def _draw(self, epoch):
        draws = draw(self._seed, epoch, self.samples_per_epoch, self._padding)
        return draws if self._augmented else draws._replace(flip=np.zeros_like(draws.flip))

    def order(self, epoch):
        return self._epoch(epoch).order

    def batch(self, iteration):
        """Return this worker's images float32 (part, 3, size, size) and labels (part,) of a batch."""
        rows = []
        for epoch, sample in self.samples(iteration)[self._mine]:
            _, top, left, flip = self._epoch(epoch)
            rows.append((sample, top[sample], left[sample], flip[sample]))
        samples, top, left, flip = np.array(rows).T
        return self._augment(samples, top, left, flip.astype(bool)), self._labels[samples]

    def data_batch(self, iteration):
        images, labels = self.batch(iteration)
        return mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(labels)], pad=0)


class TestBatches(mx.io.NDArrayIter):
    """The test set once, without augmentation. batch.pad is the padding of the last batch."""

    def __init__(self, images, labels, mean, batch_size):
        data = mx.nd.array(images, dtype=images.dtype)  # uint8 in memory
        super().__init__(data, labels.astype(np.float32), batch_size)
        self._mean = mx.nd.array(mean)

    @property
    def provide_data(self):
        (images,) = super().provide_data
        return [mx.io.DataDesc(images.name, images.shape)]  # float32

    def getdata(self):
        return [images.astype("float32") - self._mean for images in super().getdata()]


def feed(dataset, recipe):
    """Return ((k, n), size) -> (training batches of the k-th of n workers, test batches).

    dataset: a set in memory. recipe: gives input, batch_size, seed and augmentation. size: images
    in a batch of a test.
    """

    def batches(share, size):
        mean = mean_of(dataset.train_images, recipe.input)
        training = TrainingBatches(
            dataset.train_images,
            dataset.train_labels,
            mean,
            recipe.batch_size,
            recipe.seed,
            share,
            recipe.augmentation,
        )
        return training, TestBatches(dataset.test_images, dataset.test_labels, mean, size)

    return batches
