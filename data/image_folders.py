"""A user's own images for CIFAR's networks: class folders, or a set in CIFAR's layout, in memory.

    make pictures-preact110 DATA=folder
    python train_cifar.py --dataset pictures --data-dir folder --activation preact --depth 110

data/folders.py describes the folders. The shorter side of an image is resized, and its centre is
used.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from common.environment import bar, physical_cores
from common.errors import UserError
from common.files import absence

from . import cifar, folders, image_files


def load(folder, image_size=32, skip_unreadable=False, trained_on=None):
    """The cifar.Dataset of a folder. Its class_names are the names of the class folders.

    image_size: pixels, a multiple of 4 and at least 8 (of a set in CIFAR's layout: a divisor of
    32). skip_unreadable: leave corrupt files out. trained_on: the fingerprint of a network's
    training set; all images of any other folder without a test set are test images. Raises
    UserError for a folder without images, and for corrupt files.
    """
    if folder is None:
        raise UserError("--dataset pictures: name the folder of your images by --data-dir (DATA=)")
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            f"{folder} {absence(folder)}: name the folder of your images by --data-dir (DATA=)"
        )
    dataset = cifar.load_own(folder, image_size)
    if dataset is not None:
        return dataset
    if image_size < 8 or image_size % 4:
        raise UserError(f"--image-size {image_size}: a multiple of 4, and at least 8")
    listing = folders.listing(folder, is_tested=trained_on is not None)
    for note in listing.notes:
        print(note)
    dataset = _dataset(folder, listing, image_size, skip_unreadable)
    if trained_on is None or not listing.is_held_out or dataset.fingerprint == trained_on:
        return dataset
    count = len(dataset.train_labels) + len(dataset.test_labels)
    return dataset._replace(
        name=f"{image_files.printable(folder.resolve().name)} ({count:,} images)",
        test_images=np.concatenate([dataset.train_images, dataset.test_images]),
        test_labels=np.concatenate([dataset.train_labels, dataset.test_labels]),
    )


def _dataset(folder, listing, image_size, skip_unreadable):
    arrays = []
    unreadable = []
    transparent = 0
    kind = np.uint8 if len(listing.classes) <= 256 else np.int32
    for split, pairs in listing.splits.items():
        images, reasons, count = _squares(folder, pairs, image_size)
        labels = np.array([label for _, label in pairs], kind)
        transparent += count
        if any(reasons):
            readable = np.array([reason is None for reason in reasons])
            images = images[readable]
            lost = set(labels) - set(labels[readable])
            labels = labels[readable]
            unreadable += [f"{pair[0]}: {why}" for pair, why in zip(pairs, reasons) if why]
            if skip_unreadable and (lost and split == "train" or not len(labels)):
                raise UserError(
                    f"no {split} image of {listing.classes[min(lost)]} in {folder} can be read "
                    f"({unreadable[0]}): repair or replace its files"
                )
        arrays += [images, labels]
    _report(folder, unreadable, skip_unreadable)
    if transparent:
        print(image_files.composited(transparent))
    digest = hashlib.sha1()
    for array in arrays:
        digest.update(array)
    names = tuple(image_files.printable(name) for name in listing.classes)
    title = (
        f"{image_files.printable(folder.resolve().name)} ({len(arrays[0]):,} + "
        f"{len(arrays[2]):,} images in {len(names):,} classes)"
    )
    return cifar.Dataset(title, len(names), *arrays, digest.hexdigest(), names)


def _squares(folder, pairs, size):
    """(images uint8 (n, 3, size, size), [None or why it cannot be read], transparent images)."""
    images = np.zeros((len(pairs), 3, size, size), np.uint8)
    reasons = [None] * len(pairs)
    transparent = [False] * len(pairs)

    def fill(place):
        path = folder / pairs[place][0]
        try:
            image = image_files.read(path, size)
            images[place] = image_files.square(image, size)
            transparent[place] = image.info.get(image_files.COMPOSITED, False)
        except Exception as error:  # a corrupt file can raise anything
            reasons[place] = image_files.reason(error, path)

    # Pillow decodes without Python's lock
    with ThreadPoolExecutor(physical_cores()) as pool:
        places = range(len(pairs))
        filled = pool.map(fill, places)
        for _ in bar(filled, total=len(pairs), desc="images", unit="image", leave=False):
            pass
    return images, reasons, sum(transparent)


def _report(folder, unreadable, skip_unreadable):
    if not unreadable:
        return
    summary = f"{len(unreadable):,} files in {folder} cannot be read ({'; '.join(unreadable[:3])})"
    if not skip_unreadable:
        raise UserError(
            f"{summary}: repair or remove them, or leave them out by --skip-unreadable (make: "
            "ARGS=--skip-unreadable)"
        )
    print(f"{summary}: left out")
