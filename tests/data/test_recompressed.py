"""A recompressed set is the same pictures in the same order, a little worse."""

import numpy as np
import pytest

from common.errors import UserError
from data import cifar, recompressed


def test_recompressed_set_is_the_same_pictures_a_little_worse(images, tmp_path):
    recompressed.write(images, tmp_path)
    before, after = cifar.load("cifar10", images), cifar.load("cifar10", tmp_path)
    assert np.array_equal(before.train_labels, after.train_labels)
    assert np.array_equal(before.test_labels, after.test_labels)
    assert before.class_names == after.class_names
    assert after.name == f"{before.name}, once more through JPEG q75"
    for split in ("train_images", "test_images"):
        old, new = getattr(before, split), getattr(after, split)
        errors = ((old.astype(float) - new) ** 2).mean(axis=(1, 2, 3))
        others = ((old.astype(float) - new[::-1]) ** 2).mean(axis=(1, 2, 3))
        assert errors.min() > 0 and errors.mean() < others.mean() / 4


def test_second_compression_costs_where_its_blocks_lie_elsewhere(images, monkeypatch):
    pictures = cifar.load("cifar10", images).test_images

    def change(before, after):
        return np.mean([(old.astype(float) - new) ** 2 for old, new in zip(before, after)])

    first = [recompressed.recompressed(picture) for picture in pictures]
    same_blocks = [recompressed.recompressed(picture) for picture in first]
    monkeypatch.setattr(recompressed, "SHIFT", 0)
    other_blocks = [recompressed.recompressed(picture) for picture in first]
    assert change(first, same_blocks) < change(first, other_blocks) / 2


def test_a_set_is_not_written_over_itself(images):
    with pytest.raises(UserError, match="another folder"):
        recompressed.write(images, images)
