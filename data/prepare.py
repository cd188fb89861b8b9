"""Prepare ImageNet, or any folder of class folders, as indexed RecordIO, once and on all cores.

    make imagenet-data SOURCE=folder     # data/imagenet/: {train,val}.{rec,idx,lst}, set.json
    .venv/bin/python -m data.prepare folder --output data/imagenet

The files have the same form as those of MXNet's tools/im2rec.py --resize 480 --quality 95. That
script needs OpenCV for Python and silently leaves out corrupt files, so Pillow decodes and resizes
here (data/image_files.py). data/folders.py describes SOURCE. Re-run the command to resume. set.json
is written when the set is complete.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import signal
from concurrent.futures import ProcessPoolExecutor, process
from functools import reduce
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from common.command import Parser, folder, new_folder
from common.environment import bar, end_with_parent, physical_cores
from common.errors import UserError, run_main
from common.files import IMAGENET_DATA, write_whole

from . import folders, image_files, imagenet
from .ahead import ahead
from .split_writer import PATHS, SplitWriter, stamp

SIDE = 480  # shorter side in pixels: the largest of the papers' scale augmentation
QUALITY = 95  # of JPEG, im2rec's default
JOB = 128  # images that a worker prepares at once; a preparation resumes after the last job
ILSVRC = {"train": 1281167, "val": 50000}


def prepare(source, output, side=SIDE, workers=None, skip_unreadable=False):
    """Prepare a set, or resume its preparation. Returns the set (data.records.Set).

    Raises UserError for an unknown layout, unreadable files (unless skip_unreadable), a full disk,
    and an output folder with another set.
    """
    source = Path(source)
    output = Path(output)
    workers = physical_cores() if workers is None else workers
    if side < 8 or workers < 1:
        raise UserError(
            f"--side {side}, --workers {workers}: must be at least 8 pixels and 1 process"
        )
    listing = folders.listing(source)
    settings = {"side": side, "quality": QUALITY, "classes": _sha1(repr(listing.classes))}
    files = [source / path for pairs in listing.splits.values() for path, _ in pairs]
    # a stopped preparation resumes with equal settings; a finished set must be of the same files, too
    identity = {
        **settings,
        "files": _sha1(repr(listing.splits)),
        "stamp": reduce(stamp, files, ""),
    }
    output.mkdir(parents=True, exist_ok=True)
    with _locked(output):
        if (output / "set.json").exists():
            return _prepared_before(output, identity)
        writers = {
            split: SplitWriter(output, split, settings, source, pairs)
            for split, pairs in listing.splits.items()
        }
        unreadable = _write(writers, listing.splits, source, side, workers)
        lines = "".join(f"{path}\t{why}\n" for path, why in unreadable.items())
        write_whole(output / "unreadable.txt", lines.encode(*PATHS))
        if unreadable:
            print(f"{output / 'unreadable.txt'} lists the files that cannot be read")
        splits = folders.readable(source, listing, unreadable, skip_unreadable)
        folders.print_untested(listing.classes, [label for _, label in splits["val"]])
        counts = {split: len(pairs) for split, pairs in splits.items()}
        facts = {
            "name": _name(source, listing.classes, counts),
            **counts,
            "side": side,
            "settings": identity,
            "classes": [image_files.printable(name) for name in listing.classes],
            "mean": [total / counts["train"] for total in writers["train"].state["sums"]],
            "fingerprint": _sha1("".join(writer.state["digest"] for writer in writers.values())),
        }
        write_whole(output / "set.json", json.dumps(facts, indent=1) + "\n")
        for writer in writers.values():
            writer.forget()
    return imagenet.load(output)


def encode(image, side):
    """Return (JPEG, mean of red, green and blue) of an image resized to a shorter side."""
    image = image_files.resized(image, side)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue(), np.asarray(image).mean(axis=(0, 1))


def encode_all(paths, side):
    """Return what attempt() returns for each file: (encode(), is_transparent, reason)."""
    return [image_files.attempt(path, side, lambda image: encode(image, side)) for path in paths]


@contextlib.contextmanager
def _locked(output):
    with open(output / ".lock", "a") as lock:
        try:
            # unlike flock, lockf is not inherited by the forked workers
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"another process prepares {output}, or its file system has no locks "
                f"({error.strerror}): wait for it, or name another folder with --output (make: DATA=)"
            ) from error
        yield


def _prepared_before(output, settings):
    dataset = imagenet.load(output)
    recorded = json.loads((output / "set.json").read_text())["settings"]
    if recorded != settings:
        raise UserError(
            f"{output} has another set, {dataset.name} (--side, or a name, size or time of a file "
            "differs): name another folder with --output (make: DATA=), or delete it"
        )
    return dataset


def _name(source, classes, counts):
    is_official = len(classes) == 1000 and classes[0] == "n01440764"
    if is_official and counts == ILSVRC:
        return "ILSVRC-2012"
    if is_official:
        print(f"incomplete: ILSVRC-2012 has {ILSVRC['train']:,} + {ILSVRC['val']:,} images")
    return image_files.title(source, counts["train"], counts["val"], classes)


def _write(writers, splits, source, side, workers):
    """Append the missing images to each split, in order. Returns {path: why} of unreadable files."""
    unreadable = {}
    transparent = 0
    # the workers need Pillow only; a spawned process would import all of MXNet
    pool = ProcessPoolExecutor(workers, get_context("fork"), _prepare_worker)
    try:
        for split, writer in writers.items():
            missing = [pair for pair in splits[split] if pair not in writer.done]
            jobs = [missing[i : i + JOB] for i in range(0, len(missing), JOB)]
            calls = (([source / path for path, _ in job], side) for job in jobs)
            with bar(
                total=len(splits[split]), initial=len(writer.done), desc=split, unit="image"
            ) as progress:
                for job, results in zip(jobs, ahead(pool, encode_all, calls, 2 * workers)):
                    unreadable.update(_append(writer, job, results))
                    transparent += sum(is_transparent for _, is_transparent, _ in results)
                    progress.update(len(job))
    except process.BrokenProcessPool as error:
        reason = "a worker was killed (is the memory full?)"
        raise UserError(f"{reason}: re-run the command to resume") from error
    finally:
        pool.shutdown()
    if transparent:
        print(image_files.composited(transparent))
    return unreadable


def _append(writer, job, results):
    """Append the images of a job. Returns {path: why} of unreadable files."""
    readable = []
    unreadable = {}
    for (path, label), (encoded, _, why) in zip(job, results):
        if why:
            unreadable[path] = why
        else:
            readable.append((path, label, *encoded))
    writer.append(readable)
    return unreadable


def _prepare_worker():
    """Leave Ctrl-C to the parent process, and end when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()


def _sha1(text):
    return hashlib.sha1(text.encode(*PATHS)).hexdigest()


def parser():
    options = Parser(__doc__)
    add = options.add_argument
    add("source", nargs="?", type=folder, help="folder with train/ and val/, or with class folders")
    add("--output", type=new_folder, default=IMAGENET_DATA, help="folder (data/imagenet)")
    add("--side", type=int, default=SIDE, help="shorter side of the images (480: P1 3.4)")
    add("--skip-unreadable", action="store_true", help="leave unreadable files out")
    add("--workers", type=int, help="processes (one per core)")
    return options


def main():
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not arguments.source:
        raise UserError("name the folder of the images: make imagenet-data SOURCE=folder")
    dataset = prepare(**vars(arguments))
    print(
        f"{dataset.name}: {len(dataset.train_images):,} training and "
        f"{len(dataset.test_images):,} test images in {dataset.classes:,} classes, shorter side "
        f"{dataset.side}; in {image_files.printable(os.path.relpath(arguments.output))}"
    )


if __name__ == "__main__":
    run_main(main)
