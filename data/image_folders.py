"""A user's own images for CIFAR's networks: class folders, or a set in CIFAR's layout, in memory.

    make pictures-preact110 DATA=folder
    .venv/bin/python train_cifar.py preact110 --dataset pictures --data-dir folder

data/folders.py describes the folders. The shorter side of an image is resized, and its centre is
used.
"""

import hashlib
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import absence

from . import cifar, folders, image_files


def load(folder, image_size=32, skip_unreadable=False, trained_on=None):
    """Return the cifar.Dataset of a folder. Its class_names are the names of the class folders.

    image_size: pixels, a multiple of 4 and at least 8 (of a set in CIFAR's layout: a divisor of
    32). skip_unreadable: leave corrupt files out. trained_on: the fingerprint of a network's
    training set; all images of any other folder without a test set are test images. Raises
    UserError for a folder without images, and for corrupt files.
    """
    if folder is None or not Path(folder).is_dir():
        reason = f"{folder} {absence(folder)}" if folder else "--dataset pictures"
        raise UserError(f"{reason}: name the folder of your images with --data-dir (DATA=)")
    folder = Path(folder)
    dataset = cifar.load_own(folder, image_size)
    if dataset is not None and skip_unreadable:
        raise UserError(
            f"{folder} is a set in CIFAR's layout, without image files: leave out --skip-unreadable"
        )
    if dataset is not None:
        return dataset
    if image_size < 8 or image_size % 4:
        raise UserError(f"--image-size {image_size}: must be a multiple of 4, and at least 8")
    listing = folders.listing(folder, is_tested=trained_on is not None)
    dataset = _dataset(folder, listing, image_size, skip_unreadable, trained_on is not None)
    if trained_on is not None and listing.is_held_out and dataset.fingerprint != trained_on:
        images = np.concatenate([dataset.train_images, dataset.test_images])
        labels = np.concatenate([dataset.train_labels, dataset.test_labels])
        name = f"{image_files.printable(folder.resolve().name)} ({len(images):,} images)"
        dataset = dataset._replace(name=name, test_images=images, test_labels=labels)
    folders.print_untested(listing.classes, dataset.test_labels)
    return dataset


def _dataset(folder, listing, image_size, skip_unreadable, is_tested):
    images = {}
    unreadable = {}
    transparent = 0
    for split, pairs in listing.splits.items():
        images[split], reasons, count = _squares(folder, pairs, image_size)
        unreadable.update(reasons)
        transparent += count
    splits = folders.readable(folder, listing, unreadable, skip_unreadable, is_tested)
    if transparent:
        print(image_files.composited(transparent))
    kind = np.uint8 if len(listing.classes) <= 256 else np.int32
    digest = hashlib.sha1()
    arrays = []
    for split, pairs in listing.splits.items():
        if unreadable:
            images[split] = images[split][[path not in unreadable for path, _ in pairs]]
        labels = np.array([label for _, label in splits[split]], kind)
        digest.update(images[split])
        digest.update(labels)
        arrays += [images[split], labels]
    names = tuple(image_files.printable(name) for name in listing.classes)
    title = image_files.title(folder, len(splits["train"]), len(splits["val"]), names)
    return cifar.Dataset(title, len(names), *arrays, digest.hexdigest(), names, "pictures")


def _squares(folder, pairs, size):
    """Return (images uint8 (n, 3, size, size), {unreadable path: reason}, transparent images)."""
    images = np.zeros((len(pairs), 3, size, size), np.uint8)
    unreadable = {}
    transparent = 0

    def square(image):
        return image_files.square(image, size)

    attempts = image_files.attempts(folder, pairs, size, square, "images")
    for k, (pixels, is_transparent, reason) in enumerate(attempts):
        transparent += is_transparent
        if reason:
            unreadable[pairs[k][0]] = reason
        else:
            images[k] = pixels
    return images, unreadable, transparent
