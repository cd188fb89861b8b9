"""The project's folders, and files that are written completely or not at all."""

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from .errors import UserError

ROOT = Path(__file__).resolve().parent.parent
# Other modules write files.RUNS and do not import RUNS itself, because publish and the tests
# replace these three folders.
RESULTS = ROOT / "results"  # logs of the published runs
RUNS = ROOT / "runs"  # of the user
FIGURES = ROOT / "plots" / "figures"
IMAGENET_DATA = ROOT / "data" / "imagenet"  # the prepared set


def absence(folder):
    """Return why a path is not a folder, as text for a message."""
    return "is not a folder" if Path(folder).exists() else "does not exist"


def run_place(scale, name, seed):
    """Return the path of a run folder below runs/ or results/. Only this function defines it."""
    return Path(scale) / name / f"seed{seed}"


def run_folder(scale, name, seed):
    """Return the folder of a run: below results/ if its checkpoints are there, else below runs/."""
    place = run_place(scale, name, seed)
    published = RESULTS / place
    return published if any(published.glob("checkpoint-*")) else RUNS / place


# errors of a folder in which nothing can be written; others are probably those of a full disk
NO_PLACE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
    errno.EISDIR,
)


@contextlib.contextmanager
def writing(folder):
    """Turn an OSError while a folder is written into a UserError."""
    try:
        yield
    except OSError as error:
        remedy = (
            "is the disk full? Complete files are kept; make room and run the command again to "
            "resume"
        )
        if error.errno in NO_PLACE:
            remedy = "make it writable, or name another folder: --output (make: OUTPUT=)"
        raise UserError(f"cannot write into {folder} ({short(error)}): {remedy}") from error


def write_whole(path, content):
    """Write text or bytes into a file, completely or not at all."""
    path = Path(path)
    partial = path.with_name(f"{path.name}-{os.getpid()}.partial")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
            sync(partial)
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)  # it may fill the disk
            raise
        sync(path.parent)


@contextlib.contextmanager
def locked(folder):
    """Wait until no other process has locked a folder, and lock it. On a file system without locks,
    go on without one.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync(path):
    """Wait until a file or folder is on the disk. A rename must not be on the disk before the file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def short(error):
    """Return an exception as a short text."""
    # an error of MXNet begins with a traceback and ends with its message
    return (
        getattr(error, "strerror", None)
        or (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
    )
