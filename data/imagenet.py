"""ImageNet, or any folder of class folders, as indexed RecordIO: made once, on all cores, and checked.

    make imagenet-data SOURCE=folder                       # -> data/imagenet/: train and val, each .rec, .idx, .lst; set.json
    python -m data.imagenet folder --output data/imagenet

These are the files that MXNet's tools/im2rec.py --resize 480 --quality 95 makes, written by the same mx.recordio. That script
needs OpenCV for Python and leaves files out silently, so Pillow decodes here. What SOURCE may look like: data/folders.py.

Stopped, it goes on with the same command. Until set.json is there, every file is called .partial.
"""
import argparse
import fcntl
import hashlib
import io
import json
import os
import signal
import struct
import threading
import time
from collections import Counter, deque, namedtuple
from concurrent.futures import ProcessPoolExecutor, process
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from common.environment import bar, physical_cores
from common.errors import UserError, run

from .folders import LISTS, listing

SIDE = 480  # shorter side in pixels: the largest that the papers' scale augmentation asks for
QUALITY = 95  # of JPEG, as im2rec's default
LONGEST = 65500  # pixels of a JPEG's longer side, as libjpeg has it
JOB = 128  # pictures that a worker prepares at once, and after which a stopped preparation can go on
MAGIC = 0xced7230a  # with which each piece of a record begins
ILSVRC = {"train": 1281167, "val": 50000}

# name: for figures and tables; fingerprint: SHA-1 of all records; mean: red, green, blue; side: see SIDE; train, val: Records
Set = namedtuple("Set", "name classes fingerprint mean side train_images test_images")


class Records:
    """One split: its labels, and its records as they stand in the file."""

    def __init__(self, folder, split, suffix=""):
        self.path, self.index, listed = (folder / f"{split}.{kind}{suffix}" for kind in ("rec", "idx", "lst"))
        offsets = np.array(self.index.read_text().split(), dtype=np.int64).reshape(-1, 2)[:, 1]
        self.offsets = np.append(offsets, self.path.stat().st_size)
        with open(listed, encoding="utf-8", errors="surrogateescape") as file:
            self.labels = np.array([float(line.split("\t")[1]) for line in file], dtype=np.float32)
        self._file = os.open(self.path, os.O_RDONLY)

    def __len__(self):
        return len(self.labels)

    def raw(self, sample):
        """The record as bytes, framed: several in a row are a record file again. A damaged frame would end MXNet's process."""
        begin, end = self.offsets[sample:sample + 2]
        record, there = os.pread(self._file, max(end - begin, 0), begin), 0
        while there < len(record):  # a record can be in several pieces
            magic, length = struct.unpack_from("<II", record.ljust(there + 8, b"\0"), there)
            there += 8 + -(-(length & (1 << 29) - 1) // 4) * 4 if magic == MAGIC else len(record) + 1
        if not 0 < there == end - begin:
            raise damaged(self.path)
        return record


def load(folder):
    """The prepared set in a folder. Raises UserError if there is none, or a part of it is missing."""
    folder, part, splits = Path(folder), "set.json", []
    try:
        facts = json.loads((folder / part).read_text())
        made = Set(facts["name"], len(facts["classes"]), facts["fingerprint"], np.array(facts["mean"], np.float32), facts["side"],
                   None, None)
        if not isinstance(made.side, int) or made.mean.shape != (3,) or "settings" not in facts:
            raise ValueError
        for split in ("train", "val"):
            part = f"{split}.rec, .idx or .lst"
            splits.append(Records(folder, split))
            if not len(splits[-1]) == len(splits[-1].offsets) - 1 == facts[split]:
                raise ValueError
            splits[-1].raw(facts[split] - 1)  # which ends with the file
        return made._replace(train_images=splits[0], test_images=splits[1])
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no prepared set ({Path(error.filename).name} is missing): make imagenet-data "
                        "SOURCE=folder prepares one; another folder is named by --data-dir (make: DATA=)") from error
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise damaged(folder / part) from error


def damaged(what):
    return UserError(f"{what} is damaged: delete its folder, and make imagenet-data anew")


def encode(path, side):
    """A picture file of any kind and colour space -> (JPEG, mean of red, green, blue), its shorter side resized to `side`."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # which gluoncv.data turns on for everybody
    with Image.open(path) as image:
        if max(image.size) * side / min(image.size) > LONGEST:
            raise ValueError(f"{image.size[0]}x{image.size[1]} pixels are too narrow for a shorter side of {side}")
        image.draft(None, (side, side))  # a JPEG of more than twice the size is decoded at half of it
        image = eight_bits(image).convert("RGB")
    width, height = image.size
    short = min(width, height)
    image = image.resize((round(width * side / short), round(height * side / short)), Image.BICUBIC)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue(), np.asarray(image).mean(axis=(0, 1))


def eight_bits(image):
    """Pillow's modes I and I;16 are pictures of 16 bits, which convert() would cut off at 255; F does not say what white is."""
    if image.mode[0] not in "IF":
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("neither 8 nor 16 bits a colour")
    return Image.fromarray((values >> 8).astype(np.uint8))


def encode_all(paths, side):
    """[(JPEG, mean, None) or (None, None, why not)] of a job's files."""
    done = []
    for path in paths:
        try:
            done.append((*encode(path, side), None))
        except Exception as error:  # a broken file can raise anything, in any number of lines
            done.append((None, None, " ".join(f"{type(error).__name__}: {error}".split()).replace(str(path), path.name)))
    return done


class Growing:
    """The files of a split while they are made. What the state says is on the disk; what was written after it is cut off."""

    def __init__(self, folder, split, settings, pairs):
        self._paths = {kind: folder / f"{split}.{kind}.partial" for kind in ("rec", "idx", "lst")}
        self._part, self._state_path = folder / f"{split}.part.partial", folder / f"{split}.state.partial"
        for path in self._paths.values():
            if self._state_path.exists() and path.with_suffix("").exists() and not path.exists():
                os.replace(path.with_suffix(""), path)  # ended after finish(), and before there was a set.json
        self.state = {"settings": settings, "bytes": dict.fromkeys(self._paths, 0), "images": 0, "sums": [0.0, 0.0, 0.0],
                      "digest": ""}
        try:
            state = json.loads(self._state_path.read_text())
            self.there = self._listed(state["bytes"]["lst"])
            same = all(state["settings"][key] == settings[key] for key in ("side", "quality", "classes"))
            if same and self.there <= set(pairs) and all(
                    path.stat().st_size >= state["bytes"][kind] for kind, path in self._paths.items()):
                self.state = state
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            pass  # nothing there that could go on
        if not self.state["images"]:
            self.there = set()
        self._files = {kind: open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115 (closed by finish)
                       for kind, path in self._paths.items()}
        for kind, file in self._files.items():
            file.truncate(self.state["bytes"][kind])

    def _listed(self, count):
        """The (path, label) of the list's first `count` bytes: they are in it already."""
        text = self._paths["lst"].read_bytes()[:count].decode("utf-8", "surrogateescape")
        return {(line.split("\t", 2)[2], int(float(line.split("\t", 2)[1]))) for line in text.split("\n")[:-1]}

    def append(self, pictures):
        """pictures: [(path, label, JPEG, mean)], all of them or, if anything breaks meanwhile, none."""
        import mxnet as mx
        state, index, lines = self.state, [], []
        try:
            writer = mx.recordio.MXIndexedRecordIO(os.devnull, str(self._part), "w")  # MXRecordIO cannot tell()
            for i, (path, label, jpeg, mean) in enumerate(pictures, state["images"]):
                index.append(f"{i}\t{state['bytes']['rec'] + writer.tell()}\n")
                lines.append(f"{i}\t{label:f}\t{path}\n")
                writer.write(mx.recordio.pack(mx.recordio.IRHeader(0, label, i, 0), jpeg))
                state["sums"] = [float(total + value) for total, value in zip(state["sums"], mean)]
            size = writer.tell()
            writer.close()
            blocks = {"rec": self._part.read_bytes(), "idx": "".join(index).encode(),
                      "lst": "".join(lines).encode("utf-8", "surrogateescape")}
            if len(blocks["rec"]) != size:  # MXNet does not see that a disk is full when it closes the file
                raise mx.MXNetError
        except mx.MXNetError as error:
            self._part.unlink(missing_ok=True)  # it may be what fills the disk
            raise UserError(f"cannot write {self._part}: is the disk full? Make room, and the same command goes on") from error
        self._part.unlink()
        for kind, file in self._files.items():
            file.seek(state["bytes"][kind])
            file.write(blocks[kind])
            file.flush()
            os.fsync(file.fileno())
            state["bytes"][kind] += len(blocks[kind])
        state["images"] += len(pictures)
        state["digest"] = hashlib.sha1(state["digest"].encode() + blocks["rec"]).hexdigest()
        _write(self._state_path, json.dumps(state))

    def finish(self):
        """Give the files their names."""
        for kind, path in self._paths.items():
            self._files[kind].close()
            os.replace(path, path.with_suffix(""))

    def forget(self):
        """Remove what a stopped preparation needs to go on."""
        self._state_path.unlink()


def prepare(source, output, side=SIDE, workers=None, skip_unreadable=False, val_list=None):
    """Prepare a set; returns it. Raises UserError, and can be called again, for whatever the user has to mend first."""
    source, output = Path(source), Path(output)
    if side < 8:
        raise UserError(f"--side {side}: at least 8 pixels")
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: at least 1 (without it: one a core)")
    classes, splits = listing(source, val_list)
    settings = {"side": side, "quality": QUALITY, "classes": _digest(classes), "files": _digest(splits)}
    output.mkdir(parents=True, exist_ok=True)
    with open(output / ".lock", "w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not flock, which the forked workers would hold on to
        except OSError as error:
            raise UserError(f"another process is preparing {output}: wait for it") from error
        if (output / "set.json").exists():
            there = load(output)
            if json.loads((output / "set.json").read_text())["settings"] != settings:
                raise UserError(f"{output} holds another set, {there.name}: choose another folder by --output (make: DATA=), or "
                                "delete it")
            return there
        growing = {split: Growing(output, split, settings, pairs) for split, pairs in splits.items()}
        unreadable = _grow(growing, splits, source, side, workers or physical_cores())
        (output / "unreadable.txt").write_text("".join(f"{path}\t{why}\n" for path, why in unreadable.items()),
                                               encoding="utf-8", errors="surrogateescape")
        if unreadable and not skip_unreadable:
            names = ", ".join(list(unreadable)[:3]) + ", ..." * (len(unreadable) > 3)
            raise UserError(f"{len(unreadable):,} files cannot be read ({names}; all, and why, in {output / 'unreadable.txt'}): "
                            "mend or remove them, or leave them out by --skip-unreadable (make: ARGS=--skip-unreadable)")
        left = {split: [pair for pair in pairs if pair[0] not in unreadable] for split, pairs in splits.items()}
        lost = Counter(label for _, label in splits["train"]).keys() - Counter(label for _, label in left["train"]).keys()
        if lost or not left["val"]:
            raise UserError(f"no picture of {classes[min(lost)] if lost else 'val'} can be read: see {output / 'unreadable.txt'}")
        verify(output, left)
        states = {split: files.state for split, files in growing.items()}
        for files in growing.values():
            files.finish()
        official = len(classes) == 1000 and classes[0] == "n01440764"
        counts = {split: len(pairs) for split, pairs in left.items()}
        name = "ILSVRC-2012" if official and counts == ILSVRC else \
            f"{source.resolve().name} ({counts['train']:,} + {counts['val']:,} images in {len(classes):,} classes)"
        if official and counts != ILSVRC:
            print(f"this is not all of ILSVRC-2012, which has {ILSVRC['train']:,} + {ILSVRC['val']:,} images")
        _write(output / "set.json", json.dumps({
            "name": name, **counts, "side": side, "mean": [total / counts["train"] for total in states["train"]["sums"]],
            "fingerprint": hashlib.sha1((states["train"]["digest"] + states["val"]["digest"]).encode()).hexdigest(),
            "unreadable": sorted(unreadable), "settings": settings, "classes": classes}, indent=1) + "\n")
        for files in growing.values():
            files.forget()
    return load(output)


def _grow(growing, splits, source, side, workers):
    """Append to each split what it lacks, in order; {path: why} of the files that cannot be read."""
    unreadable, waiting = {}, deque()
    # fork, because workers need Pillow alone and would otherwise read all of MXNet each
    pool = ProcessPoolExecutor(workers, get_context("fork"), _worker, (os.getpid(),))
    try:
        for split, files in growing.items():
            left = [pair for pair in splits[split] if pair not in files.there]
            jobs = deque(left[i:i + JOB] for i in range(0, len(left), JOB))
            with bar(total=len(splits[split]), initial=len(files.there), desc=split, unit="image") as progress:
                while jobs or waiting:
                    while jobs and len(waiting) < 2 * workers:
                        job = jobs.popleft()
                        waiting.append((job, pool.submit(encode_all, [source / path for path, _ in job], side)))
                    job, result = waiting.popleft()
                    done = result.result()
                    unreadable.update({path: why for (path, _), (_, _, why) in zip(job, done) if why})
                    files.append([(path, label, jpeg, mean) for (path, label), (jpeg, mean, why) in zip(job, done) if not why])
                    progress.update(len(job))
    except process.BrokenProcessPool as error:
        raise UserError("a worker was ended from outside (is the memory full?); the same command goes on") from error
    finally:
        for _, result in waiting:
            result.cancel()
        pool.shutdown()
    return unreadable


def _worker(parent):
    """What a worker does first: leave Ctrl-C to its parent, and see to it that it does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def verify(folder, pairs):
    """Read every record's frame and header, and decode a hundred of each split. Raises UserError unless all is as listed.

    pairs: {split: [(path, label)]} that must be there, each once.
    """
    import mxnet as mx
    for split, expected in pairs.items():
        records, wrong = Records(folder, split, ".partial"), None
        labels = Counter(label for _, label in expected)
        if Counter(map(int, records.labels)) != labels or len(records.offsets) != len(expected) + 1:
            wrong = "it does not hold each file once"
        with open(records.path, "rb") as file:
            for i, label in enumerate(records.labels):
                file.seek(records.offsets[i])
                # dmlc's frame: magic, three bits of flag (0: in one piece) and 29 of length; then MXNet's flag, label, id, id2
                magic, length, _, there, number, _ = struct.unpack("<IIIfQQ", file.read(32))
                whole = length >> 29 or records.offsets[i] + 8 + -(-length // 4) * 4 == records.offsets[i + 1]
                if (magic, there, number) != (MAGIC, label, i) or not whole:
                    wrong = wrong or f"record {i} is damaged"
                    break
        reader = mx.recordio.MXIndexedRecordIO(str(records.index), str(records.path), "r")
        for i in range(0, len(records), max(1, len(records) // 100)):
            mx.image.imdecode(mx.recordio.unpack(reader.read_idx(i))[1])
        if wrong:
            raise UserError(f"{records.path}: {wrong}; delete {folder}, and run the same command again")


def _digest(content):
    return hashlib.sha1(repr(content).encode("utf-8", "surrogateescape")).hexdigest()


def _write(path, text):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("source", help="holds train/ and val/, or class folders")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "imagenet", help="(data/imagenet)")
    parser.add_argument("--side", type=int, default=SIDE, help="shorter side of the prepared pictures (480: P1 3.4)")
    parser.add_argument("--val-list", help=f"classes of a flat val/ ({', '.join(LISTS)})")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out files that cannot be read")
    parser.add_argument("--workers", type=int, help="processes (one a core)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.source:
        raise UserError("say where the pictures are: make imagenet-data SOURCE=folder")
    made = prepare(arguments.source, arguments.output, arguments.side, arguments.workers, arguments.skip_unreadable,
                   arguments.val_list)
    print(f"{made.name}: {len(made.train_images):,} training and {len(made.test_images):,} test images in "
          f"{made.classes:,} classes, shorter side {made.side}, checked; in {os.path.relpath(arguments.output)}")


if __name__ == "__main__":
    run(main)
