"""Augmentation and batches: every crop and flip equally often, and each batch a pure function of
(seed, number).
"""

import numpy as np
import pytest
from scipy.stats import chisquare

from data import augment, batches

# ---- augmentation


def test_every_crop_and_flip_is_shown_equally_often():
    """Read back from the pixels: each image says where its pixels come from."""
    images = np.zeros((1000, 3, 32, 32), np.uint8)
    images[:, 0], images[:, 1] = np.arange(32)[:, None] + 1, np.arange(32) + 1
    mean = np.zeros((3, 32, 32), np.float32)
    training_set = batches.TrainingBatches(images, np.zeros(1000, np.uint8), mean, 1000, 0)
    counts = np.zeros((9, 9, 2), int)
    for iteration in range(1, 11):
        shown, _ = training_set.batch(iteration)
        flip = shown[:, 1, 16, 16] > shown[:, 1, 16, 17]
        top = shown[:, 0, 16, 16] - 13
        left = np.where(flip, shown[:, 1, 16, 15], shown[:, 1, 16, 16]) - 13
        np.add.at(counts, (top.astype(int), left.astype(int), flip.astype(int)), 1)
    assert counts.sum() == 10000 and 1e-6 < chisquare(counts, axis=None).pvalue < 1 - 1e-6


@pytest.mark.parametrize("size, padding", [(32, 4), (16, 2), (8, 1), (4, 0)])
def test_shown_images_equal_a_slow_pad_crop_and_flip(size, padding):
    state = np.random.RandomState(5)
    images = state.randint(0, 256, (40, 3, size, size)).astype(np.uint8)
    labels = state.randint(0, 10, 40).astype(np.uint8)
    mean = images.mean(0).astype(np.float32)
    untouched = images.copy()
    training_set = batches.TrainingBatches(images, labels, mean, 16, 9)
    seen = set()
    for iteration in range(1, 6):
        shown, shown_labels = training_set.batch(iteration)
        assert shown.dtype == shown_labels.dtype == np.float32
        assert shown.shape == (16, 3, size, size)
        samples = training_set.samples(iteration)
        for image, label, (epoch, sample) in zip(shown, shown_labels, samples):
            draws = augment.draw(9, epoch, 40, padding)
            top, left, flip = draws.top[sample], draws.left[sample], draws.flip[sample]
            padded = np.zeros((3, size + 2 * padding, size + 2 * padding), np.float32)
            inner = slice(padding, padding + size)
            padded[:, inner, inner] = images[sample].astype(np.float32) - mean
            expected = padded[:, top : top + size, left : left + size]
            assert np.array_equal(image, expected[:, :, ::-1] if flip else expected)
            assert label == labels[sample]
            seen.add((top, left, flip))
    assert len(seen) > min(2 * (2 * padding + 1) ** 2, 60) // 2
    assert np.array_equal(images, untouched)


# ---- batches


def training_batches(samples=50, batch_size=16, seed=0, size=8):
    state = np.random.RandomState(2)
    images = state.randint(0, 256, (samples, 3, size, size)).astype(np.uint8)
    labels = np.arange(samples).astype(np.uint8)
    mean = images.mean(0).astype(np.float32)
    return batches.TrainingBatches(images, labels, mean, batch_size, seed)


def equal(expected, other):
    return all(np.array_equal(a, b) for a, b in zip(expected, other))


def test_batch_is_the_same_whatever_was_asked_for_before():
    by_number = training_batches()
    for iteration in (4, 1, 30, 2, 30, 7, 8, 1, 29, 100, 4):
        assert equal(by_number.batch(iteration), training_batches().batch(iteration)), iteration


@pytest.mark.parametrize("batch_size", [16, 50, 1, 120])
def test_epoch_shows_each_sample_once_even_if_the_batch_does_not_divide_it(batch_size):
    training_set = training_batches(batch_size=batch_size)
    iterations = range(1, 4 * 50 // batch_size + 2)
    shown = [pair for iteration in iterations for pair in training_set.samples(iteration)]
    labels = np.concatenate([training_set.batch(iteration)[1] for iteration in iterations])
    assert all(len(training_set.samples(iteration)) == batch_size for iteration in iterations)
    assert len(shown) >= 200
    assert [sample for _, sample in shown] == labels.tolist()
    orders = []
    for epoch in range(4):
        here = shown[50 * epoch : 50 * (epoch + 1)]
        assert [number for number, _ in here] == [epoch] * 50
        orders.append([sample for _, sample in here])
        assert sorted(orders[-1]) == list(range(50))
    assert len(set(map(tuple, orders))) == 4, "two epochs have the same order"


@pytest.mark.parametrize("other", [(1, 0), (0, 1)])
def test_seeds_and_epochs_differ_in_order_crops_and_flips(other):
    draws = [augment.draw(seed, epoch, 50, 4) for seed, epoch in ((0, 0), other)]
    assert not any(np.array_equal(a, b) for a, b in zip(*draws))
    assert training_batches(seed=0).samples(1) != training_batches(seed=1).samples(1)


@pytest.mark.parametrize("first, last", [(1, 9), (5, 12), (3, 3), (4, 5), (5, 4)])
def test_stream_gives_exactly_the_batches_asked_for_in_order(first, last):
    streamed = list(training_batches().stream(first, last))
    assert len(streamed) == last - first + 1
    for iteration, batch in enumerate(streamed, first):
        arrays = batch.data[0].asnumpy(), batch.label[0].asnumpy()
        assert equal(arrays, training_batches().batch(iteration)), iteration
        assert batch.pad == 0 and arrays[0].dtype == arrays[1].dtype == np.float32


def test_failure_in_the_background_reaches_whoever_reads_the_stream(monkeypatch):
    training_set = training_batches()
    good = training_set.batch

    def batch(iteration):
        if iteration == 3:
            raise MemoryError("no room")
        return good(iteration)

    monkeypatch.setattr(training_set, "batch", batch)
    stream = training_set.stream(1, 10)
    next(stream), next(stream)
    with pytest.raises(MemoryError, match="no room"):
        next(stream)


@pytest.mark.parametrize("batch_size", [16, 7, 40, 100])
def test_test_set_that_no_batch_divides_is_covered_once_in_order(batch_size):
    state = np.random.RandomState(4)
    images = state.randint(0, 256, (37, 3, 4, 4)).astype(np.uint8)
    labels = (np.arange(37) % 10).astype(np.uint8)
    mean = images.mean(0).astype(np.float32)
    iterator = batches.TestBatches(images, labels, mean, batch_size)
    assert iterator.provide_data[0].dtype == np.float32
    for _ in range(2):  # a second pass, too, starts at the beginning
        iterator.reset()
        all_batches = list(iterator)
        *full, last = [batch.pad for batch in all_batches]
        assert full == [0] * (37 // batch_size) and last == batch_size - 37 % batch_size
        assert all(batch.data[0].shape == (batch_size, 3, 4, 4) for batch in all_batches)

        shown = np.concatenate([batch.data[0].asnumpy() for batch in all_batches])[:37]
        assert np.array_equal(shown, images.astype(np.float32) - mean)
        shown = np.concatenate([batch.label[0].asnumpy() for batch in all_batches])[:37]
        assert np.array_equal(shown, labels)
