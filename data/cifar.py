"""CIFAR-10 and CIFAR-100, and sets of a user in their layout, in memory as uint8."""

import hashlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common import data_names
from common.errors import UserError
from common.files import ROOT, absence

from . import download, image_files, layouts
from .layouts import LAYOUTS

# Names of known sets, by the SHA-1 of the test file in the binary version (the official ones are
# those of MXNet's gluon.data.vision).
TEST_FILES = {
    "67eb016db431130d61cd03c7ad570b013799c88c": data_names.CIFAR10,
    "cbea4389ae3e377c0090406f1f786efe5ded9c7e": data_names.CIFAR10_NEARLY,
    "8fb6623e830365ff53cf14adec797474f5478006": data_names.CIFAR100,
}
# By the SHA-1 of the test labels, because versions of libjpeg decode a JPEG differently.
TEST_LABELS = {"a9e342d8bb0fb12ebe543201ecca8bce83bd23df": data_names.CIFAR10_JPEG}
IMAGES = (50000, 10000)  # of the official sets, for training and testing
REMEDY = (
    "copy or download it again; or train a set of your own with --dataset pictures (make "
    "pictures-NETWORK)"
)

# images: uint8 (n, 3, size, size); labels: integers (n,); fingerprint: SHA-1 of images and labels
# before resizing and splitting; class_names: in the order of the labels, or empty; family: how a
# photograph is prepared, in data/inputs.py
Dataset = namedtuple(
    "Dataset",
    "name classes train_images train_labels test_images test_labels fingerprint class_names family",
    defaults=("", (), "cifar"),
)


def load(dataset, folder=None, image_size=32, for_cost=False):
    """Return the Dataset of an official set, or of one with the same layout.

    dataset: cifar10 or cifar100. folder: the folder with its files or with the official archive's
    folder, or the archive; None: the set is downloaded. image_size: 32, 16, 8 or 4; a smaller pixel
    is the mean of a block. for_cost: the set is used only to measure time and memory; without a
    folder, its images are black. Raises UserError for a missing, truncated or corrupt file.
    """
    check_size(image_size)
    layout = LAYOUTS[dataset]
    if folder is None and for_cost:
        arrays = []
        for count in IMAGES:  # for training, for testing
            arrays.append(np.zeros((count, 3, image_size, image_size), np.uint8))
            arrays.append(np.zeros(count, np.uint8))
        return Dataset(layout.title, layout.classes, *arrays)
    with layouts.unpacked(Path(folder or download.fetch(dataset, ROOT / "data")), layout) as place:
        files = layouts.find(place, layout)
        if files is None:
            what = f"has no {layout.title} ({layout.test}.bin or {layout.test})"
            raise UserError(
                f"{place} {what if place.is_dir() else absence(place)}: name the folder of "
                f"{layout.title}, or the one with {layout.folders[0]}/ (--data-dir; make: DATA=)"
            )
        *parts, test = _records(files)
        for path, part in zip(files.train, parts):
            # Both sets have five training images for each test image. A truncated file does not.
            if len(part) * len(parts) != 5 * len(test) or not len(part):
                raise UserError(
                    f"{path} has {len(part):,} images and {files.test.name} {len(test):,}; in "
                    f"{layout.title} the ratio is {5 // len(parts)} to 1: one of the files is "
                    f"truncated; {REMEDY}"
                )
        for path, part in zip([*files.train, files.test], [*parts, test]):
            wrong = np.flatnonzero(_labels(part, layout) >= layout.classes)
            if len(wrong):
                raise UserError(
                    f"{path} is corrupt: image {wrong[0]} has the label "
                    f"{_labels(part, layout)[wrong[0]]}, and {layout.title} has {layout.classes} "
                    f"classes; {REMEDY}"
                )
        return _dataset(files, np.concatenate(parts), test, layout.classes, image_size)


def load_own(folder, image_size=32):
    """Return the Dataset of a user's set in CIFAR's layout, with any number of images and classes.

    Returns None if the folder has no such set. The number of classes is that of the names
    (batches.meta), or the largest label plus one. Raises UserError for a file in another layout,
    an empty file, and a label without a name.
    """
    versions = (layouts.find(Path(folder), layout, False) for layout in LAYOUTS.values())
    files = next(filter(None, versions), None)
    if files is None:
        return None
    check_size(image_size)
    parts = _records(files)
    for path, part in zip([*files.train, files.test], parts):
        if not len(part):
            raise UserError(f"{path} has no images: add some, or remove it")
    largest = int(_labels(np.concatenate(parts), files.layout).max())
    names = layouts.class_names(files)
    if names and largest >= len(names):
        raise UserError(
            f"{folder} has a label {largest}, and names of {len(names)} classes: add the missing "
            "names"
        )
    if not largest:
        raise UserError(f"{folder} has images of one class only: add images of another")
    train = np.concatenate(parts[:-1])
    return _dataset(files, train, parts[-1], len(names) or largest + 1, image_size)


def _records(files):
    return [layouts.read(path, files.layout) for path in [*files.train, files.test]]


def _labels(records, layout):
    return records[:, len(layout.label_keys) - 1]


def _dataset(files, train, test, classes, image_size):
    layout = files.layout
    digest = hashlib.sha1()
    arrays = []
    for records in (train, test):
        digest.update(records)
        images = records[:, len(layout.label_keys) :].reshape(-1, 3, 32, 32)
        arrays.append(block_average(images, image_size))
        arrays.append(_labels(records, layout).copy())
    names = layouts.class_names(files)
    name = _name(files, train, test)
    names = names if len(names) == classes else ()
    return Dataset(name, classes, *arrays, digest.hexdigest(), names)


def _name(files, train, test):
    """Return the name of the set in figures and tables."""
    generated = files.test.with_name("generated.txt")
    if generated.is_file():
        lines = generated.read_text(errors="replace")[:100].splitlines()
        return lines[0] if lines else "generated shapes"
    known = TEST_FILES.get(hashlib.sha1(test).hexdigest()) or TEST_LABELS.get(
        hashlib.sha1(_labels(test, files.layout).copy()).hexdigest()
    )
    name = image_files.printable(files.test.parent.resolve().name)
    counts = f"{len(train):,} + {len(test):,} images"
    return known or f"{name} ({counts} in {files.layout.title}'s layout)"


def check_size(image_size):
    if image_size < 4 or 32 % image_size:
        raise UserError(
            f"--image-size {image_size}: the images have 32x32 pixels; choose 32, 16, 8 or 4"
        )


def block_average(images, size):
    """Return uint8 (n, 3, size, size) of (n, 3, 32, 32): rounded means of square blocks."""
    block = images.shape[-1] // size
    if block == 1:
        return np.ascontiguousarray(images)
    sums = sum(  # NumPy's own sum over two axes takes five times as long
        images[:, :, i::block, j::block].astype(np.uint16)
        for i in range(block)
        for j in range(block)
    )
    return ((sums + block * block // 2) // (block * block)).astype(np.uint8)


def split_validation(dataset, seed):
    """Hold out a tenth of the training images, drawn by seed, as the test set (1512.03385: 45k/5k).

    Raises UserError for fewer than ten images.
    """
    count = len(dataset.train_images)
    if count < 10:
        raise UserError(
            f"--validation holds out a tenth of the training images, and {dataset.name} has "
            f"{count}: leave it out, or add images"
        )
    order = np.random.RandomState([seed, 45000]).permutation(count)
    held_out, kept = np.sort(order[: count // 10]), np.sort(order[count // 10 :])
    return dataset._replace(
        name=f"{dataset.name}, held-out tenth of the training set",
        train_images=dataset.train_images[kept],
        train_labels=dataset.train_labels[kept],
        test_images=dataset.train_images[held_out],
        test_labels=dataset.train_labels[held_out],
    )
