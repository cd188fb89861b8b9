"""Write the .rec, .idx and .lst of a prepared split so that a stopped preparation can resume."""

import hashlib
import json
import os

from common.errors import UserError
from common.files import write_whole

KINDS = ("rec", "idx", "lst")


class SplitWriter:
    """The files of a split, called .partial until finish(), and the state that describes them.

    Whatever was written after the last state is cut off. Raises UserError if a file of the final
    name exists that does not belong to this preparation.
    """

    def __init__(self, folder, split, settings, pairs):
        """pairs: all [(path, label)] of the split."""
        self._paths = {kind: folder / f"{split}.{kind}.partial" for kind in KINDS}
        self._part = folder / f"{split}.part.partial"
        self._state_path = folder / f"{split}.state.partial"
        self._take_back()
        self.state = {
            "settings": settings,
            "bytes": dict.fromkeys(KINDS, 0),
            "images": 0,
            "sums": [0.0, 0.0, 0.0],
            "digest": "",
        }
        self.done = set()  # pairs that are written
        self._resume(set(pairs))
        self._files = {}
        for kind, path in self._paths.items():
            mode = "r+b" if path.exists() else "w+b"
            self._files[kind] = open(path, mode)  # noqa: SIM115 (closed by finish)
            self._files[kind].truncate(self.state["bytes"][kind])

    def _take_back(self):
        """Rename final files back to .partial if a preparation was stopped before set.json."""
        for path in self._paths.values():
            final = path.with_suffix("")
            if not final.exists():
                continue
            if path.exists() or not self._state_path.exists():
                raise UserError(
                    f"{final} exists, and is not of this preparation: move it away, or name "
                    "another folder by --output (make: DATA=)"
                )
            os.replace(final, path)

    def _resume(self, pairs):
        """Take over the state of a stopped preparation with the same settings, if it is sound."""
        try:
            state = json.loads(self._state_path.read_text())
            done = self._listed(state["bytes"]["lst"])
            is_same = all(
                state["settings"][key] == self.state["settings"][key]
                for key in ("side", "quality", "classes")
            )
            is_complete = all(
                path.stat().st_size >= state["bytes"][kind] for kind, path in self._paths.items()
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return
        if is_same and is_complete and done <= pairs and state["images"]:
            self.state = state
            self.done = done

    def _listed(self, count):
        """The pairs in the first `count` bytes of the .lst."""
        text = self._paths["lst"].read_bytes()[:count].decode("utf-8", "surrogateescape")
        rows = [line.split("\t", 2) for line in text.split("\n")[:-1]]
        return {(path, int(float(label))) for _, label, path in rows}

    def append(self, images):
        """Append [(path, label, JPEG, mean)]: all of them or, on an error, none."""
        state = self.state
        blocks = self._packed(images)
        for kind, file in self._files.items():
            file.seek(state["bytes"][kind])
            file.write(blocks[kind])
            file.flush()
            os.fsync(file.fileno())
            state["bytes"][kind] += len(blocks[kind])
        for *_, mean in images:
            state["sums"] = [float(total + value) for total, value in zip(state["sums"], mean)]
        state["images"] += len(images)
        state["digest"] = hashlib.sha1(state["digest"].encode() + blocks["rec"]).hexdigest()
        write_whole(self._state_path, json.dumps(state))

    def _packed(self, images):
        """{kind: bytes} to append. Raises UserError if the disk is full."""
        import mxnet as mx

        index = []
        lines = []
        try:
            # MXRecordIO has no tell()
            writer = mx.recordio.MXIndexedRecordIO(os.devnull, str(self._part), "w")
            for number, (path, label, jpeg, _) in enumerate(images, self.state["images"]):
                index.append(f"{number}\t{self.state['bytes']['rec'] + writer.tell()}\n")
                lines.append(f"{number}\t{label:f}\t{path}\n")
                writer.write(mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), jpeg))
            size = writer.tell()
            writer.close()
            records = self._part.read_bytes()
            if len(records) != size:  # MXNet ignores a full disk when it closes the file
                raise mx.MXNetError
        except mx.MXNetError as error:
            self._part.unlink(missing_ok=True)  # it may be what fills the disk
            raise UserError(
                f"cannot write {self._part}: is the disk full? Free some space, and re-run the "
                "command to resume"
            ) from error
        self._part.unlink()
        return {
            "rec": records,
            "idx": "".join(index).encode(),
            "lst": "".join(lines).encode("utf-8", "surrogateescape"),
        }

    def finish(self):
        """Give the files their final names."""
        for kind, path in self._paths.items():
            self._files[kind].close()
            os.replace(path, path.with_suffix(""))

    def forget(self):
        """Remove the state."""
        self._state_path.unlink()
