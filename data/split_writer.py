"""Write the .rec, .idx and .lst of a prepared split so that a stopped preparation can resume."""

import hashlib
import json
import os
from functools import reduce

from common.errors import UserError
from common.files import write_whole, writing

from . import records

KINDS = ("rec", "idx", "lst")
PATHS = ("utf-8", "surrogateescape")  # how the bytes of a file name become text


def stamp(digest, path):
    """Return the SHA-1 of `digest` and a file's size and time, which differ for another file."""
    try:
        status = path.stat()
        facts = f"{status.st_size} {status.st_mtime_ns}"
    except OSError as error:  # such as a broken link, which is reported when it is read
        facts = type(error).__name__
    return hashlib.sha1(f"{digest} {facts}".encode()).hexdigest()


class SplitWriter:
    """The files of a split, and the state that describes them.

    Data that was written after the last saved state is removed. Raises UserError if a file exists
    that does not belong to this preparation.
    """

    def __init__(self, folder, split, settings, source, pairs):
        """settings: a preparation resumes with equal settings. pairs: all [(path, label)], paths
        relative to the source."""
        self._source = source
        self._paths = {kind: folder / f"{split}.{kind}" for kind in KINDS}
        self._state_path = folder / f"{split}.state.partial"
        self.state = {
            "settings": settings,
            "bytes": dict.fromkeys(KINDS, 0),
            "images": 0,
            "sums": [0.0, 0.0, 0.0],
            "stamp": "",  # of the files that are written
            "digest": "",  # SHA-1 of the records: of the digest before each record, and the record
        }
        self.done = set()  # pairs that are written
        if self._state_path.exists():
            self._resume(set(pairs))
        existing = [path for path in self._paths.values() if path.exists()]
        if existing and not self._state_path.exists():
            raise UserError(
                f"{existing[0]} exists and does not belong to this set: move it away, or name "
                "another folder with --output (make: DATA=)"
            )
        self._keep_state()
        for kind, path in self._paths.items():
            path.touch()
            os.truncate(path, self.state["bytes"][kind])

    def _resume(self, pairs):
        """Take over the state of a stopped preparation with the same settings, if it is sound."""
        state = json.loads(self._state_path.read_text())
        if not state["images"]:
            return
        sizes = {kind: path.stat().st_size for kind, path in self._paths.items() if path.exists()}
        is_complete = all(sizes.get(kind, 0) >= state["bytes"][kind] for kind in KINDS)
        if is_complete and state["settings"] == self.state["settings"]:
            text = self._paths["lst"].read_bytes()[: state["bytes"]["lst"]]
            rows = [row.split("\t", 2) for row in text.decode(*PATHS).split("\n")[:-1]]
            done = {(path, int(float(label))) for _, label, path in rows}
            written = reduce(stamp, (self._source / path for _, _, path in rows), "")
            if done <= pairs and written == state["stamp"]:
                self.state = state
                self.done = done
                return
        print(f"{self._paths['rec']} is of other files or options: its preparation starts again")

    def _keep_state(self):
        write_whole(self._state_path, json.dumps(self.state))

    def append(self, encoded):
        """Append [(path, label, JPEG, mean)]: all of them or, on an error, none."""
        state = self.state
        blocks = {kind: bytearray() for kind in KINDS}
        for number, (path, label, jpeg, mean) in enumerate(encoded, state["images"]):
            position = state["bytes"]["rec"] + len(blocks["rec"])
            blocks["idx"] += f"{number}\t{position}\n".encode()
            blocks["lst"] += f"{number}\t{label:f}\t{path}\n".encode(*PATHS)
            record = records.packed(label, number, jpeg)
            blocks["rec"] += record
            state["digest"] = hashlib.sha1(state["digest"].encode() + record).hexdigest()
            state["stamp"] = stamp(state["stamp"], self._source / path)
            state["sums"] = [float(total + value) for total, value in zip(state["sums"], mean)]
        for kind, path in self._paths.items():
            with writing(path.parent), open(path, "ab") as file:
                file.write(blocks[kind])
                file.flush()
                os.fsync(file.fileno())
            state["bytes"][kind] += len(blocks[kind])
        state["images"] += len(encoded)
        self._keep_state()

    def forget(self):
        """Remove the state."""
        self._state_path.unlink()
