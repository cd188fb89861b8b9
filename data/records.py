"""Read and write the records of an MXNet RecordIO file by their numbers.

A record consists of a frame (magic, a word with the length), a header (flag, label, id, id2), and
an image file. A record that contains the magic is stored in several pieces, each with a frame.
"""

import os
import struct
from array import array
from collections import namedtuple

import numpy as np

from common.environment import bar
from common.errors import UserError

MAGIC = 0xCED7230A  # the first word of each piece
LENGTH_BITS = 29  # of the second word; its other bits are the kind of the piece
COMPLETE, FIRST, MIDDLE, LAST = range(4)  # kinds of pieces of a record
FRAME = struct.Struct("<II")
HEADER = struct.Struct("<IfQQ")
LABEL = struct.Struct("<f")  # the flag counts the labels after the header; 0: it is in the header
HEAD = FRAME.size + HEADER.size + LABEL.size  # bytes of a frame, a header and a label

# name: for figures and tables; fingerprint: SHA-1 of the contents; mean: red, green, blue;
# side: shorter side of all images in pixels, or None if they differ; train_images, test_images:
# Records; class_names: in the order of the labels; family: as of a cifar.Dataset
Set = namedtuple(
    "Set",
    "name classes fingerprint mean side train_images test_images class_names family",
    defaults=("imagenet",),
)


class Records:
    """The records of a training set or of a test set. labels: float32 (n,)."""

    def __init__(self, path, offsets, labels, remedy):
        """offsets: int64 (n,), positions in the file. remedy: advice for a corrupt file."""
        self.path = path
        self.offsets = np.append(offsets, path.stat().st_size)
        self.labels = labels
        self._remedy = remedy
        self._file = os.open(path, os.O_RDONLY)

    def __len__(self):
        return len(self.labels)

    def raw(self, sample):
        """Return the framed bytes of a record. Consecutive records form a record file again.

        Raises UserError for a corrupt frame, which would end MXNet's process.
        """
        record = self._read(sample)
        self._pieces(record)
        return record

    def image(self, sample):
        """Return the bytes of an image file. Raises UserError for a corrupt frame or header."""
        content = struct.pack("<I", MAGIC).join(self._pieces(self._read(sample)))
        if len(content) < HEADER.size:
            raise self.corrupt()
        labels = HEADER.unpack_from(content)[0]
        return content[HEADER.size + LABEL.size * labels :]

    def ends(self, sample, head, tail):
        """Return the first `head` and the last `tail` bytes of an image, at most; (b"", b"") for a
        record in pieces.
        """
        begin = self.offsets[sample]
        start = os.pread(self._file, FRAME.size + HEADER.size + head, begin)
        word = FRAME.unpack_from(start)[1]
        if word >> LENGTH_BITS:
            return b"", b""
        labels = HEADER.unpack_from(start, FRAME.size)[0]
        end = begin + FRAME.size + content_bytes(word)
        last = os.pread(self._file, tail, end - tail)
        return start[FRAME.size + HEADER.size + LABEL.size * labels :], last

    def corrupt(self, sample=None):
        """Return the UserError of a corrupt file."""
        return corrupt(self.path, self._remedy, sample)

    def _read(self, sample):
        begin, end = self.offsets[sample : sample + 2]
        return os.pread(self._file, max(end - begin, 0), begin)

    def _pieces(self, record):
        """Return the pieces of a record, without their frames."""
        pieces = []
        position = 0
        while position < len(record):
            magic, word = FRAME.unpack_from(record.ljust(position + FRAME.size, b"\0"), position)
            if magic != MAGIC:
                raise self.corrupt()
            begin = position + FRAME.size
            pieces.append(record[begin : begin + content_bytes(word)])
            position += piece_bytes(word)
        if not 0 < position == len(record):
            raise self.corrupt()
        return pieces


def corrupt(path, remedy, number=None):
    where = "" if number is None else f" at record {number:,}"
    return UserError(f"{path} is corrupt{where}: {remedy}")


def scan(path, remedy):
    """Return the Records of a file, from the frame and the header of each record.

    Raises UserError for a corrupt file, and for a record with several labels.
    """
    offsets = array("q")
    labels = array("f")
    size = path.stat().st_size
    progress = bar(total=size, desc=path.name, unit="B", unit_scale=True, leave=False, delay=1)
    position = 0
    with open(path, "rb") as file, progress:
        while position < size:
            head = os.pread(file.fileno(), HEAD, position)
            try:
                magic, word = FRAME.unpack_from(head)
                if magic != MAGIC:
                    raise struct.error
                if word >> LENGTH_BITS in (COMPLETE, FIRST):
                    labels.append(
                        _label(head[: FRAME.size + content_bytes(word)], path, len(labels))
                    )
                    offsets.append(position)
            except struct.error as error:
                raise corrupt(path, remedy, len(labels)) from error
            position += piece_bytes(word)
            progress.update(piece_bytes(word))
    if position != size or not offsets or offsets[0]:
        raise corrupt(path, remedy, len(labels))
    return Records(path, np.array(offsets), np.array(labels), remedy)


def _label(head, path, number):
    """Return the label in the first bytes of a record."""
    count, label, *_ = HEADER.unpack_from(head, FRAME.size)
    if count > 1:
        raise UserError(
            f"{path}: record {number} has {count:,} labels, and classification needs one: make it "
            "by im2rec.py without --pack-label"
        )
    return LABEL.unpack_from(head, FRAME.size + HEADER.size)[0] if count else label


def content_bytes(word):
    """Return the number of bytes in a piece. word: the word after MAGIC."""
    return word & (1 << LENGTH_BITS) - 1


def piece_bytes(word):
    """Return the bytes of a piece with its frame and the padding to a multiple of four."""
    return FRAME.size + -(-content_bytes(word) // 4) * 4


def packed(label, number, image):
    """Return the framed bytes of a record, as MXNet's writer, which cannot append, writes them."""
    content = HEADER.pack(0, label, number, 0) + image
    words = np.frombuffer(content[: len(content) // 4 * 4], "<u4")
    magics = (4 * np.flatnonzero(words == MAGIC)).tolist()
    ends = [*magics, len(content)]
    begins = [0, *(end + 4 for end in magics)]  # a magic itself is left out
    kinds = [FIRST, *[MIDDLE] * (len(ends) - 2), LAST] if magics else [COMPLETE]
    record = b""
    for kind, begin, end in zip(kinds, begins, ends):
        word = kind << LENGTH_BITS | end - begin
        record += FRAME.pack(MAGIC, word) + content[begin:end]
    return record.ljust(-(-len(record) // 4) * 4, b"\0")
