"""Read a prepared set, ImageNet or a user's own: train and val, each .rec, .idx and .lst; set.json.

data/prepare.py makes it. Without set.json, the records are im2rec.py's, and data/im2rec.py reads
them.
"""

import json
import struct
from collections import Counter
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import im2rec
from .records import FRAME, HEADER, LENGTH_BITS, MAGIC, Records, Set, frame

REMEDY = "delete its folder, and re-run make imagenet-data"


def listed(folder, split, suffix=""):
    """The Records of a prepared split, with the positions in its .idx and the labels in its .lst."""
    positions = (folder / f"{split}.idx{suffix}").read_text().split()
    offsets = np.array(positions, dtype=np.int64).reshape(-1, 2)[:, 1]
    with open(folder / f"{split}.lst{suffix}", encoding="utf-8", errors="surrogateescape") as file:
        labels = np.array([float(line.split("\t")[1]) for line in file], dtype=np.float32)
    return Records(folder / f"{split}.rec{suffix}", offsets, labels, REMEDY)


def load(folder):
    """The Set of a folder, prepared or im2rec's. Raises UserError for a missing or corrupt file."""
    folder = Path(folder)
    if im2rec.holds(folder):
        return im2rec.load(folder)
    part = "set.json"
    records = []
    try:
        facts = json.loads((folder / part).read_text())
        mean = np.array(facts["mean"], np.float32)
        if not isinstance(facts["side"], int) or mean.shape != (3,) or "settings" not in facts:
            raise ValueError
        names = tuple(map(str, facts["classes"]))
        about = (facts["name"], len(names), facts["fingerprint"], mean, facts["side"])
        for split in ("train", "val"):
            part = f"{split}.rec, .idx or .lst"
            records.append(listed(folder, split))
            if not len(records[-1]) == len(records[-1].offsets) - 1 == facts[split]:
                raise ValueError
            records[-1].raw(facts[split] - 1)  # it must end with the file
        return Set(*about, *records, names)
    except FileNotFoundError as error:
        if not folder.exists():
            raise UserError(
                f"{folder} does not exist: prepare a set by make imagenet-data SOURCE=folder, or "
                "name its folder by --data-dir (make: DATA=)"
            ) from error
        raise UserError(
            f"{folder} has no prepared set ({Path(error.filename).name} is missing): prepare one "
            "by make imagenet-data SOURCE=folder, or name its folder by --data-dir (make: DATA=)"
        ) from error
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise UserError(f"{folder / part} is corrupt: {REMEDY}") from error


def verify(folder, pairs):
    """Check the frame and header of every record, and decode a hundred images of each split.

    pairs: {split: [(path, label)]}, which must exist exactly once. Raises UserError.
    """
    import mxnet as mx

    for split, expected in pairs.items():
        records = listed(folder, split, ".partial")
        labels = Counter(label for _, label in expected)
        wrong = _first_corrupt(records)
        if Counter(map(int, records.labels)) != labels or len(records.offsets) != len(expected) + 1:
            wrong = "it does not have each file once"
        if wrong:
            raise UserError(f"{records.path}: {wrong}; delete {folder}, and re-run the command")
        index = str(folder / f"{split}.idx.partial")
        reader = mx.recordio.MXIndexedRecordIO(index, str(records.path), "r")
        for number in range(0, len(records), max(1, len(records) // 100)):
            mx.image.imdecode(mx.recordio.unpack(reader.read_idx(number))[1])


def _first_corrupt(records):
    """Which record is the first with a corrupt frame or header, or None."""
    with open(records.path, "rb") as file:
        for number, label in enumerate(records.labels):
            file.seek(records.offsets[number])
            magic, word = FRAME.unpack(file.read(FRAME.size))
            _, written, identity, _ = HEADER.unpack(file.read(HEADER.size))
            is_sound = (
                word >> LENGTH_BITS == 0  # in one piece
                and records.offsets[number] + frame(word) == records.offsets[number + 1]
            )
            if (magic, written, identity) != (MAGIC, label, number) or not is_sound:
                return f"record {number} is corrupt"
    return None
