"""One's own pictures for CIFAR's networks: class folders, or a set in CIFAR's layout, whole in
memory as uint8.

    make pictures-preact110 DATA=folder
    python train_cifar.py --dataset pictures --data-dir folder --activation preact --depth 110

What a folder of class folders may look like: data/folders.py. A picture of any size is resized by
its shorter side, and its centre is taken.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from common.environment import bar, physical_cores
from common.errors import UserError
from common.files import absence

from . import cifar, folders, photos


def load(folder, image_size=32):
    """The cifar.Dataset of a folder; its class_names are those of the class folders.

    image_size: pixels a side, a multiple of 4 and at least 8 (of a set in CIFAR's layout: a divisor
    of 32). Raises UserError for a folder that has neither, and for files that are no pictures.
    """
    if folder is None:
        raise UserError(
            "--dataset pictures: name the folder of your pictures by --data-dir " "(make: DATA=)"
        )
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            f"{folder} {absence(folder)}: name the one of your pictures by --data-dir "
            "(make: DATA=)"
        )
    own = cifar.load_own(folder, image_size)
    if own is not None:
        return own
    if image_size < 8 or image_size % 4:
        raise UserError(f"--image-size {image_size}: a multiple of 4, and at least 8")
    classes, splits, notes = folders.listing(folder)
    for note in notes:
        print(note)
    train_images = _squares(folder, splits["train"], image_size)
    test_images = _squares(folder, splits["val"], image_size)
    kind = np.uint8 if len(classes) <= 256 else np.int32
    train_labels = np.array([label for _, label in splits["train"]], kind)
    test_labels = np.array([label for _, label in splits["val"]], kind)
    digest = hashlib.sha1()
    for array in (train_images, train_labels, test_images, test_labels):
        digest.update(array)
    title = (
        f"{photos.printable(folder.resolve().name)} ({len(train_labels):,} + "
        f"{len(test_labels):,} images in "
        f"{len(classes):,} classes)"
    )
    names = tuple(photos.printable(name) for name in classes)
    return cifar.Dataset(
        title,
        len(classes),
        train_images,
        train_labels,
        test_images,
        test_labels,
        digest.hexdigest(),
        names,
    )


def _squares(folder, pairs, size):
    """uint8 (n, 3, size, size) of the files of [(path, label)]. Raises UserError that names what
    cannot be read."""
    squares = np.empty((len(pairs), 3, size, size), np.uint8)
    unreadable = []

    def fill(place):
        path = folder / pairs[place][0]
        try:
            squares[place] = photos.square(photos.read(path, size), size)
        except Exception as error:  # a broken file can raise anything
            unreadable.append(f"{pairs[place][0]}: {photos.reason(error, path)}")

    # Pillow lets other threads work while it decodes
    with ThreadPoolExecutor(physical_cores()) as pool:
        for _ in bar(
            pool.map(fill, range(len(pairs))),
            total=len(pairs),
            desc="pictures",
            unit="image",
            leave=False,
        ):
            pass
    if unreadable:
        raise UserError(
            f"{len(unreadable):,} files in {folder} cannot be read "
            f"({'; '.join(sorted(unreadable)[:3])}): mend or remove them"
        )
    return squares
