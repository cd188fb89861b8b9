"""ImageNet, or any folder of class folders, as indexed RecordIO: made once, on all cores, and
checked.

    make imagenet-data SOURCE=folder        # -> data/imagenet/: train and val, each .rec, .idx,
    .lst; set.json
    python -m data.prepare folder --output data/imagenet

These are the files that MXNet's tools/im2rec.py --resize 480 --quality 95 makes, written by the
same mx.recordio. That script needs OpenCV for Python and leaves files out silently, so Pillow
decodes here (data/photos.py). What SOURCE may look like: data/folders.py. Stopped, it goes on with
the same command. Until set.json is there, every file is called .partial.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import signal
import threading
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor, process
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from common.command import Parser, folder
from common.environment import bar, physical_cores
from common.errors import UserError, run_main
from common.files import ROOT, write_whole

from . import folders, imagenet, photos
from .growing import Growing
from .lists import LISTS

SIDE = 480  # shorter side in pixels: the largest that the papers' scale augmentation asks for
QUALITY = 95  # of JPEG, as im2rec's default
# pictures that a worker prepares at once, and after which a stopped preparation can go on
JOB = 128
ILSVRC = {"train": 1281167, "val": 50000}


def prepare(source, output, side=SIDE, workers=None, skip_unreadable=False, val_list=None):
    """Prepare a set; returns it. Raises UserError, and can be called again, for whatever the user
    has to mend first."""
    source = Path(source)
    output = Path(output)
    if side < 8:
        raise UserError(f"--side {side}: at least 8 pixels")
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: at least 1 (without it: one a core)")
    classes, splits, notes = folders.listing(source, val_list)
    for note in notes:
        print(note)
    settings = {
        "side": side,
        "quality": QUALITY,
        "classes": _digest(classes),
        "files": _digest(splits),
    }
    output.mkdir(parents=True, exist_ok=True)
    with _locked(output):
        if (output / "set.json").exists():
            return _made_before(output, settings)
        growing = {
            split: Growing(output, split, settings, pairs) for split, pairs in splits.items()
        }
        unreadable = _grow(growing, splits, source, side, workers or physical_cores())
        _report(output, unreadable, skip_unreadable)
        kept = _readable(output, splits, unreadable, classes)
        imagenet.verify(output, kept)
        for files in growing.values():
            files.finish()
        counts = {split: len(pairs) for split, pairs in kept.items()}
        _write_facts(
            output / "set.json",
            growing,
            {
                "name": _title(source, classes, counts),
                **counts,
                "side": side,
                "unreadable": sorted(unreadable),
                "settings": settings,
                "classes": [photos.printable(name) for name in classes],
            },
        )
        for files in growing.values():
            files.forget()
    return imagenet.load(output)


def encode(path, side):
    """A picture file -> (JPEG, mean of red, green, blue), upright, its shorter side resized to
    `side`."""
    image = photos.resized(photos.read(path, side), side)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue(), np.asarray(image).mean(axis=(0, 1))


def encode_all(paths, side):
    """[(JPEG, mean, None) or (None, None, why not)] of a job's files."""
    results = []
    for path in paths:
        try:
            results.append((*encode(path, side), None))
        except Exception as error:  # a broken file can raise anything, in any number of lines
            results.append((None, None, photos.reason(error, path)))
    return results


@contextlib.contextmanager
def _locked(output):
    with open(output / ".lock", "a") as lock:
        try:
            # not flock, which the forked workers would hold on to
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"another process is preparing {output}: wait for it") from error
        yield


def _made_before(output, settings):
    made = imagenet.load(output)
    if json.loads((output / "set.json").read_text())["settings"] != settings:
        raise UserError(
            f"{output} holds another set, {made.name}: choose another folder by "
            "--output (make: DATA=), or delete it"
        )
    return made


def _report(output, unreadable, skip_unreadable):
    """List the files that cannot be read. Raises UserError unless they are to be left out."""
    lines = "".join(f"{path}\t{why}\n" for path, why in unreadable.items())
    write_whole(output / "unreadable.txt", lines.encode("utf-8", "surrogateescape"))
    if unreadable and not skip_unreadable:
        names = ", ".join(list(unreadable)[:3])
        if len(unreadable) > 3:
            names += ", ..."
        raise UserError(
            f"{len(unreadable):,} files cannot be read ({names}; all, and why, in "
            f"{output / 'unreadable.txt'}): mend or remove them, or leave them out by "
            "--skip-unreadable (make: ARGS=--skip-unreadable)"
        )


def _readable(output, splits, unreadable, classes):
    """The splits without what cannot be read. Raises UserError if nothing is left of a class, or to
    test on."""
    kept = {
        split: [pair for pair in pairs if pair[0] not in unreadable]
        for split, pairs in splits.items()
    }
    for split, pairs in splits.items():
        lost = {label for _, label in pairs} - {label for _, label in kept[split]}
        if lost:
            raise UserError(
                f"no picture of {classes[min(lost)]} can be read in {split}: see "
                f"{output / 'unreadable.txt'}"
            )
    return kept


def _title(source, classes, counts):
    """What figures and tables call the set."""
    official = len(classes) == 1000 and classes[0] == "n01440764"
    if official and counts == ILSVRC:
        return "ILSVRC-2012"
    if official:
        print(
            f"this is not all of ILSVRC-2012, which has {ILSVRC['train']:,} + {ILSVRC['val']:,} "
            "images"
        )
    name = photos.printable(source.resolve().name)
    return f"{name} ({counts['train']:,} + {counts['val']:,} images in {len(classes):,} classes)"


def _write_facts(path, growing, facts):
    states = {split: files.state for split, files in growing.items()}
    digests = states["train"]["digest"] + states["val"]["digest"]
    facts["mean"] = [total / facts["train"] for total in states["train"]["sums"]]
    facts["fingerprint"] = hashlib.sha1(digests.encode()).hexdigest()
    write_whole(path, json.dumps(facts, indent=1) + "\n")


def _grow(growing, splits, source, side, workers):
    """Append to each split what it lacks, in order; {path: why} of the files that cannot be
    read."""
    unreadable = {}
    waiting = deque()
    # fork, because workers need Pillow alone and would otherwise read all of MXNet each
    pool = ProcessPoolExecutor(workers, get_context("fork"), _worker, (os.getpid(),))
    try:
        for split, files in growing.items():
            missing = [pair for pair in splits[split] if pair not in files.done]
            jobs = deque(missing[i : i + JOB] for i in range(0, len(missing), JOB))
            with bar(
                total=len(splits[split]), initial=len(files.done), desc=split, unit="image"
            ) as progress:
                while jobs or waiting:
                    while jobs and len(waiting) < 2 * workers:
                        job = jobs.popleft()
                        waiting.append(
                            (job, pool.submit(encode_all, [source / path for path, _ in job], side))
                        )
                    job, future = waiting.popleft()
                    pictures = []
                    for (path, label), (jpeg, mean, why) in zip(job, future.result()):
                        if why:
                            unreadable[path] = why
                        else:
                            pictures.append((path, label, jpeg, mean))
                    files.append(pictures)
                    progress.update(len(job))
    except process.BrokenProcessPool as error:
        raise UserError(
            "a worker was ended from outside (is the memory full?); the same command " "goes on"
        ) from error
    finally:
        for _, future in waiting:
            future.cancel()
        pool.shutdown()
    return unreadable


def _worker(parent):
    """What a worker does first: leave Ctrl-C to its parent, and see to it that it does not outlive
    it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _digest(content):
    return hashlib.sha1(repr(content).encode("utf-8", "surrogateescape")).hexdigest()


def main():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("source", nargs="?", type=folder, help="holds train/ and val/, or class folders")
    add("--output", type=folder, default=ROOT / "data" / "imagenet", help="(data/imagenet)")
    add(
        "--side",
        type=int,
        default=SIDE,
        help="shorter side of the prepared pictures (480: P1 " "3.4)",
    )
    add("--val-list", type=folder, help=f"classes of a flat val/ ({', '.join(LISTS)})")
    add("--skip-unreadable", action="store_true", help="leave out files that cannot be read")
    add("--workers", type=int, help="processes (one a core)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.source:
        raise UserError("say where the pictures are: make imagenet-data SOURCE=folder")
    made = prepare(
        arguments.source,
        arguments.output,
        arguments.side,
        arguments.workers,
        arguments.skip_unreadable,
        arguments.val_list,
    )
    print(
        f"{made.name}: {len(made.train_images):,} training and {len(made.test_images):,} test "
        "images in "
        f"{made.classes:,} classes, shorter side {made.side}, checked; in "
        f"{photos.printable(os.path.relpath(arguments.output))}"
    )


if __name__ == "__main__":
    run_main(main)
