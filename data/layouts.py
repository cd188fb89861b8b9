"""The files of CIFAR-10 and CIFAR-100, in the binary and the Python version, as arrays of records.

A record is what the binary version stores: the labels of an image (CIFAR-100: coarse, fine), then
1,024 red, green and blue bytes.
"""

import contextlib
import shutil
import tarfile
import tempfile
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import absence, write_whole

from . import unpickle

# binary, python: (training files, test file) of both versions; folders: of the official archives;
# names: a text file and a Python file with the classes' names, and the key in the Python file
Layout = namedtuple(
    "Layout", "dataset title classes label_bytes label_keys binary python folders names"
)
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
        names=("batches.meta.txt", "batches.meta", b"label_names"),
    ),
    "cifar100": Layout(
        dataset="cifar100",
        title="CIFAR-100",
        classes=100,
        label_bytes=2,
        label_keys=(b"coarse_labels", b"fine_labels"),
        binary=(["train.bin"], "test.bin"),
        python=(["train"], "test"),
        folders=("cifar-100-binary", "cifar-100-python"),
        names=("fine_label_names.txt", "meta", b"fine_label_names"),
    ),
}
# train: paths; test: path; read: the function that reads the records of a file
Files = namedtuple("Files", "dataset place train test read")
IMAGE_BYTES = 3 * 32 * 32
LARGEST = 200_000_000  # bytes; the largest official file has 155 million

OWN = "a set of your own is trained by --dataset pictures (make pictures-NETWORK)"


@contextlib.contextmanager
def unpacked(path, layout):
    """A folder with the files of a set: `path`, or a temporary folder if `path` is an archive.

    Raises UserError for a corrupt archive, and for one without the set.
    """
    if not path.is_file():
        yield path
        return
    known = {*layout.binary[0], layout.binary[1], *layout.python[0], layout.python[1]}
    known.update(layout.names[:2])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / path.name.partition(".")[0]
        folder.mkdir()
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    name = Path(member.name).name
                    if member.isfile() and name in known and member.size <= LARGEST:
                        with open(folder / name, "wb") as file:
                            shutil.copyfileobj(archive.extractfile(member), file)
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise UserError(
                f"{path} cannot be unpacked ({_reason(error)}): copy or download it again, or name "
                "the unpacked folder by --data-dir (make: DATA=)"
            ) from error
        try:
            yield folder
        except UserError as error:
            raise UserError(str(error).replace(str(folder), str(path))) from error


def find(layout, folder):
    """The Files of an official set."""
    if not folder.is_dir():
        raise UserError(
            f"{folder} {absence(folder)}: name the folder with {layout.title} by --data-dir (make: "
            "DATA=)"
        )
    for place, train_files, test_file, read in _versions(layout, folder):
        names = [*train_files, test_file]
        missing = [name for name in names if not (place / name).is_file()]
        if not missing:
            train = [place / name for name in train_files]
            return Files(layout.dataset, place, train, place / test_file, read)
        if len(missing) < len(names):
            raise UserError(
                f"{place} lacks {', '.join(missing)} of {layout.title}: copy the missing files "
                f"there; or {OWN}"
            )
    raise UserError(
        f"{folder} has no {layout.title}, neither {layout.binary[1]} (binary version) nor "
        f"{layout.python[1]} (Python version): name the folder with these files by --data-dir "
        "(make: DATA=)"
    )


def find_own(folder):
    """The Files of a set in CIFAR's layout with any number of training files, or None."""
    for layout in LAYOUTS.values():
        for place, train_files, test_file, read in _versions(layout, folder):
            train = _numbered(place, train_files[0])
            if train and (place / test_file).is_file():
                return Files(layout.dataset, place, train, place / test_file, read)
            if train and layout.dataset == "cifar10":
                raise UserError(
                    f"{place} has {train[0].name}, but no {test_file}: add this file with the test "
                    "images"
                )
    return None


def _versions(layout, folder):
    for place in (folder, *(folder / name for name in layout.folders)):
        yield (place, *layout.binary, read_binary)
        yield (place, *layout.python, read_python)


def _numbered(place, first):
    """The files with the name of the first one and any number, in the order of the numbers."""
    stem, number, ending = first.partition("1")
    if not number:
        return [place / first] if (place / first).is_file() else []
    numbers = [
        path.name[len(stem) : len(path.name) - len(ending)]
        for path in place.glob(f"{stem}*{ending}")
        if path.is_file()
    ]
    return [
        place / f"{stem}{number}{ending}"
        for number in sorted(filter(str.isdecimal, numbers), key=int)
    ]


def class_names(layout, files):
    """The names of the classes, from the text file or the Python file; empty if neither exists."""
    text_file, python_file, key = layout.names
    text = files.place / text_file
    pickled = files.place / python_file
    if text.is_file():
        lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    if not pickled.is_file():
        return ()
    try:
        names = unpickle.read(_content(pickled))[key]
        return tuple(
            name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
            for name in names
        )
    except Exception as error:  # a corrupt file can raise anything
        raise UserError(
            f"{pickled} does not contain the names of the classes ({_reason(error)}): replace or "
            "remove it"
        ) from error


def read_binary(path, layout):
    """The records of a file of the binary version, uint8 (n, label_bytes + 3072)."""
    size = layout.label_bytes + IMAGE_BYTES
    content = np.frombuffer(_content(path), dtype=np.uint8)
    if len(content) % size:
        raise UserError(
            f"{path} has {len(content):,} bytes, not a multiple of a record's {size:,}: it is "
            f"truncated, or not in {layout.title}'s layout; copy or download it again"
        )
    return content.reshape(-1, size)


def read_python(path, layout):
    """The records of a file of the Python version."""
    content = _content(path)
    try:
        content = unpickle.read(content)
        images = content[b"data"]
        labels = np.stack([_label_column(content[key]) for key in layout.label_keys], axis=1)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("its data are not an array of bytes")
        if images.shape != (len(labels), IMAGE_BYTES):
            raise ValueError(f"images of shape {images.shape} with labels of shape {labels.shape}")
    except unpickle.Forbidden as error:
        raise UserError(
            f"{path} loads {error}, which no CIFAR file needs: do not trust it; use the official "
            "archive"
        ) from error
    except Exception as error:  # a corrupt file can raise anything
        raise UserError(
            f"{path} is not a sound file of {layout.title}'s Python version ({_reason(error)}): "
            "copy, write or download it again"
        ) from error
    return np.ascontiguousarray(np.concatenate([labels, images], axis=1))


def _content(path):
    size = path.stat().st_size
    if size > LARGEST:
        raise UserError(
            f"{path} has {size:,} bytes, and the files of CIFAR have at most {LARGEST:,}: copy or "
            "download the set again; use class folders for a large set of your own"
        )
    return path.read_bytes()


def _label_column(labels):
    """uint8 (n,) of a list or an array of integers."""
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1:
            raise ValueError(f"labels of shape {labels.shape}")
    elif not all(type(label) is int for label in labels):
        raise ValueError("its labels are not numbers")
    column = np.asarray(labels, dtype=np.int64)
    if column.min(initial=0) < 0 or column.max(initial=0) > 255:
        raise ValueError("a label outside 0 to 255")
    return column.astype(np.uint8)


def _reason(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


def write(folder, parts, class_names, title):
    """Write a set in CIFAR-10's binary layout.

    parts: (uint8 images (n, 3, 32, 32), labels (n,)) of five training files and the test file.
    title: the name of the set in figures.
    """
    layout = LAYOUTS["cifar10"]
    training, test = layout.binary
    for name, (images, labels) in zip([*training, test], parts):
        records = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
        write_whole(folder / name, records.tobytes())
    write_whole(folder / layout.names[0], "\n".join(class_names) + "\n")
    write_whole(folder / "generated.txt", f"{title}\n")
