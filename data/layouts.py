"""The files of CIFAR-10 and CIFAR-100, in the binary and the Python version, as arrays of records.

A record is what the binary version stores: the labels of an image (CIFAR-100: coarse, fine), then
1,024 red, green and blue bytes.
"""

import contextlib
import re
import shutil
import tarfile
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.data_names import CIFAR10, CIFAR100
from common.errors import UserError
from common.files import short

from . import unpickle

# label_keys: in a Python file, in the order of a record's labels, the last of which is the class;
# train, test: files of the Python version, whose names lack the binary version's .bin;
# folders, archive, md5: of the official binary (then Python) version, as its page states them;
# names: a text file and a Python file with the classes' names, and the key in the Python file
Layout = namedtuple("Layout", "title classes label_keys train test folders archive md5 names")
LAYOUTS = {
    "cifar10": Layout(
        title=CIFAR10,
        classes=10,
        label_keys=("labels",),
        train=[f"data_batch_{k}" for k in range(1, 6)],
        test="test_batch",
        folders=("cifar-10-batches-bin", "cifar-10-batches-py"),
        archive="cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        names=("batches.meta.txt", "batches.meta", "label_names"),
    ),
    "cifar100": Layout(
        title=CIFAR100,
        classes=100,
        label_keys=("coarse_labels", "fine_labels"),
        train=["train"],
        test="test",
        folders=("cifar-100-binary", "cifar-100-python"),
        archive="cifar-100-binary.tar.gz",
        md5="03b5dce01913d631647c71ecec9e9cb8",
        names=("fine_label_names.txt", "meta", "fine_label_names"),
    ),
}
# train: paths of the training files; test: path of the test file
Files = namedtuple("Files", "layout train test")
BINARY = ".bin"
IMAGE_BYTES = 3 * 32 * 32


LARGEST = 200e6  # bytes of a file of CIFAR, at most: an archive must not fill the disk


def unpack(path, layout, folder):
    """Unpack the files of a set, and nothing else, from an archive into a folder.

    The archive is untrusted input. Raises UserError if it is corrupt.
    """
    names = {*layout.train, layout.test}
    names = {*names, *(f"{name}{BINARY}" for name in names), *layout.names[:2]}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and name in names and member.size < LARGEST:
                    with open(folder / name, "wb") as file:
                        shutil.copyfileobj(archive.extractfile(member), file)
    except Exception as error:  # a corrupt archive can raise anything
        raise UserError(
            f"{path} cannot be unpacked ({short(error)}): copy or download it again, or name the "
            "unpacked folder with --data-dir (make: DATA=)"
        ) from error


@contextlib.contextmanager
def unpacked(path, layout):
    """Yield a folder with the files of a set: `path`, or a temporary one if it is an archive."""
    if not path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / path.name.lstrip(".").partition(".")[0]
        folder.mkdir()
        unpack(path, layout, folder)
        try:
            yield folder
        except UserError as error:
            raise UserError(str(error).replace(str(folder), str(path))) from error


def find(folder, layout, is_official=True):
    """Return the Files of a set in a folder or in its official folder, or None.

    is_official: the set has the official training files; otherwise any number of them. Raises
    UserError if only some files exist.
    """
    for place in (folder, *(folder / name for name in layout.folders)):
        for ending in (BINARY, ""):
            train = [place / f"{name}{ending}" for name in layout.train]
            if not is_official:
                train = _numbered(train[0])
            paths = [*train, place / f"{layout.test}{ending}"]
            missing = [path.name for path in paths if not path.is_file()]
            if train and not missing:
                return Files(layout, train, paths[-1])
            if train and len(missing) < len(paths):
                raise UserError(
                    f"{place} lacks {', '.join(missing)} of a set in {layout.title}'s layout: copy "
                    "the missing files there"
                )
    return None


def _numbered(first):
    """Return the files with the name of the first training file and any number, in their order."""
    stem = first.stem.rstrip("1")
    number = r"(\d+)" if stem != first.stem else "()"
    pattern = re.escape(stem) + number + re.escape(first.suffix)
    matches = [(re.fullmatch(pattern, path.name), path) for path in first.parent.glob(f"{stem}*")]
    numbers = {path: int(match[1] or 0) for match, path in matches if match and path.is_file()}
    return sorted(numbers, key=numbers.get)


def class_names(files):
    """Return the names of the classes, from the text or the Python file; empty without both."""
    text_file, python_file, key = files.layout.names
    text = files.test.with_name(text_file)
    pickled = files.test.with_name(python_file)
    if text.is_file():
        lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    if not pickled.is_file():
        return ()
    try:
        return tuple(
            name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
            for name in unpickle.read(pickled.read_bytes())[key]
        )
    except Exception as error:  # a corrupt file can raise anything
        raise UserError(
            f"{pickled} does not contain the names of the classes ({_reason(error)}): replace or "
            "remove it"
        ) from error


def read(path, layout):
    """Return the records of a file, uint8 (n, labels + 3072). Raises UserError if it is corrupt."""
    content = path.read_bytes()
    try:
        if path.suffix == BINARY:
            size = len(layout.label_keys) + IMAGE_BYTES
            if len(content) % size:
                raise ValueError(f"truncated: {len(content):,} bytes, not a multiple of {size:,}")
            return np.frombuffer(content, np.uint8).reshape(-1, size)
        loaded = unpickle.read(content)
        labels = np.stack([_label_column(loaded[key]) for key in layout.label_keys], axis=1)
        images = loaded["data"]
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("its data are not an array of bytes")
        if images.shape != (len(labels), IMAGE_BYTES):
            raise ValueError(f"images of shape {images.shape} for {len(labels)} labels")
    except unpickle.Forbidden as error:
        raise UserError(
            f"{path} loads {error}, which no CIFAR file needs: do not trust it; use the official "
            "archive"
        ) from error
    except Exception as error:  # a corrupt file can raise anything
        raise UserError(
            f"{path} is not a valid file of {layout.title}'s layout ({_reason(error)}): copy, "
            "write or download it again"
        ) from error
    return np.ascontiguousarray(np.concatenate([labels, images], axis=1))


def _label_column(labels):
    """Return uint8 (n,) of a list or an array of integers."""
    # NumPy would expand nested lists
    if not isinstance(labels, np.ndarray) and not all(type(label) is int for label in labels):
        raise ValueError("its labels are not numbers")
    column = np.asarray(labels, dtype=np.int64)
    if column.ndim != 1 or column.min(initial=0) < 0 or column.max(initial=0) > 255:
        raise ValueError("its labels are not numbers from 0 to 255")
    return column.astype(np.uint8)


def _reason(error):
    return f"{type(error).__name__}: {short(error)}"
