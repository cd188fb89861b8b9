"""CIFAR-10 and CIFAR-100 from the user's own files, in the binary or the Python version, whole in memory as uint8."""
import hashlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import opcodes

# A record of the binary version: label_bytes labels (CIFAR-100: coarse, fine), then 1,024 red, green and blue bytes.
Layout = namedtuple("Layout", "title classes label_bytes label_keys binary python folders")
LAYOUTS = {
    "cifar10": Layout("CIFAR-10", 10, 1, (b"labels",),
                      ([f"data_batch_{k}.bin" for k in range(1, 6)], "test_batch.bin"),
                      ([f"data_batch_{k}" for k in range(1, 6)], "test_batch"),
                      ("cifar-10-batches-bin", "cifar-10-batches-py")),
    "cifar100": Layout("CIFAR-100", 100, 2, (b"coarse_labels", b"fine_labels"),
                       (["train.bin"], "test.bin"), (["train"], "test"),
                       ("cifar-100-binary", "cifar-100-python")),
}
IMAGE_BYTES = 3 * 32 * 32
LARGEST = 200_000_000  # bytes; the largest file of the official sets has 155 million

# What a set is, by the SHA-1 of its test file in the binary version (the official ones as MXNet's gluon.data.vision has
# them) or of its test labels alone (the JPEGs decode a little differently from one version of libjpeg to the next).
TEST_FILES = {"67eb016db431130d61cd03c7ad570b013799c88c": "CIFAR-10",
              "8fb6623e830365ff53cf14adec797474f5478006": "CIFAR-100"}
TEST_LABELS = {"a9e342d8bb0fb12ebe543201ecca8bce83bd23df": "CIFAR-10 (JPEG q75)"}

SUPERCLASSES = 20  # of CIFAR-100, whose labels come first and are not used

# images uint8 (n, 3, size, size), labels uint8 (n,); fingerprint: SHA-1 of all of it, before any resizing or splitting
Dataset = namedtuple("Dataset", "name classes train_images train_labels test_images test_labels fingerprint")


def load(dataset, folder, image_size=32):
    """Read a whole set. dataset: cifar10 or cifar100. folder: holds its files, or the official archive's folder.

    image_size: 32, or a divisor of it; smaller pictures are the means of square blocks of pixels.
    Raises UserError for a missing, truncated or corrupt file.
    """
    check_size(image_size)
    layout = LAYOUTS[dataset]
    place, (train_files, test_file), read = _find(layout, Path(folder))
    parts = [read(place / name, layout) for name in train_files]
    test = read(place / test_file, layout)
    # Both sets have five training pictures for each test picture; whatever is truncated at a record's end breaks this.
    for name, part in zip(train_files, parts):
        if len(part) * len(parts) != 5 * len(test) or not len(part):
            raise UserError(f"{place / name} holds {len(part):,} images and {test_file} {len(test):,}: {layout.title} has "
                            f"{5 // len(parts)} to 1, so one is truncated; delete them, and copy or download the set again")
    train = np.concatenate(parts)
    digest = hashlib.sha1()
    for records in (train, test):
        digest.update(records)
    images = [block_average(records[:, layout.label_bytes:].reshape(-1, 3, 32, 32), image_size) for records in (train, test)]
    labels = [records[:, layout.label_bytes - 1].copy() for records in (train, test)]
    return Dataset(_title(layout, place, train, test, labels[1]), layout.classes,
                   images[0], labels[0], images[1], labels[1], digest.hexdigest())


def check_size(image_size):
    if image_size < 4 or 32 % image_size:
        raise UserError(f"--image-size {image_size}: the pictures have 32x32 pixels; choose 32, 16, 8 or 4")


def block_average(images, size):
    """(n, 3, 32, 32) uint8 -> (n, 3, size, size) uint8: each pixel is the rounded mean of a square block."""
    block = images.shape[-1] // size
    if block == 1:
        return np.ascontiguousarray(images)
    sums = sum(images[:, :, i::block, j::block].astype(np.uint16) for i in range(block) for j in range(block))
    return ((sums + block * block // 2) // (block * block)).astype(np.uint8)


def split_validation(dataset, seed):
    """Hold out one training picture in ten, drawn by seed, as the test set: 45k/5k of CIFAR's 50k (1512.03385)."""
    order = np.random.RandomState([seed, 45000]).permutation(len(dataset.train_images))
    held_out, kept = np.sort(order[:len(order) // 10]), np.sort(order[len(order) // 10:])
    return dataset._replace(name=f"{dataset.name}, held-out tenth of the training set",
                            train_images=dataset.train_images[kept], train_labels=dataset.train_labels[kept],
                            test_images=dataset.train_images[held_out], test_labels=dataset.train_labels[held_out])


def _find(layout, folder):
    """The folder that has the files, their names, and the function that reads one."""
    for place in (folder, *(folder / name for name in layout.folders)):
        for (train_files, test_file), read in ((layout.binary, _read_binary), (layout.python, _read_python)):
            names = [*train_files, test_file]
            missing = [name for name in names if not (place / name).is_file()]
            if not missing:
                return place, (train_files, test_file), read
            if len(missing) < len(names):
                raise UserError(f"{place} lacks {', '.join(missing)} of {layout.title}; copy the missing files there")
    raise UserError(f"{folder} has no {layout.title}: neither {layout.binary[1]} (binary version) nor "
                    f"{layout.python[1]} (Python version) is there; name the folder that has them by --data-dir (make: DATA=)")


def _read_binary(path, layout):
    """One file of the binary version -> uint8 records (n, label_bytes + 3072)."""
    size = layout.label_bytes + IMAGE_BYTES
    content = np.frombuffer(_content(path), dtype=np.uint8)
    if len(content) % size:
        raise UserError(f"{path} has {len(content):,} bytes, no multiple of a record's {size:,}: it is truncated or no "
                        f"{layout.title} file; delete it, and copy or download it again")
    return _check_labels(content.reshape(-1, size), path, layout)


def _content(path):
    size = path.stat().st_size
    if size > LARGEST:
        raise UserError(f"{path} has {size:,} bytes, and no file of CIFAR has more than {LARGEST:,}: it is another file; "
                        "copy or download the set again")
    return path.read_bytes()


def _read_python(path, layout):
    """One file of the Python version -> the same records."""
    content = _content(path)
    try:
        content = opcodes.read(content)
        images, labels = content[b"data"], [content[key] for key in layout.label_keys]
        if not isinstance(images, np.ndarray) or not all(type(label) is int for column in labels for label in column):
            raise ValueError("its data are no array, or its labels no numbers")
        labels = np.array(labels, dtype=np.int64).T
        if images.shape != (len(labels), IMAGE_BYTES) or labels.min(initial=0) < 0 or labels.max(initial=0) > 255:
            raise ValueError(f"images of shape {images.shape} with labels of shape {labels.shape}")
    except opcodes.Forbidden as error:
        raise UserError(f"{path} asks to load {error}, which no CIFAR file needs: do not trust it; use the official "
                        "archive") from error
    except Exception as error:  # a broken file can raise anything, in any number of lines
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{path} is no sound file of {layout.title}'s Python version ({reason}); "
                        "delete it, and copy or download it again") from error
    return _check_labels(np.concatenate([labels.astype(np.uint8), images], axis=1), path, layout)


def _check_labels(records, path, layout):
    wrong = np.flatnonzero(records[:, layout.label_bytes - 1] >= layout.classes)
    if layout.label_bytes == 2 and not len(wrong) and records[:, 0].max(initial=0) >= SUPERCLASSES:
        raise UserError(f"{path} is corrupt: {layout.title} has no more than {SUPERCLASSES} superclasses; delete it, and copy or "
                        "download it again")
    if len(wrong):
        raise UserError(f"{path} is corrupt: image {wrong[0]} has the label {records[wrong[0], layout.label_bytes - 1]}, and "
                        f"{layout.title} has {layout.classes} classes; delete it, and copy or download it again")
    return records


def _title(layout, place, train, test, test_labels):
    """What figures and tables call the set."""
    if (place / "generated.txt").is_file():
        title = (place / "generated.txt").read_text(errors="replace")[:100]
        return next(iter(title.splitlines()), "") or "generated shapes"
    known = TEST_FILES.get(hashlib.sha1(test).hexdigest()) or TEST_LABELS.get(hashlib.sha1(test_labels).hexdigest())
    return known or f"{place.resolve().name} ({len(train):,} + {len(test):,} images in the layout of {layout.title})"
