"""CIFAR-10 and CIFAR-100 from the user's own files, in the binary or the Python version, whole in memory as uint8."""
import hashlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import opcodes

# A record of the binary version: label_bytes labels (CIFAR-100: coarse, fine), then 1,024 red, green and blue bytes.
# names: the text file and the Python version's file that have the classes' names, and its key for them.
Layout = namedtuple("Layout", "dataset title classes label_bytes label_keys binary python folders names")
LAYOUTS = {
    "cifar10": Layout(
        dataset="cifar10",
        title="CIFAR-10",
        classes=10,
        label_bytes=1,
        label_keys=(b"labels",),
        binary=([f"data_batch_{k}.bin" for k in range(1, 6)], "test_batch.bin"),
        python=([f"data_batch_{k}" for k in range(1, 6)], "test_batch"),
        folders=("cifar-10-batches-bin", "cifar-10-batches-py"),
        names=("batches.meta.txt", "batches.meta", b"label_names")),
    "cifar100": Layout(
        dataset="cifar100",
        title="CIFAR-100",
        classes=100,
        label_bytes=2,
        label_keys=(b"coarse_labels", b"fine_labels"),
        binary=(["train.bin"], "test.bin"),
        python=(["train"], "test"),
        folders=("cifar-100-binary", "cifar-100-python"),
        names=("fine_label_names.txt", "meta", b"fine_label_names")),
}
# train: paths; test: path; read: the function that makes records of one
Files = namedtuple("Files", "dataset place train test read")
IMAGE_BYTES = 3 * 32 * 32
LARGEST = 200_000_000  # bytes; the largest file of the official sets has 155 million

# What a set is, by the SHA-1 of its test file in the binary version (the official ones as MXNet's gluon.data.vision has
# them) or of its test labels alone (the JPEGs decode a little differently from one version of libjpeg to the next).
TEST_FILES = {"67eb016db431130d61cd03c7ad570b013799c88c": "CIFAR-10",
              "8fb6623e830365ff53cf14adec797474f5478006": "CIFAR-100"}
TEST_LABELS = {"a9e342d8bb0fb12ebe543201ecca8bce83bd23df": "CIFAR-10 (JPEG q75)"}

SUPERCLASSES = 20  # of CIFAR-100, whose labels come first and are not used

# images uint8 (n, 3, size, size), labels whole numbers (n,); fingerprint: SHA-1 of all of it, before any
# resizing or splitting; class_names: in the order of the labels, empty where no file says them
Dataset = namedtuple("Dataset", "name classes train_images train_labels test_images test_labels fingerprint class_names",
                     defaults=((),))
OWN = "a set of your own is trained by --dataset pictures (make pictures-NETWORK)"


def load(dataset, folder, image_size=32):
    """The Dataset of a whole set. dataset: cifar10 or cifar100.

    folder: holds its files, or the official archive's folder. image_size: 32, or a divisor of it; smaller
    pictures are the means of square blocks of pixels. Raises UserError for a missing, truncated or corrupt file.
    """
    check_size(image_size)
    layout = LAYOUTS[dataset]
    files = _find(layout, Path(folder))
    parts = [_checked(files.read(path, layout), path, layout) for path in files.train]
    test = _checked(files.read(files.test, layout), files.test, layout)
    # Both sets have five training pictures for each test picture; what is cut at a record's end breaks this.
    for path, part in zip(files.train, parts):
        if len(part) * len(parts) != 5 * len(test) or not len(part):
            raise UserError(f"{path} holds {len(part):,} images and {files.test.name} {len(test):,}, and {layout.title} has "
                            f"{5 // len(parts)} to 1: one is truncated, and is to be copied or downloaded again; or {OWN}")
    return _dataset(layout, files, np.concatenate(parts), test, layout.classes, image_size)


def load_own(folder, image_size=32):
    """The Dataset of one's own set in CIFAR's layout, of any number of pictures, files and classes; None if there is none.

    The number of classes is that of the names (batches.meta and its like), or the largest label and one.
    Raises UserError for a file that is none of CIFAR's layout, an empty one, and a label without a name.
    """
    files = _find_own(Path(folder))
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
    names = _class_names(layout, files)
    if names and largest >= len(names):
        raise UserError(f"{files.place} has a label {largest}, and names of {len(names)} classes: add the names that lack")
    if not largest:
        raise UserError(f"{files.place} has pictures of one class only: at least two are to be told apart")
    return _dataset(layout, files, train, test, len(names) or largest + 1, image_size)


def _dataset(layout, files, train, test, classes, image_size):
    digest = hashlib.sha1()
    images = []
    labels = []
    for records in (train, test):
        digest.update(records)
        pictures = records[:, layout.label_bytes:].reshape(-1, 3, 32, 32)
        images.append(block_average(pictures, image_size))
        labels.append(records[:, layout.label_bytes - 1].copy())
    names = _class_names(layout, files)
    if len(names) != classes:
        names = ()
    return Dataset(_title(layout, files.place, train, test, labels[1]), classes, images[0], labels[0], images[1], labels[1],
                   digest.hexdigest(), names)


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
    """The Files of an official set."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: name the one that has {layout.title} by --data-dir (make: DATA=)")
    for place in (folder, *(folder / name for name in layout.folders)):
        for (train_files, test_file), read in ((layout.binary, _read_binary), (layout.python, _read_python)):
            names = [*train_files, test_file]
            missing = [name for name in names if not (place / name).is_file()]
            if not missing:
                return Files(layout.dataset, place, [place / name for name in train_files], place / test_file, read)
            if len(missing) < len(names):
                raise UserError(f"{place} lacks {', '.join(missing)} of {layout.title}: copy the missing files there; or {OWN}")
    raise UserError(f"{folder} has no {layout.title}: neither {layout.binary[1]} (binary version) nor "
                    f"{layout.python[1]} (Python version) is there; name the folder that has them by --data-dir (make: DATA=)")


def _find_own(folder):
    """The Files of a set in CIFAR's layout with any number of training files, or None."""
    for dataset, layout in LAYOUTS.items():
        for place in (folder, *(folder / name for name in layout.folders)):
            for (train_files, test_file), read in ((layout.binary, _read_binary), (layout.python, _read_python)):
                train = _numbered(place, train_files[0])
                test = place / test_file
                if train and test.is_file():
                    return Files(dataset, place, train, test, read)
                if train and dataset == "cifar10":
                    raise UserError(f"{place} has {train[0].name}, and no {test_file}: it holds the test pictures")
    return None


def _numbered(place, first):
    """The files that are called as the first one but for its number, in the order of their numbers."""
    stem, one, ending = first.partition("1")
    if not one:
        return [place / first] if (place / first).is_file() else []
    numbers = [path.name[len(stem):len(path.name) - len(ending)] for path in place.glob(f"{stem}*{ending}") if path.is_file()]
    return [place / f"{stem}{number}{ending}" for number in sorted(filter(str.isdecimal, numbers), key=int)]


def _class_names(layout, files):
    """The names that a text file, or the Python version's, has of the classes; empty if there is none."""
    text_file, python_file, key = layout.names
    text = files.place / text_file
    pickled = files.place / python_file
    if text.is_file():
        lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    if not pickled.is_file():
        return ()
    try:
        names = opcodes.read(_content(pickled))[key]
        return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)
    except Exception as error:  # a broken file can raise anything; Forbidden is a way to be broken, too
        raise UserError(f"{pickled} does not hold the classes' names as CIFAR's does ({_reason(error)}): "
                        "mend or remove it") from error


def _read_binary(path, layout):
    """One file of the binary version -> uint8 records (n, label_bytes + 3072)."""
    size = layout.label_bytes + IMAGE_BYTES
    content = np.frombuffer(_content(path), dtype=np.uint8)
    if len(content) % size:
        raise UserError(f"{path} has {len(content):,} bytes, no multiple of a record's {size:,}: it is truncated or no file in "
                        f"{layout.title}'s layout; copy or download it again")
    return content.reshape(-1, size)


def _content(path):
    size = path.stat().st_size
    if size > LARGEST:
        raise UserError(f"{path} has {size:,} bytes, and no file of CIFAR has more than {LARGEST:,}: it is another file; "
                        "copy or download the set again, or write a large set of your own as folders of pictures")
    return path.read_bytes()


def _read_python(path, layout):
    """One file of the Python version -> the same records."""
    content = _content(path)
    try:
        content = opcodes.read(content)
        images = content[b"data"]
        labels = np.stack([_label_column(content[key]) for key in layout.label_keys], axis=1)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("its data are no array of bytes")
        if images.shape != (len(labels), IMAGE_BYTES):
            raise ValueError(f"images of shape {images.shape} with labels of shape {labels.shape}")
    except opcodes.Forbidden as error:
        raise UserError(f"{path} asks to load {error}, which no CIFAR file needs: do not trust it; use the official "
                        "archive") from error
    except Exception as error:  # a broken file can raise anything, in any number of lines
        raise UserError(f"{path} is no sound file of {layout.title}'s Python version ({_reason(error)}): "
                        "copy, write or download it again") from error
    return np.ascontiguousarray(np.concatenate([labels, images], axis=1))


def _label_column(labels):
    """uint8 (n,) of a list of numbers, or of an array of whole numbers."""
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1:
            raise ValueError(f"labels of shape {labels.shape}")
    elif not all(type(label) is int for label in labels):
        raise ValueError("its labels are no numbers")
    column = np.asarray(labels, dtype=np.int64)
    if column.min(initial=0) < 0 or column.max(initial=0) > 255:
        raise ValueError("a label that is no number from 0 to 255")
    return column.astype(np.uint8)


def _reason(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


def _checked(records, path, layout):
    """The records of an official set. Raises UserError for a label that it does not have."""
    again = f"copy or download it again; or {OWN}"
    labels = records[:, layout.label_bytes - 1]
    wrong = np.flatnonzero(labels >= layout.classes)
    if len(wrong):
        raise UserError(f"{path} is corrupt: image {wrong[0]} has the label {labels[wrong[0]]}, and {layout.title} has "
                        f"{layout.classes} classes; {again}")
    if layout.label_bytes == 2 and records[:, 0].max(initial=0) >= SUPERCLASSES:
        raise UserError(f"{path} is corrupt: {layout.title} has no more than {SUPERCLASSES} superclasses; {again}")
    return records


def _title(layout, place, train, test, test_labels):
    """What figures and tables call the set."""
    if (place / "generated.txt").is_file():
        title = (place / "generated.txt").read_text(errors="replace")[:100]
        return next(iter(title.splitlines()), "") or "generated shapes"
    known = TEST_FILES.get(hashlib.sha1(test).hexdigest()) or TEST_LABELS.get(hashlib.sha1(test_labels).hexdigest())
    return known or f"{place.resolve().name} ({len(train):,} + {len(test):,} images in the layout of {layout.title})"
