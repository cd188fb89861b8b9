"""The three files of a split while they are made: what their state says is on the disk, and a
stopped preparation goes on there."""

import hashlib
import json
import os

from common.errors import UserError
from common.files import write_whole

KINDS = ("rec", "idx", "lst")


class Growing:
    """A split's .rec, .idx and .lst, called .partial until finish(). What was written after the
    state is cut off.

    Raises UserError if a file of the final name is there that no preparation of ours has left.
    """

    def __init__(self, folder, split, settings, pairs):
        """pairs: the [(path, label)] that the split is to have."""
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
        self.done = set()  # the pairs that are written
        self._go_on(set(pairs))
        self._files = {}
        for kind, path in self._paths.items():
            mode = "r+b" if path.exists() else "w+b"
            self._files[kind] = open(path, mode)  # noqa: SIM115 (closed by finish)
            self._files[kind].truncate(self.state["bytes"][kind])

    def _take_back(self):
        """Files that got their names before a preparation was stopped, ahead of its set.json, are
        .partial again."""
        for path in self._paths.values():
            final = path.with_suffix("")
            if not final.exists():
                continue
            if path.exists() or not self._state_path.exists():
                raise UserError(
                    f"{final} is there, and is not of this preparation: move it away, "
                    "or choose another folder by --output (make: DATA=)"
                )
            os.replace(final, path)

    def _go_on(self, pairs):
        """Take what a stopped preparation with the same settings has left, if it is whole."""
        try:
            state = json.loads(self._state_path.read_text())
            done = self._listed(state["bytes"]["lst"])
            same = all(
                state["settings"][key] == self.state["settings"][key]
                for key in ("side", "quality", "classes")
            )
            whole = all(
                path.stat().st_size >= state["bytes"][kind] for kind, path in self._paths.items()
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return  # nothing that could go on
        if same and whole and done <= pairs and state["images"]:
            self.state = state
            self.done = done

    def _listed(self, count):
        """The (path, label) of the list's first `count` bytes."""
        text = self._paths["lst"].read_bytes()[:count].decode("utf-8", "surrogateescape")
        rows = [line.split("\t", 2) for line in text.split("\n")[:-1]]
        return {(path, int(float(label))) for _, label, path in rows}

    def append(self, pictures):
        """pictures: [(path, label, JPEG, mean)], all of them or, if anything breaks meanwhile,
        none."""
        state = self.state
        blocks = self._packed(pictures)
        for kind, file in self._files.items():
            file.seek(state["bytes"][kind])
            file.write(blocks[kind])
            file.flush()
            os.fsync(file.fileno())
            state["bytes"][kind] += len(blocks[kind])
        for *_, mean in pictures:
            state["sums"] = [float(total + value) for total, value in zip(state["sums"], mean)]
        state["images"] += len(pictures)
        state["digest"] = hashlib.sha1(state["digest"].encode() + blocks["rec"]).hexdigest()
        write_whole(self._state_path, json.dumps(state))

    def _packed(self, pictures):
        """{kind: bytes} to append. Raises UserError if the disk is full."""
        import mxnet as mx

        index = []
        lines = []
        try:
            # MXRecordIO cannot tell()
            writer = mx.recordio.MXIndexedRecordIO(os.devnull, str(self._part), "w")
            for number, (path, label, jpeg, _) in enumerate(pictures, self.state["images"]):
                index.append(f"{number}\t{self.state['bytes']['rec'] + writer.tell()}\n")
                lines.append(f"{number}\t{label:f}\t{path}\n")
                writer.write(mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), jpeg))
            size = writer.tell()
            writer.close()
            records = self._part.read_bytes()
            # MXNet does not see that a disk is full when it closes the file
            if len(records) != size:
                raise mx.MXNetError
        except mx.MXNetError as error:
            self._part.unlink(missing_ok=True)  # it may be what fills the disk
            raise UserError(
                f"cannot write {self._part}: is the disk full? Make room, and the same "
                "command goes on"
            ) from error
        self._part.unlink()
        return {
            "rec": records,
            "idx": "".join(index).encode(),
            "lst": "".join(lines).encode("utf-8", "surrogateescape"),
        }

    def finish(self):
        """Give the files their names."""
        for kind, path in self._paths.items():
            self._files[kind].close()
            os.replace(path, path.with_suffix(""))

    def forget(self):
        """Remove what a stopped preparation needs to go on."""
        self._state_path.unlink()
