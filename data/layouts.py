"""CIFAR's files: their names, in the binary and the Python version, and the records that they
hold."""

from collections import namedtuple

import numpy as np

from common.errors import UserError
from common.files import absence, write_whole

from . import unpickle

# A record of the binary version: label_bytes labels (CIFAR-100: coarse, fine), then 1,024 red,
# green and blue bytes.
# names: the text file and the Python version's file that have the classes' names, and its key for
# them.
Layout = namedtuple(
    "Layout", "dataset title classes label_bytes label_keys binary python folders " "names"
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
# train: paths; test: path; read: the function that makes records of one
Files = namedtuple("Files", "dataset place train test read")
IMAGE_BYTES = 3 * 32 * 32
LARGEST = 200_000_000  # bytes; the largest file of the official sets has 155 million

OWN = "a set of your own is trained by --dataset pictures (make pictures-NETWORK)"


def find(layout, folder):
    """The Files of an official set."""
    if not folder.is_dir():
        raise UserError(
            f"{folder} {absence(folder)}: name the one that has {layout.title} by "
            "--data-dir (make: DATA=)"
        )
    for place in (folder, *(folder / name for name in layout.folders)):
        for (train_files, test_file), read in (
            (layout.binary, read_binary),
            (layout.python, read_python),
        ):
            names = [*train_files, test_file]
            missing = [name for name in names if not (place / name).is_file()]
            if not missing:
                return Files(
                    layout.dataset,
                    place,
                    [place / name for name in train_files],
                    place / test_file,
                    read,
                )
            if len(missing) < len(names):
                raise UserError(
                    f"{place} lacks {', '.join(missing)} of {layout.title}: copy the "
                    f"missing files there; or {OWN}"
                )
    raise UserError(
        f"{folder} has no {layout.title}: neither {layout.binary[1]} (binary version) "
        f"nor {layout.python[1]} (Python version) is there; name the folder that has "
        "them by --data-dir (make: DATA=)"
    )


def find_own(folder):
    """The Files of a set in CIFAR's layout with any number of training files, or None."""
    for dataset, layout in LAYOUTS.items():
        for place in (folder, *(folder / name for name in layout.folders)):
            for (train_files, test_file), read in (
                (layout.binary, read_binary),
                (layout.python, read_python),
            ):
                train = _numbered(place, train_files[0])
                test = place / test_file
                if train and test.is_file():
                    return Files(dataset, place, train, test, read)
                if train and dataset == "cifar10":
                    raise UserError(
                        f"{place} has {train[0].name}, and no {test_file}: it holds "
                        "the test pictures"
                    )
    return None


def _numbered(place, first):
    """The files that are called as the first one but for its number, in the order of their
    numbers."""
    stem, one, ending = first.partition("1")
    if not one:
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
    """The names that a text file, or the Python version's, has of the classes; empty if there is
    none."""
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
    # a broken file can raise anything; Forbidden is a way to be broken, too
    except Exception as error:
        raise UserError(
            f"{pickled} does not hold the classes' names as CIFAR's does "
            f"({_reason(error)}): "
            "mend or remove it"
        ) from error


def read_binary(path, layout):
    """One file of the binary version -> uint8 records (n, label_bytes + 3072)."""
    size = layout.label_bytes + IMAGE_BYTES
    content = np.frombuffer(_content(path), dtype=np.uint8)
    if len(content) % size:
        raise UserError(
            f"{path} has {len(content):,} bytes, no multiple of a record's {size:,}: "
            f"it is truncated or no file in {layout.title}'s layout; copy or download "
            "it again"
        )
    return content.reshape(-1, size)


def _content(path):
    size = path.stat().st_size
    if size > LARGEST:
        raise UserError(
            f"{path} has {size:,} bytes, and no file of CIFAR has more than "
            f"{LARGEST:,}: it is another file; copy or download the set again, or "
            "write a large set of your own as folders of pictures"
        )
    return path.read_bytes()


def read_python(path, layout):
    """One file of the Python version -> the same records."""
    content = _content(path)
    try:
        content = unpickle.read(content)
        images = content[b"data"]
        labels = np.stack([_label_column(content[key]) for key in layout.label_keys], axis=1)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("its data are no array of bytes")
        if images.shape != (len(labels), IMAGE_BYTES):
            raise ValueError(f"images of shape {images.shape} with labels of shape {labels.shape}")
    except unpickle.Forbidden as error:
        raise UserError(
            f"{path} asks to load {error}, which no CIFAR file needs: do not trust it; "
            "use the official archive"
        ) from error
    except Exception as error:  # a broken file can raise anything, in any number of lines
        raise UserError(
            f"{path} is no sound file of {layout.title}'s Python version "
            f"({_reason(error)}): copy, write or download it again"
        ) from error
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


def write(folder, parts, class_names, title):
    """Write a set in CIFAR-10's binary layout. parts: (uint8 images (n, 3, 32, 32), labels (n,)) of
    the five training files and of the test file; title: what figures call it."""
    layout = LAYOUTS["cifar10"]
    training, test = layout.binary
    for name, (images, labels) in zip([*training, test], parts):
        records = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
        write_whole(folder / name, records.tobytes())
    write_whole(folder / layout.names[0], "\n".join(class_names) + "\n")
    write_whole(folder / "generated.txt", f"{title}\n")
