"""Write the .rec, .idx and .lst of a prepared split so that a stopped preparation can resume."""

import hashlib
import json
import os

from common.errors import UserError
from common.files import write_whole, writing

from . import records

KINDS = ("rec", "idx", "lst")
PATHS = ("utf-8", "surrogateescape")  # how the bytes of a file name become text


class SplitWriter:
    """The files of a split, and the state that describes them.

    Whatever was written after the last state is cut off. Raises UserError if a file exists that
    does not belong to this preparation.
    """

    def __init__(self, folder, split, settings, pairs):
        """settings: a preparation resumes with equal settings. pairs: all [(path, label)]."""
        self._paths = {kind: folder / f"{split}.{kind}" for kind in KINDS}
        self._state_path = folder / f"{split}.state.partial"
        self.state = {
            "settings": settings,
            "bytes": dict.fromkeys(KINDS, 0),
            "images": 0,
            "sums": [0.0, 0.0, 0.0],
            "digest": "",
        }
        self.done = set()  # pairs that are written
        if self._state_path.exists():
            self._resume(set(pairs))
        existing = [path for path in self._paths.values() if path.exists()]
        if existing and not self._state_path.exists():
            raise UserError(
                f"{existing[0]} exists, and is not of this preparation: move it away, or name "
                "another folder by --output (make: DATA=)"
            )
        self._keep_state()
        for kind, path in self._paths.items():
            path.touch()
            os.truncate(path, self.state["bytes"][kind])

    def _resume(self, pairs):
        """Take over the state of a stopped preparation with the same settings, if it is sound."""
        state = json.loads(self._state_path.read_text())
        sizes = {kind: path.stat().st_size for kind, path in self._paths.items() if path.exists()}
        is_complete = all(sizes.get(kind, 0) >= state["bytes"][kind] for kind in KINDS)
        is_same = state["settings"] == self.state["settings"]
        if not (is_same and is_complete and state["images"]):
            return
        text = self._paths["lst"].read_bytes()[: state["bytes"]["lst"]]
        rows = [row.split("\t", 2) for row in text.decode(*PATHS).split("\n")[:-1]]
        done = {(path, int(float(label))) for _, label, path in rows}
        if done <= pairs:
            self.state = state
            self.done = done

    def _keep_state(self):
        write_whole(self._state_path, json.dumps(self.state))

    def append(self, images):
        """Append [(path, label, JPEG, mean)]: all of them or, on an error, none."""
        state = self.state
        blocks = {kind: bytearray() for kind in KINDS}
        for number, (path, label, jpeg, mean) in enumerate(images, state["images"]):
            position = state["bytes"]["rec"] + len(blocks["rec"])
            blocks["idx"] += f"{number}\t{position}\n".encode()
            blocks["lst"] += f"{number}\t{label:f}\t{path}\n".encode(*PATHS)
            blocks["rec"] += records.packed(label, number, jpeg)
            state["sums"] = [float(total + value) for total, value in zip(state["sums"], mean)]
        for kind, path in self._paths.items():
            with writing(path.parent), open(path, "ab") as file:
                file.write(blocks[kind])
                file.flush()
                os.fsync(file.fileno())
            state["bytes"][kind] += len(blocks[kind])
        state["images"] += len(images)
        state["digest"] = hashlib.sha1(state["digest"].encode() + blocks["rec"]).hexdigest()
        self._keep_state()

    def forget(self):
        """Remove the state."""
        self._state_path.unlink()
