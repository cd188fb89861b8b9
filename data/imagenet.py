"""A prepared set of pictures, ImageNet or one's own, as it is read: train and val, each .rec, .idx
and .lst; set.json.

data/prepare.py makes it. These are the files that MXNet's tools/im2rec.py makes, and set.json
beside them; without set.json they are somebody else's, and data/ready.py reads them.
"""

import json
import struct
from collections import Counter
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import ready
from .records import FRAME, HEADER, LENGTH_BITS, MAGIC, Records, Set, frame

ANEW = "delete its folder, and make imagenet-data anew"


def listed(folder, split, suffix=""):
    """The Records of a prepared split: their places are in its .idx, the labels in its .lst."""
    places = (folder / f"{split}.idx{suffix}").read_text().split()
    offsets = np.array(places, dtype=np.int64).reshape(-1, 2)[:, 1]
    with open(folder / f"{split}.lst{suffix}", encoding="utf-8", errors="surrogateescape") as file:
        labels = np.array([float(line.split("\t")[1]) for line in file], dtype=np.float32)
    return Records(folder / f"{split}.rec{suffix}", offsets, labels, ANEW)


def load(folder):
    """The set in a folder, prepared or im2rec's. Raises UserError if there is none, or a part of it
    is missing."""
    folder = Path(folder)
    if ready.holds(folder):
        return ready.load(folder)
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
            records[-1].raw(facts[split] - 1)  # which ends with the file
        return Set(*about, *records, names)
    except FileNotFoundError as error:
        if not folder.exists():
            raise UserError(
                f"{folder} does not exist: make imagenet-data SOURCE=folder prepares a "
                "set, and --data-dir names it (make: DATA=)"
            ) from error
        raise UserError(
            f"{folder} has no prepared set ({Path(error.filename).name} is missing): "
            "make imagenet-data SOURCE=folder prepares one; another folder is named "
            "by --data-dir (make: DATA=)"
        ) from error
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise UserError(f"{folder / part} is damaged: {ANEW}") from error


def verify(folder, pairs):
    """Read every record's frame and header, and decode a hundred of each split. Raises UserError
    unless all is as listed.

    pairs: {split: [(path, label)]} that must be there, each once.
    """
    import mxnet as mx

    for split, expected in pairs.items():
        records = listed(folder, split, ".partial")
        labels = Counter(label for _, label in expected)
        wrong = _first_damaged(records)
        if Counter(map(int, records.labels)) != labels or len(records.offsets) != len(expected) + 1:
            wrong = "it does not hold each file once"
        if wrong:
            raise UserError(
                f"{records.path}: {wrong}; delete {folder}, and run the same command " "again"
            )
        index = str(folder / f"{split}.idx.partial")
        reader = mx.recordio.MXIndexedRecordIO(index, str(records.path), "r")
        for number in range(0, len(records), max(1, len(records) // 100)):
            mx.image.imdecode(mx.recordio.unpack(reader.read_idx(number))[1])


def _first_damaged(records):
    """What is wrong with the first record whose frame or header is, or None."""
    with open(records.path, "rb") as file:
        for number, label in enumerate(records.labels):
            file.seek(records.offsets[number])
            magic, word = FRAME.unpack(file.read(FRAME.size))
            _, written, identity, _ = HEADER.unpack(file.read(HEADER.size))
            whole = (
                word >> LENGTH_BITS == 0  # in one piece
                and records.offsets[number] + frame(word) == records.offsets[number + 1]
            )
            if (magic, written, identity) != (MAGIC, label, number) or not whole:
                return f"record {number} is damaged"
    return None
