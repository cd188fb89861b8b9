"""From images to Module: an endless stream of augmented training batches, and the test set in
MXNet's own iterator."""

from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np

from common.openmp import copy_alone

from .augment import Augmenter, draw, padding_for


def mean_image(images):
    """The per-pixel mean of a training set, float32 (3, size, size): what is subtracted from every
    picture."""
    return images.mean(axis=0, dtype=np.float64).astype(np.float32)


def mean_of(images, kind):
    """What is subtracted from every picture. kind: mean, the training set's mean picture; raw,
    nothing.
    """
    return mean_image(images) if kind == "mean" else np.zeros(images.shape[1:], np.float32)


class Batches:
    """Batch number i, from 1, as a pure function of (seed, i); prepared ahead by a background
    thread.

    An epoch's last batch is filled up from the next epoch, as in Caffe: every batch is whole and
    iterations count. A subclass says in order(epoch) in which order an epoch shows the samples, and
    makes batch number i in data_batch(i). share: (k, n) gives the k-th of n equal parts of each
    batch, for one of n workers; batch_size is that of all together.
    """

    def __init__(self, samples_per_epoch, batch_size, seed, share=(0, 1)):
        self.batch_size, self.samples_per_epoch, self._seed = batch_size, samples_per_epoch, seed
        part = batch_size // share[1]
        self._mine = slice(share[0] * part, (share[0] + 1) * part)

    def samples(self, iteration):
        """[(epoch, sample), ...]: what batch number `iteration` shows, in its order."""
        count = self.samples_per_epoch
        first = (iteration - 1) * self.batch_size
        positions = range(first, first + self.batch_size)
        return [
            (position // count, self.order(position // count)[position % count])
            for position in positions
        ]

    def stream(self, first, last):
        """Batches first ... last as mx.io.DataBatch, two of them always ready."""
        with ThreadPoolExecutor(1, initializer=copy_alone) as background:
            waiting = [
                background.submit(self.data_batch, i)
                for i in range(first, min(first + 2, last + 1))
            ]
            for iteration in range(first, last + 1):
                batch = waiting.pop(0).result()
                if iteration + 2 <= last:
                    waiting.append(background.submit(self.data_batch, iteration + 2))
                yield batch


class TrainingBatches(Batches):
    """CIFAR's, out of memory."""

    def __init__(self, images, labels, mean, batch_size, seed, share=(0, 1), augmentation="crop"):
        """augmentation: crop, the papers' crops and flips; none, the pictures as they are, in a
        random order.
        """
        super().__init__(len(labels), batch_size, seed, share)
        self._labels = labels.astype(np.float32)
        self._augmented = augmentation == "crop"
        self._padding = padding_for(images.shape[-1]) if self._augmented else 0
        self._augment = Augmenter(images, mean, self._padding)
        self._draws = {}

    def order(self, epoch):
        return self._epoch(epoch).order

    def batch(self, iteration):
        """(images float32 (part, 3, size, size), labels float32 (part,)): this worker's part of
        batch number `iteration`."""
        epochs, samples = np.array(self.samples(iteration)[self._mine]).T
        chosen = {
            name: np.empty(len(samples), dtype)
            for name, dtype in (("top", int), ("left", int), ("flip", bool))
        }
        for epoch in np.unique(epochs):
            here = epochs == epoch
            for name, values in chosen.items():
                values[here] = getattr(self._epoch(epoch), name)[samples[here]]
        return self._augment(samples, **chosen), self._labels[samples]

    def data_batch(self, iteration):
        images, labels = self.batch(iteration)
        return mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(labels)], pad=0)

    def _epoch(self, epoch):
        if epoch not in self._draws:
            self._draws = {e: d for e, d in self._draws.items() if e == epoch - 1}
            draws = draw(self._seed, epoch, self.samples_per_epoch, self._padding)
            self._draws[epoch] = (
                draws if self._augmented else draws._replace(flip=np.zeros_like(draws.flip))
            )
        return self._draws[epoch]


def test_batches(images, labels, mean, batch_size):
    """The test set once, unaugmented; the last batch is padded and says by how much in
    batch.pad."""
    return mx.io.NDArrayIter(
        images - mean, labels.astype(np.float32), batch_size, last_batch_handle="pad"
    )


def feed(dataset, recipe, test_size):
    """share -> (training batches, test batches) of a set in memory, for one of several workers.

    recipe: says input, batch_size, seed and augmentation. test_size: pictures in a test's batch.
    """

    def of_share(share):
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
        return training, test_batches(dataset.test_images, dataset.test_labels, mean, test_size)

    return of_share
