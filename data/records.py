"""A record file as MXNet's RecordIO has it, its records reached by their number, and a set of two
such files.

A record is a frame (magic, a word with its length), MXNet's header (flag, label, id, id2), and the
file of a picture. One that holds the magic itself is in several pieces, each with a frame.
"""

import os
import struct
from collections import namedtuple

import numpy as np

from common.errors import UserError

MAGIC = 0xCED7230A  # with which each piece of a record begins
LENGTH_BITS = 29  # of the word behind it; the others say which piece of a record it is
FRAME = struct.Struct("<II")
HEADER = struct.Struct("<IfQQ")
LABEL = struct.Struct("<f")  # as many behind the header as its flag says; 0: the one in the header

# name: for figures and tables; fingerprint: SHA-1 of what is in it; mean: red, green, blue;
# side: shorter side in pixels of all pictures, None if they have any;
# train_images, test_images: Records; class_names: in the order of the labels
Set = namedtuple("Set", "name classes fingerprint mean side train_images test_images class_names")


class Records:
    """One split: its labels float32 (n,), and its records as they stand in the file.

    offsets: int64 (n,), where in the file each begins. remedy: what to do about a damaged file.
    """

    def __init__(self, path, offsets, labels, remedy):
        self.path = path
        self.offsets = np.append(offsets, path.stat().st_size)
        self.labels = labels
        self._remedy = remedy
        self._file = os.open(path, os.O_RDONLY)

    def __len__(self):
        return len(self.labels)

    def raw(self, sample):
        """The record as bytes, framed: several in a row are a record file again.

        Raises UserError for a damaged frame, which would end MXNet's process.
        """
        record = self._read(sample)
        self._pieces(record)
        return record

    def picture(self, sample):
        """The file of a picture as bytes. Raises UserError for a damaged frame or header."""
        content = struct.pack("<I", MAGIC).join(self._pieces(self._read(sample)))
        if len(content) < HEADER.size:
            raise self.damaged()
        labels = HEADER.unpack_from(content)[0]
        return content[HEADER.size + LABEL.size * labels :]

    def damaged(self):
        """The UserError of a file that is not as it was made."""
        return UserError(f"{self.path} is damaged: {self._remedy}")

    def _read(self, sample):
        begin, end = self.offsets[sample : sample + 2]
        return os.pread(self._file, max(end - begin, 0), begin)

    def _pieces(self, record):
        """A framed record's pieces, without their frames."""
        pieces = []
        position = 0
        while position < len(record):
            magic, word = FRAME.unpack_from(record.ljust(position + FRAME.size, b"\0"), position)
            if magic != MAGIC:
                raise self.damaged()
            begin = position + FRAME.size
            pieces.append(record[begin : begin + length(word)])
            position += frame(word)
        if not 0 < position == len(record):
            raise self.damaged()
        return pieces


def length(word):
    """Bytes of a piece. word: the one behind MAGIC."""
    return word & (1 << LENGTH_BITS) - 1


def frame(word):
    """Bytes of a piece with its frame, which ends on a multiple of four."""
    return FRAME.size + -(-length(word) // 4) * 4
