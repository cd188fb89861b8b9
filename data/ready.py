"""Record files that MXNet's tools/im2rec.py has made, of pictures of any size, read as they are.

    make imagenet-preact50 DATA=folder      # holds train.rec and val.rec

Nothing is written, and nothing but these two is needed: places and labels are read from the records
themselves, because im2rec leaves a picture that it cannot read out of its .rec, and not out of its
.lst. A synset.txt beside them, with a line for each class in the order of the labels, names them.
"""

import hashlib
import os
from array import array
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from common.environment import bar, physical_cores
from common.errors import UserError

from . import photos
from .records import FRAME, HEADER, LABEL, LENGTH_BITS, MAGIC, Records, Set, frame, length

ANEW = "copy it anew from where it is whole, or make it anew by im2rec.py"
NAMES = "synset.txt"
LOOKED_AT = 1000  # training pictures whose mean colour is the set's
HIGHEST = 2**24  # label; float32, which holds labels, has not every whole number above it
WHOLE = 0  # which piece of a record a frame is of
FIRST = 1
HEAD = FRAME.size + HEADER.size + LABEL.size  # bytes that tell a record's place and label


def holds(folder):
    """Whether a folder has record files that no preparation of ours has made, or is making."""
    ours = [*folder.glob("set.json"), *folder.glob("*.state.partial")]
    return not ours and any(folder.glob("*.rec"))


def load(folder):
    """The Set of a folder with train.rec and val.rec.

    Raises UserError unless both are there and whole, and each record has one label, a class.
    """
    train = read(_path(folder, "train"))
    val = read(_path(folder, "val"))
    numbers = classes(train, val)
    names = class_names(folder, numbers)
    for records in (train, val):
        records.labels = np.searchsorted(numbers, records.labels).astype(np.float32)
    mean, sides, digest = look(train)
    for records in (train, val):
        digest.update(records.offsets)
        digest.update(records.labels)
    name = (
        f"{photos.printable(folder.resolve().name)} ({len(train):,} + {len(val):,} images in "
        f"{len(numbers):,} classes)"
    )
    print(
        f"{name}: records of im2rec with labels from {numbers[0]:g} to {numbers[-1]:g}, shorter "
        f"sides from {min(sides)} to {max(sides)} pixels ({len(sides):,} looked at), scaled as "
        "they are read"
    )
    return Set(name, len(numbers), digest.hexdigest(), mean, None, train, val, names)


def _path(folder, split):
    path = folder / f"{split}.rec"
    if not path.is_file():
        others = ", ".join(sorted(other.name for other in folder.glob("*.rec")))
        raise UserError(
            f"{folder} has {others} and no {path.name}: the records to train on are "
            "called train.rec, those to test on val.rec (rename or link them; "
            "im2rec.py --list --train-ratio 0.9 makes lists for both)"
        )
    return path


def read(path):
    """The Records of a file, from the frame and the header of each. Raises UserError for a damaged
    file, and for a record with several labels."""
    offsets = array("q")
    labels = array("f")
    size = path.stat().st_size
    shown = bar(total=size, desc=path.name, unit="B", unit_scale=True, leave=False, delay=1)
    position = 0
    with open(path, "rb") as file, shown as progress:
        while position < size:
            head = os.pread(file.fileno(), HEAD, position)
            magic, word = FRAME.unpack_from(head.ljust(HEAD, b"\0"))
            if magic != MAGIC:
                raise _damaged(path, len(labels))
            if word >> LENGTH_BITS in (WHOLE, FIRST):
                offsets.append(position)
                labels.append(_label(path, len(labels), head[FRAME.size :][: length(word)]))
            position += frame(word)
            progress.update(frame(word))
    if position != size or not offsets or offsets[0]:
        raise _damaged(path, len(labels))
    return Records(path, np.array(offsets), np.array(labels), ANEW)


def _label(path, number, head):
    """The label in the beginning of a record, behind its frame."""
    if len(head) < HEADER.size:
        raise _damaged(path, number)
    count, label, *_ = HEADER.unpack_from(head)
    if count > 1:
        raise UserError(
            f"{path}: record {number} has {count:,} labels, and a network that tells "
            "classes apart needs one: make it by im2rec.py without --pack-label"
        )
    if count and len(head) < HEADER.size + LABEL.size:
        raise _damaged(path, number)
    return LABEL.unpack_from(head, HEADER.size)[0] if count else label


def _damaged(path, number):
    return UserError(f"{path} is damaged at record {number:,}: {ANEW}")


def classes(train, val):
    """The labels of the classes in order, float32. Raises UserError for labels that are none, or of
    no training picture."""
    for records in (train, val):
        whole = (records.labels >= 0) & (records.labels < HIGHEST)
        whole &= records.labels == np.floor(records.labels)
        if not whole.all():
            number = whole.argmin()
            raise UserError(
                f"{records.path}: record {number:,} has the label "
                f"{records.labels[number]:g}, and classes are whole numbers from 0: "
                "make it by im2rec.py of a list with such labels"
            )
    numbers = np.unique(train.labels)
    if len(numbers) < 2:
        raise UserError(
            f"{train.path} has the label {numbers[0]:g} alone, and a network needs two "
            "classes: im2rec.py --list --recursive gives each folder a label"
        )
    known = np.isin(val.labels, numbers)
    if not known.all():
        raise UserError(
            f"{val.path} has the label {val.labels[known.argmin()]:g}, of which "
            f"{train.path.name} has no picture: make both of lists with the same "
            "labels"
        )
    return numbers


def class_names(folder, numbers):
    """The classes' names in the order of their labels, by synset.txt if it is there."""
    path = folder / NAMES
    if not path.exists():
        return tuple(f"class {number:g}" for number in numbers)
    names = tuple(path.read_text(encoding="utf-8", errors="replace").splitlines())
    if len(names) != len(numbers):
        raise UserError(
            f"{path} has {len(names):,} lines, and train.rec {len(numbers):,} classes: "
            "it needs a line for each, in the order of the labels; mend it, or move it "
            "away"
        )
    return names


def look(records):
    """(mean of red, green and blue, shorter sides, digest) of pictures from everywhere in a file.

    Raises UserError for one that cannot be decoded.
    """
    samples = np.unique(np.linspace(0, len(records) - 1, LOOKED_AT).astype(int))

    def seen(sample):
        content = records.picture(sample)
        try:
            image = photos.decoded(content)
        except Exception as error:  # a broken picture can raise anything
            raise _damaged(records.path, sample) from error
        return np.asarray(image).mean(axis=(0, 1)), min(image.size), hashlib.sha1(content).digest()

    with ThreadPoolExecutor(physical_cores()) as pool:
        means, sides, digests = zip(*pool.map(seen, samples))
    return np.mean(means, axis=0).astype(np.float32), sides, hashlib.sha1(b"".join(digests))
