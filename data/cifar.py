"""CIFAR-10 and CIFAR-100 from the user's own files, in the binary or the Python version, whole in
memory as uint8."""

import hashlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import layouts, photos
from .layouts import LAYOUTS, OWN

# What a set is, by the SHA-1 of its test file in the binary version (the official ones as MXNet's
# gluon.data.vision has them) or of its test labels alone (the JPEGs decode a little differently
# from one version of libjpeg to the next).
TEST_FILES = {
    "67eb016db431130d61cd03c7ad570b013799c88c": "CIFAR-10",
    # every training image is the original; 20 test images are decoded JPEGs
    "cbea4389ae3e377c0090406f1f786efe5ded9c7e": "CIFAR-10 (20 test images as JPEG)",
    "8fb6623e830365ff53cf14adec797474f5478006": "CIFAR-100",
}
TEST_LABELS = {"a9e342d8bb0fb12ebe543201ecca8bce83bd23df": "CIFAR-10 (JPEG q75)"}

SUPERCLASSES = 20  # of CIFAR-100, whose labels come first and are not used

# images uint8 (n, 3, size, size), labels whole numbers (n,); fingerprint: SHA-1 of all of it,
# before any resizing or splitting; class_names: in the order of the labels, empty where no file
# says them
Dataset = namedtuple(
    "Dataset",
    "name classes train_images train_labels test_images test_labels " "fingerprint class_names",
    defaults=((),),
)


def load(dataset, folder, image_size=32):
    """The Dataset of a whole set. dataset: cifar10 or cifar100.

    folder: holds its files, or the official archive's folder. image_size: 32, or a divisor of it;
    smaller pictures are the means of square blocks of pixels. Raises UserError for a missing,
    truncated or corrupt file.
    """
    check_size(image_size)
    layout = LAYOUTS[dataset]
    files = layouts.find(layout, Path(folder))
    parts = [_checked(files.read(path, layout), path, layout) for path in files.train]
    test = _checked(files.read(files.test, layout), files.test, layout)
    # Both sets have five training pictures for each test picture; what is cut at a record's end
    # breaks this.
    for path, part in zip(files.train, parts):
        if len(part) * len(parts) != 5 * len(test) or not len(part):
            raise UserError(
                f"{path} holds {len(part):,} images and {files.test.name} "
                f"{len(test):,}, and {layout.title} has {5 // len(parts)} to 1: one is "
                f"truncated, and is to be copied or downloaded again; or {OWN}"
            )
    return _dataset(layout, files, np.concatenate(parts), test, layout.classes, image_size)


def load_own(folder, image_size=32):
    """The Dataset of one's own set in CIFAR's layout, of any number of pictures, files and classes;
    None if there is none.

    The number of classes is that of the names (batches.meta and its like), or the largest label and
    one. Raises UserError for a file that is none of CIFAR's layout, an empty one, and a label
    without a name.
    """
    files = layouts.find_own(Path(folder))
    if files is None:
        return None
    check_size(image_size)
    layout = LAYOUTS[files.dataset]
    parts = [files.read(path, layout) for path in files.train]
    test = files.read(files.test, layout)
    for path, part in zip([*files.train, files.test], [*parts, test]):
        if not len(part):
            raise UserError(f"{path} has no pictures: write some into it, or remove it")
    train = np.concatenate(parts)
    labels = np.concatenate([train, test])[:, layout.label_bytes - 1]
    largest = int(labels.max())
    names = layouts.class_names(layout, files)
    if names and largest >= len(names):
        raise UserError(
            f"{files.place} has a label {largest}, and names of {len(names)} classes: "
            "add the names that lack"
        )
    if not largest:
        raise UserError(
            f"{files.place} has pictures of one class only: at least two are to be " "told apart"
        )
    return _dataset(layout, files, train, test, len(names) or largest + 1, image_size)


def _dataset(layout, files, train, test, classes, image_size):
    digest = hashlib.sha1()
    images = []
    labels = []
    for records in (train, test):
        digest.update(records)
        pictures = records[:, layout.label_bytes :].reshape(-1, 3, 32, 32)
        images.append(block_average(pictures, image_size))
        labels.append(records[:, layout.label_bytes - 1].copy())
    names = layouts.class_names(layout, files)
    if len(names) != classes:
        names = ()
    return Dataset(
        _title(layout, files.place, train, test, labels[1]),
        classes,
        images[0],
        labels[0],
        images[1],
        labels[1],
        digest.hexdigest(),
        names,
    )


def check_size(image_size):
    if image_size < 4 or 32 % image_size:
        raise UserError(
            f"--image-size {image_size}: the pictures have 32x32 pixels; choose 32, " "16, 8 or 4"
        )


def block_average(images, size):
    """(n, 3, 32, 32) uint8 -> (n, 3, size, size) uint8: each pixel is the rounded mean of a square
    block."""
    block = images.shape[-1] // size
    if block == 1:
        return np.ascontiguousarray(images)
    sums = sum(
        images[:, :, i::block, j::block].astype(np.uint16)
        for i in range(block)
        for j in range(block)
    )
    return ((sums + block * block // 2) // (block * block)).astype(np.uint8)


def split_validation(dataset, seed):
    """Hold out one training picture in ten, drawn by seed, as the test set: 45k/5k of CIFAR's 50k
    (1512.03385)."""
    order = np.random.RandomState([seed, 45000]).permutation(len(dataset.train_images))
    held_out, kept = np.sort(order[: len(order) // 10]), np.sort(order[len(order) // 10 :])
    return dataset._replace(
        name=f"{dataset.name}, held-out tenth of the training set",
        train_images=dataset.train_images[kept],
        train_labels=dataset.train_labels[kept],
        test_images=dataset.train_images[held_out],
        test_labels=dataset.train_labels[held_out],
    )


def _checked(records, path, layout):
    """The records of an official set. Raises UserError for a label that it does not have."""
    again = f"copy or download it again; or {OWN}"
    labels = records[:, layout.label_bytes - 1]
    wrong = np.flatnonzero(labels >= layout.classes)
    if len(wrong):
        raise UserError(
            f"{path} is corrupt: image {wrong[0]} has the label {labels[wrong[0]]}, "
            f"and {layout.title} has {layout.classes} classes; {again}"
        )
    if layout.label_bytes == 2 and records[:, 0].max(initial=0) >= SUPERCLASSES:
        raise UserError(
            f"{path} is corrupt: {layout.title} has no more than {SUPERCLASSES} "
            f"superclasses; {again}"
        )
    return records


def _title(layout, place, train, test, test_labels):
    """What figures and tables call the set."""
    if (place / "generated.txt").is_file():
        title = (place / "generated.txt").read_text(errors="replace")[:100]
        return next(iter(title.splitlines()), "") or "generated shapes"
    known = TEST_FILES.get(hashlib.sha1(test).hexdigest()) or TEST_LABELS.get(
        hashlib.sha1(test_labels).hexdigest()
    )
    own = (
        f"{photos.printable(place.resolve().name)} ({len(train):,} + {len(test):,} images in the "
        f"layout of {layout.title})"
    )
    return known or own
