"""Prepare ImageNet, or any folder of class folders, as indexed RecordIO, once and on all cores.

    make imagenet-data SOURCE=folder     # data/imagenet/: {train,val}.{rec,idx,lst}, set.json
    python -m data.prepare folder --output data/imagenet

The files are those of MXNet's tools/im2rec.py --resize 480 --quality 95. That script needs OpenCV
for Python and silently leaves out corrupt files, so Pillow decodes here (data/image_files.py).
data/folders.py describes SOURCE. Re-run the command to resume. Until set.json exists, every file is
called .partial.
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

from . import folders, image_files, imagenet
from .lists import LISTS
from .split_writer import SplitWriter

SIDE = 480  # shorter side in pixels: the largest of the papers' scale augmentation
QUALITY = 95  # of JPEG, im2rec's default
JOB = 128  # images that a worker prepares at once; a preparation resumes after the last job
ILSVRC = {"train": 1281167, "val": 50000}


def prepare(source, output, side=SIDE, workers=None, skip_unreadable=False, val_list=None):
    """Prepare a set, or resume its preparation. Returns the set (data.records.Set).

    Raises UserError for an unknown layout, unreadable files (unless skip_unreadable), a full disk,
    and an output folder with another set.
    """
    source = Path(source)
    output = Path(output)
    if side < 8:
        raise UserError(f"--side {side}: at least 8 pixels")
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: at least 1 (default: one a core)")
    listing = folders.listing(source, val_list)
    for note in listing.notes:
        print(note)
    classes = listing.classes
    settings = {
        "side": side,
        "quality": QUALITY,
        "classes": _digest(classes),
        "files": _digest(listing.splits),
    }
    output.mkdir(parents=True, exist_ok=True)
    with _locked(output):
        if (output / "set.json").exists():
            return _prepared_before(output, settings)
        writers = {
            split: SplitWriter(output, split, settings, pairs)
            for split, pairs in listing.splits.items()
        }
        unreadable = _write(writers, listing.splits, source, side, workers or physical_cores())
        _report(output, unreadable, skip_unreadable)
        readable = _readable(output, listing.splits, unreadable, classes)
        imagenet.verify(output, readable)
        for writer in writers.values():
            writer.finish()
        counts = {split: len(pairs) for split, pairs in readable.items()}
        facts = {
            "name": _title(source, classes, counts),
            **counts,
            "side": side,
            "unreadable": sorted(unreadable),
            "settings": settings,
            "classes": [image_files.printable(name) for name in classes],
        }
        _write_facts(output / "set.json", writers, facts)
        for writer in writers.values():
            writer.forget()
    return imagenet.load(output)


def encode(path, side):
    """An image file with its shorter side resized to `side`: (JPEG, mean of red, green, blue).

    The third value tells whether the file has transparent pixels.
    """
    image = image_files.read(path, side)
    is_transparent = image.info.get(image_files.COMPOSITED, False)
    image = image_files.resized(image, side)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue(), np.asarray(image).mean(axis=(0, 1)), is_transparent


def encode_all(paths, side):
    """For each file what encode() returns and None, or Nones and why it cannot be read."""
    results = []
    for path in paths:
        try:
            results.append((*encode(path, side), None))
        except Exception as error:  # a corrupt file can raise anything
            results.append((None, None, False, image_files.reason(error, path)))
    return results


@contextlib.contextmanager
def _locked(output):
    with open(output / ".lock", "a") as lock:
        try:
            # unlike flock, lockf is not inherited by the forked workers
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"another process prepares {output}: wait for it") from error
        yield


def _prepared_before(output, settings):
    dataset = imagenet.load(output)
    if json.loads((output / "set.json").read_text())["settings"] != settings:
        raise UserError(
            f"{output} has another set, {dataset.name}: name another folder by --output (make: "
            "DATA=), or delete it"
        )
    return dataset


def _report(output, unreadable, skip_unreadable):
    """List the unreadable files. Raises UserError unless they are skipped."""
    lines = "".join(f"{path}\t{why}\n" for path, why in unreadable.items())
    write_whole(output / "unreadable.txt", lines.encode("utf-8", "surrogateescape"))
    if unreadable and not skip_unreadable:
        files = "; ".join(f"{path}: {why}" for path, why in list(unreadable.items())[:3])
        raise UserError(
            f"{len(unreadable):,} files cannot be read ({files}; all of them in "
            f"{output / 'unreadable.txt'}): repair or remove them, or leave them out by "
            "--skip-unreadable (make: ARGS=--skip-unreadable)"
        )


def _readable(output, splits, unreadable, classes):
    """The splits without the unreadable files. Raises UserError if a class has no other files."""
    readable = {
        split: [pair for pair in pairs if pair[0] not in unreadable]
        for split, pairs in splits.items()
    }
    for split, pairs in splits.items():
        lost = {label for _, label in pairs} - {label for _, label in readable[split]}
        if lost:
            raise UserError(
                f"no {split} image of {classes[min(lost)]} can be read: see "
                f"{output / 'unreadable.txt'}"
            )
    return readable


def _title(source, classes, counts):
    """The name of the set in figures and tables."""
    is_official = len(classes) == 1000 and classes[0] == "n01440764"
    if is_official and counts == ILSVRC:
        return "ILSVRC-2012"
    if is_official:
        print(f"ILSVRC-2012 is not complete: it has {ILSVRC['train']:,} + {ILSVRC['val']:,} images")
    name = image_files.printable(source.resolve().name)
    return f"{name} ({counts['train']:,} + {counts['val']:,} images in {len(classes):,} classes)"


def _write_facts(path, writers, facts):
    states = {split: writer.state for split, writer in writers.items()}
    digests = states["train"]["digest"] + states["val"]["digest"]
    facts["mean"] = [total / facts["train"] for total in states["train"]["sums"]]
    facts["fingerprint"] = hashlib.sha1(digests.encode()).hexdigest()
    write_whole(path, json.dumps(facts, indent=1) + "\n")


def _write(writers, splits, source, side, workers):
    """Append the missing images to each split, in order. Returns {path: why} of unreadable files."""
    unreadable = {}
    transparent = 0
    # the workers need Pillow only; a spawned process would import all of MXNet
    pool = ProcessPoolExecutor(workers, get_context("fork"), _prepare_worker, (os.getpid(),))
    try:
        for split, writer in writers.items():
            missing = [pair for pair in splits[split] if pair not in writer.done]
            jobs = [missing[i : i + JOB] for i in range(0, len(missing), JOB)]
            with bar(
                total=len(splits[split]), initial=len(writer.done), desc=split, unit="image"
            ) as progress:
                for job, results in _encoded(pool, jobs, source, side, 2 * workers):
                    images = []
                    for (path, label), (jpeg, mean, is_transparent, why) in zip(job, results):
                        transparent += is_transparent
                        if why:
                            unreadable[path] = why
                        else:
                            images.append((path, label, jpeg, mean))
                    writer.append(images)
                    progress.update(len(job))
    except process.BrokenProcessPool as error:
        raise UserError(
            "a worker was killed (is the memory full?): re-run the command to resume"
        ) from error
    finally:
        pool.shutdown()
    if transparent:
        print(image_files.composited(transparent))
    return unreadable


def _encoded(pool, jobs, source, side, ahead):
    """Yield (job, its encode_all()) in order, with at most `ahead` jobs in the pool."""
    jobs = deque(jobs)
    waiting = deque()
    try:
        while jobs or waiting:
            while jobs and len(waiting) < ahead:
                job = jobs.popleft()
                paths = [source / path for path, _ in job]
                waiting.append((job, pool.submit(encode_all, paths, side)))
            job, future = waiting.popleft()
            yield job, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def _prepare_worker(parent):
    """Leave Ctrl-C to the parent process, and end when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _digest(content):
    return hashlib.sha1(repr(content).encode("utf-8", "surrogateescape")).hexdigest()


def parser():
    options = Parser(__doc__)
    add = options.add_argument
    add("source", nargs="?", type=folder, help="folder with train/ and val/, or with class folders")
    add("--output", type=folder, default=ROOT / "data" / "imagenet", help="(data/imagenet)")
    add("--side", type=int, default=SIDE, help="shorter side of the images (480: P1 3.4)")
    add("--val-list", type=folder, help=f"classes of a flat val/ ({', '.join(LISTS)})")
    add("--skip-unreadable", action="store_true", help="leave unreadable files out")
    add("--workers", type=int, help="processes (one a core)")
    return options


def main():
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.source:
        raise UserError("name the folder of the images: make imagenet-data SOURCE=folder")
    dataset = prepare(
        arguments.source,
        arguments.output,
        arguments.side,
        arguments.workers,
        arguments.skip_unreadable,
        arguments.val_list,
    )
    print(
        f"{dataset.name}: {len(dataset.train_images):,} training and "
        f"{len(dataset.test_images):,} test images in {dataset.classes:,} classes, shorter side "
        f"{dataset.side}, verified; in {image_files.printable(os.path.relpath(arguments.output))}"
    )


if __name__ == "__main__":
    run_main(main)
