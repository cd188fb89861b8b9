"""A prepared set of pictures, ImageNet or one's own, as it is read: train and val, each .rec, .idx
and .lst; set.json.

data/prepare.py makes it. These are the files that MXNet's tools/im2rec.py makes, and set.json
beside them.
"""
import json
import os
import struct
from collections import Counter, namedtuple
from pathlib import Path

import numpy as np

from common.errors import UserError

MAGIC = 0xced7230a  # with which each piece of a record begins
LENGTH_BITS = 29  # of the word behind it; the others say which piece of a record it is

# name: for figures and tables; fingerprint: SHA-1 of all records; mean: red, green, blue;
# side: shorter side in pixels; train_images, test_images: Records
# class_names: in the order of the labels
Set = namedtuple("Set", "name classes fingerprint mean side train_images test_images class_names")


class Records:
    """One split: its labels float32 (n,), and its records as they stand in the file."""

    def __init__(self, folder, split, suffix=""):
        self.path = folder / f"{split}.rec{suffix}"
        self.index = folder / f"{split}.idx{suffix}"
        offsets = np.array(self.index.read_text().split(), dtype=np.int64).reshape(-1, 2)[:, 1]
        self.offsets = np.append(offsets, self.path.stat().st_size)
        with open(
            folder / f"{split}.lst{suffix}", encoding="utf-8", errors="surrogateescape"
        ) as file:
            self.labels = np.array([float(line.split("\t")[1]) for line in file], dtype=np.float32)
        self._file = os.open(self.path, os.O_RDONLY)

    def __len__(self):
        return len(self.labels)

    def raw(self, sample):
        """The record as bytes, framed: several in a row are a record file again.

        Raises UserError for a damaged frame, which would end MXNet's process.
        """
        begin, end = self.offsets[sample:sample + 2]
        record = os.pread(self._file, max(end - begin, 0), begin)
        position = 0
        while position < len(record):  # a record can be in several pieces
            magic, word = struct.unpack_from("<II", record.ljust(position + 8, b"\0"), position)
            if magic != MAGIC:
                raise damaged(self.path)
            position += frame(word)
        if not 0 < position == end - begin:
            raise damaged(self.path)
        return record


def frame(word):
    """Bytes of a piece with its frame, which ends on a multiple of four. word: the one behind
    MAGIC."""
    length = word & (1 << LENGTH_BITS) - 1
    return 8 + -(-length // 4) * 4


def load(folder):
    """The prepared set in a folder. Raises UserError if there is none, or a part of it is
    missing."""
    folder = Path(folder)
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
            records.append(Records(folder, split))
            if not len(records[-1]) == len(records[-1].offsets) - 1 == facts[split]:
                raise ValueError
            records[-1].raw(facts[split] - 1)  # which ends with the file
        return Set(*about, *records, names)
    except FileNotFoundError as error:
        if not folder.exists():
            raise UserError(f"{folder} does not exist: make imagenet-data SOURCE=folder prepares a "
                            "set, and --data-dir names it (make: DATA=)") from error
        raise UserError(f"{folder} has no prepared set ({Path(error.filename).name} is missing): "
                        "make imagenet-data SOURCE=folder prepares one; another folder is named "
                        "by --data-dir (make: DATA=)") from error
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise damaged(folder / part) from error


def verify(folder, pairs):
    """Read every record's frame and header, and decode a hundred of each split. Raises UserError
    unless all is as listed.

    pairs: {split: [(path, label)]} that must be there, each once.
    """
    import mxnet as mx
    for split, expected in pairs.items():
        records = Records(folder, split, ".partial")
        labels = Counter(label for _, label in expected)
        wrong = _first_damaged(records)
        if Counter(map(int, records.labels)) != labels or len(records.offsets) != len(expected) + 1:
            wrong = "it does not hold each file once"
        if wrong:
            raise UserError(f"{records.path}: {wrong}; delete {folder}, and run the same command "
                            "again")
        reader = mx.recordio.MXIndexedRecordIO(str(records.index), str(records.path), "r")
        for number in range(0, len(records), max(1, len(records) // 100)):
            mx.image.imdecode(mx.recordio.unpack(reader.read_idx(number))[1])


def _first_damaged(records):
    """What is wrong with the first record whose frame or header is, or None."""
    with open(records.path, "rb") as file:
        for number, label in enumerate(records.labels):
            file.seek(records.offsets[number])
            # dmlc's frame: magic, flag (0: in one piece) and length; then MXNet's flag, label, id,
            # id2
            magic, word, _, written, identity, _ = struct.unpack("<IIIfQQ", file.read(32))
            whole = (
                word >> LENGTH_BITS == 0
                and records.offsets[number] + frame(word) == records.offsets[number + 1]
            )
            if (magic, written, identity) != (MAGIC, label, number) or not whole:
                return f"record {number} is damaged"
    return None


def damaged(what):
    """The UserError of a prepared set that is not as it was made."""
    return UserError(f"{what} is damaged: delete its folder, and make imagenet-data anew")
