"""Read a prepared set, ImageNet or a user's own: train and val, each .rec, .idx and .lst; set.json.

data/prepare.py makes it. Without set.json, the records are im2rec.py's, and data/im2rec.py reads
them.
"""

import json
import struct
from pathlib import Path

import numpy as np

from common.errors import UserError

from . import im2rec
from .records import Records, Set

REMEDY = "delete its folder, and re-run make imagenet-data"


def listed(folder, split):
    """Return the Records of a prepared split: positions from its .idx, labels from its .lst."""
    positions = (folder / f"{split}.idx").read_text().split()
    offsets = np.array(positions, dtype=np.int64).reshape(-1, 2)[:, 1]
    with open(folder / f"{split}.lst", encoding="utf-8", errors="surrogateescape") as file:
        labels = np.array([float(line.split("\t")[1]) for line in file], dtype=np.float32)
    if len(labels) != len(offsets):
        raise ValueError("a list is truncated")
    return Records(folder / f"{split}.rec", offsets, labels, REMEDY)


def load(folder):
    """Return the Set of a folder, prepared or im2rec's. Raises UserError if it is missing or corrupt."""
    folder = Path(folder)
    if im2rec.holds(folder):
        return im2rec.load(folder)
    if not (folder / "set.json").exists():
        absence = "has no prepared set" if folder.exists() else "does not exist"
        raise UserError(
            f"{folder} {absence}: prepare one with make imagenet-data SOURCE=folder, or name its "
            "folder with --data-dir (make: DATA=)"
        )
    part = "set.json"
    splits = []
    try:
        facts = json.loads((folder / part).read_text())
        mean = np.array(facts["mean"], np.float32)
        if not isinstance(facts["side"], int) or mean.shape != (3,) or "settings" not in facts:
            raise ValueError
        names = tuple(map(str, facts["classes"]))
        about = (facts["name"], len(names), facts["fingerprint"], mean, facts["side"])
        for split in ("train", "val"):
            part = f"{split}.rec, .idx or .lst"
            splits.append(listed(folder, split))
            labels, offsets = splits[-1].labels, splits[-1].offsets
            if len(labels) != facts[split] or not np.isin(labels, range(len(names))).all():
                raise ValueError
            if (np.diff(offsets) <= 0).any() or offsets[0]:
                raise ValueError
            splits[-1].raw(facts[split] - 1)  # the last record must end with the file
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise UserError(f"{folder / part} is corrupt: {REMEDY}") from error
    return Set(*about, *splits, names)
