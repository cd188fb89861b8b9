"""CIFAR-10 and CIFAR-100 from the user's files, in memory as uint8."""

import hashlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import image_files, layouts
from .layouts import LAYOUTS, OWN

# Names of known sets, by the SHA-1 of the test file in the binary version (the official ones are
# those of MXNet's gluon.data.vision).
TEST_FILES = {
    "67eb016db431130d61cd03c7ad570b013799c88c": "CIFAR-10",
    # every training image is the original; 20 test images are decoded JPEGs
    "cbea4389ae3e377c0090406f1f786efe5ded9c7e": "CIFAR-10 (20 test images as JPEG)",
    "8fb6623e830365ff53cf14adec797474f5478006": "CIFAR-100",
}
# By the SHA-1 of the test labels, because versions of libjpeg decode a JPEG differently.
TEST_LABELS = {"a9e342d8bb0fb12ebe543201ecca8bce83bd23df": "CIFAR-10 (JPEG q75)"}

SUPERCLASSES = 20  # of CIFAR-100, whose coarse labels are not used

# images: uint8 (n, 3, size, size); labels: integers (n,); fingerprint: SHA-1 of images and labels
# before resizing and splitting; class_names: in the order of the labels, or empty
Dataset = namedtuple(
    "Dataset",
    "name classes train_images train_labels test_images test_labels fingerprint class_names",
    defaults=((),),
)


def load(dataset, folder, image_size=32):
    """The Dataset of an official set, or of one with the same layout.

    dataset: cifar10 or cifar100. folder: the folder with its files or with the official archive's
    folder, or the archive. image_size: 32, 16, 8 or 4; a smaller pixel is the mean of a block.
    Raises UserError for a missing, truncated or corrupt file.
    """
    check_size(image_size)
    layout = LAYOUTS[dataset]
    with layouts.unpacked(Path(folder), layout) as place:
        files = layouts.find(layout, place)
        parts = [_checked(files.read(path, layout), path, layout) for path in files.train]
        test = _checked(files.read(files.test, layout), files.test, layout)
        # Both sets have five training images for each test image. A truncated file does not.
        for path, part in zip(files.train, parts):
            if len(part) * len(parts) != 5 * len(test) or not len(part):
                raise UserError(
                    f"{path} has {len(part):,} images and {files.test.name} {len(test):,}, and "
                    f"{layout.title} has {5 // len(parts)} to 1: one of them is truncated; copy or "
                    f"download it again; or {OWN}"
                )
        return _dataset(layout, files, np.concatenate(parts), test, layout.classes, image_size)


def load_own(folder, image_size=32):
    """The Dataset of a user's set in CIFAR's layout, with any number of images, files and classes.

    Returns None if the folder has no such set. The number of classes is that of the names
    (batches.meta), or the largest label plus one. Raises UserError for a file in another layout,
    an empty file, and a label without a name.
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
            raise UserError(f"{path} has no images: add some, or remove it")
    train = np.concatenate(parts)
    labels = np.concatenate([train, test])[:, layout.label_bytes - 1]
    largest = int(labels.max())
    names = layouts.class_names(layout, files)
    if names and largest >= len(names):
        raise UserError(
            f"{files.place} has a label {largest}, and names of {len(names)} classes: add the "
            "missing names"
        )
    if not largest:
        raise UserError(f"{files.place} has images of one class only: add images of another")
    return _dataset(layout, files, train, test, len(names) or largest + 1, image_size)


def _dataset(layout, files, train, test, classes, image_size):
    digest = hashlib.sha1()
    arrays = []
    for records in (train, test):
        digest.update(records)
        images = records[:, layout.label_bytes :].reshape(-1, 3, 32, 32)
        arrays.append(block_average(images, image_size))
        arrays.append(records[:, layout.label_bytes - 1].copy())
    names = layouts.class_names(layout, files)
    title = _title(layout, files.place, train, test, arrays[-1])
    return Dataset(
        title, classes, *arrays, digest.hexdigest(), names if len(names) == classes else ()
    )


def check_size(image_size):
    if image_size < 4 or 32 % image_size:
        raise UserError(
            f"--image-size {image_size}: the images have 32x32 pixels; choose 32, 16, 8 or 4"
        )


def block_average(images, size):
    """uint8 (n, 3, 32, 32) to (n, 3, size, size): a pixel is the rounded mean of a square block."""
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
    """Hold out a tenth of the training images, drawn by seed, as the test set (1512.03385: 45k/5k)."""
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
    """The records of an official set. Raises UserError for an unknown label."""
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
            f"{path} is corrupt: {layout.title} has {SUPERCLASSES} superclasses; {again}"
        )
    return records


def _title(layout, place, train, test, test_labels):
    """The name of the set in figures and tables."""
    if (place / "generated.txt").is_file():
        title = (place / "generated.txt").read_text(errors="replace")[:100]
        return next(iter(title.splitlines()), "") or "generated shapes"
    known = TEST_FILES.get(hashlib.sha1(test).hexdigest())
    known = known or TEST_LABELS.get(hashlib.sha1(test_labels).hexdigest())
    name = image_files.printable(place.resolve().name)
    return known or f"{name} ({len(train):,} + {len(test):,} images in {layout.title}'s layout)"
