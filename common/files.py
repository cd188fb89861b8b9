"""Where things lie in the project, and files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path

from .errors import UserError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"  # logs of the published runs
RUNS = ROOT / "runs"  # a user's own
FIGURES = ROOT / "plots" / "figures"


def absence(folder):
    """What to say of a folder that is none."""
    return "is no folder" if Path(folder).exists() else "does not exist"


def run_folder(place):
    """Where a run lives that has a place below runs/: one that began among the published ones, with
    more than its log, goes on there."""
    published = RESULTS / place
    return published if any(published.glob("checkpoint-*")) else RUNS / place


@contextlib.contextmanager
def writing(folder):
    """Turn what can fail while a run's folder is written into one line."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write into {folder} ({short(error)}): is the disk full? What was "
            "whole is kept; make room, and the same command goes on from it"
        ) from error


def write_whole(path, content):
    """Write text or bytes into a file, whole or not at all."""
    path = Path(path)
    partial = path.with_name(f"{path.name}-{os.getpid()}.partial")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
            sync(partial)
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)  # it may be what fills the disk
            raise
        sync(path.parent)


def sync(path):
    """Wait until a file or folder is on the disk: a rename must not get there before what it
    renames.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def short(error):
    """An exception in a few words."""
    # of an error that MXNet raises the last line is its message, the first ones are a traceback
    return (
        getattr(error, "strerror", None)
        or (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
    )
