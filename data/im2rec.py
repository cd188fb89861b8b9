"""Read the records that MXNet's tools/im2rec.py has made, of images of any size.

    make imagenet-preact50 DATA=folder      # a folder with train.rec and val.rec

Nothing is written. Positions and labels are read from the records, because im2rec.py's .lst also
lists images that are missing in the .rec. A synset.txt beside them, with a line for each class in
the order of the labels, names the classes.

Every record is checked before training, because MXNet's reader ends the process (SIGFPE) for an
image that OpenCV cannot decode, and accepts a truncated one. A JPEG is checked by its header and
its end, any other image by decoding it. One core checks about 15,000 JPEGs/s from the page cache
(ImageNet: one and a half minutes), and 40 PNGs/s of 640x480 pixels.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
from PIL import Image

from common.environment import bar, physical_cores
from common.errors import UserError

from . import image_files
from .records import Set, scan

REMEDY = "copy it again, or make it again by im2rec.py"
NAMES = "synset.txt"
SAMPLED = 1000  # training images whose mean colour is used for the set
DECODED = ("JPEG", "MPO", "PNG", "BMP", "TIFF")  # Pillow's names of what MXNet's OpenCV decodes
JPEG_HEAD = 2048  # bytes in which a JPEG's header usually ends
JPEG_TAIL = 32
END = b"\xff\xd9"  # EOI


def holds(folder):
    """Return whether a folder has .rec files that data/prepare.py did not write."""
    prepared = [*folder.glob("set.json"), *folder.glob("*.state.partial")]
    return not prepared and any(folder.glob("*.rec"))


def load(folder):
    """Return the Set of a folder with train.rec and val.rec.

    Raises UserError for a missing or corrupt file, for a record without exactly one label, and for
    an image that MXNet cannot decode.
    """
    train = scan(_path(folder, "train"), REMEDY)
    val = scan(_path(folder, "val"), REMEDY)
    numbers = classes(train, val)
    names = class_names(folder, numbers)
    for records in (train, val):
        records.labels = np.searchsorted(numbers, records.labels).astype(np.float32)
        check_images(records)
    mean, sides, digest = sample(train)
    for records in (train, val):
        digest.update(records.offsets)
        digest.update(records.labels)
    name = image_files.title(folder, len(train), len(val), numbers)
    print(
        f"{name}: records of im2rec with labels from {numbers[0]:g} to {numbers[-1]:g}, shorter "
        f"sides from {min(sides)} to {max(sides)} pixels (in {len(sides):,} samples), resized while "
        "they are read"
    )
    return Set(name, len(numbers), digest.hexdigest(), mean, None, train, val, names)


def _path(folder, split):
    path = folder / f"{split}.rec"
    if not path.is_file():
        others = ", ".join(sorted(other.name for other in folder.glob("*.rec")))
        raise UserError(
            f"{folder} has {others} and no {path.name}: rename or link the training records to "
            "train.rec and the test records to val.rec (im2rec.py --list --train-ratio 0.9 makes "
            "lists for both)"
        )
    return path


def classes(train, val):
    """Return the labels of the classes in order, float32.

    Raises UserError for a label that is not a class, or that no training image has.
    """
    numbers = np.unique(train.labels)
    valid = (numbers >= 0) & (numbers % 1 == 0)
    if not valid.all():
        raise UserError(
            f"{train.path} has the label {numbers[valid.argmin()]:g}, and classes are integers from "
            "0: make it again with im2rec.py, from a list with the labels 0, 1, 2, ..."
        )
    if len(numbers) < 2:
        raise UserError(
            f"{train.path} has only the label {numbers[0]:g}, and a network needs two classes: "
            "im2rec.py --list --recursive gives each folder a label"
        )
    known = np.isin(val.labels, numbers)
    if not known.all():
        raise UserError(
            f"{val.path} has the label {val.labels[known.argmin()]:g}, which no image in "
            f"{train.path.name} has: make both from lists with the same labels"
        )
    return numbers


def class_names(folder, numbers):
    """Return the names of the classes in the order of their labels, from synset.txt."""
    path = folder / NAMES
    if not path.exists():
        return tuple(f"class {number:g}" for number in numbers)
    names = tuple(path.read_text(encoding="utf-8", errors="replace").splitlines())
    if len(names) != len(numbers):
        raise UserError(
            f"{path} has {len(names):,} lines, and train.rec {len(numbers):,} classes: write a "
            "line for each class, in the order of the labels, or move the file away"
        )
    return names


def check_images(records):
    """Raise UserError for images that MXNet's reader cannot decode, or decodes wrongly."""
    suspects = [number for number in range(len(records)) if not _is_sound_jpeg(records, number)]
    with ThreadPoolExecutor(physical_cores()) as pool:
        faults = pool.map(lambda number: _fault(records, number), suspects)
        title = f"check {records.path.name}"
        faults = bar(faults, total=len(suspects), desc=title, unit="image", leave=False, delay=1)
        wrong = [f"record {k:,}: {fault}" for k, fault in zip(suspects, faults) if fault]
    if wrong:
        raise UserError(
            f"MXNet cannot read {len(wrong):,} of {len(records):,} images in {records.path} "
            f"({'; '.join(wrong[:3])}): prepare the image files by make imagenet-data "
            "SOURCE=folder, or convert them to JPEG before im2rec.py"
        )


def _is_sound_jpeg(records, number):
    """Return whether a record in one piece is a JPEG with a complete header and an end."""
    head, tail = records.ends(number, JPEG_HEAD, JPEG_TAIL)
    try:
        return Image.open(BytesIO(head)).format in ("JPEG", "MPO") and END in tail
    except Exception:  # a corrupt image can raise anything
        return False


def _fault(records, number):
    """Return why MXNet's reader cannot decode an image, or None."""
    import mxnet as mx

    content = records.image(number)
    try:
        kind = Image.open(BytesIO(content)).format
        if kind not in DECODED:
            return kind
        image = image_files.read(content)
        mx.image.imdecode(content).wait_to_read()
    except Exception as error:  # a corrupt image can raise anything
        return image_files.reason(error, records.path)
    return "transparent" if image.info.get(image_files.COMPOSITED) else None


def sample(records):
    """Return (mean of red, green and blue, shorter sides, digest) of SAMPLED images."""
    samples = np.unique(np.linspace(0, len(records) - 1, SAMPLED).astype(int))

    def facts(number):
        content = records.image(number)
        try:
            image = image_files.read(content)
        except Exception as error:  # a corrupt image can raise anything
            raise records.corrupt(number) from error
        return np.asarray(image).mean(axis=(0, 1)), min(image.size), hashlib.sha1(content).digest()

    with ThreadPoolExecutor(physical_cores()) as pool:
        means, sides, digests = zip(*pool.map(facts, samples))
    return np.mean(means, axis=0).astype(np.float32), sides, hashlib.sha1(b"".join(digests))
