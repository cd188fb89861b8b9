"""Which pictures need not be drawn again: those of which neither logs nor code have changed.

Not told by the time of a file: git gives a picture and the code that it brings one time. A hidden
file beside a picture, which git does not see, holds a digest of what it was drawn from and of the
picture.
"""

import hashlib
import os
from functools import lru_cache

from common import files


def refresh(paths, sources, draw):
    """Call draw() unless its pictures are current; tell whether it was called.

    paths: of the pictures. sources: the files that they are drawn from, read here before draw()
    reads them, so that what comes in meanwhile makes a picture old. draw(): writes them.
    """
    origin = _digest(sources, _code())
    if all(path.is_file() and _noted(path) == _mark(path, origin) for path in paths):
        return False
    draw()
    for path in paths:
        if path.is_file():
            with files.writing(path.parent):
                _note(path).write_text(_mark(path, origin))
    return True


def logs(scale):
    """What the tables and figures of a scale are drawn from."""
    paths = []
    for place in (files.RESULTS / scale, files.RUNS / scale):
        paths += [*place.glob("*/*/*.csv"), *place.glob("*/*/*.json")]
    return paths


def log(folder):
    """What the picture of a single run is drawn from."""
    return [folder / "log.csv", folder / "config.json"]


@lru_cache(None)
def _code():
    """A digest of what draws: any of it may change a picture."""
    plots = files.ROOT / "plots"
    paper = files.ROOT / "paper"
    return _digest([*plots.glob("*.py"), *paper.glob("*.py"), *paper.glob("*.csv")])


def _digest(paths, beside=""):
    """Of the names and contents of files, and of a text beside them."""
    digest = hashlib.sha256(beside.encode())
    for path in sorted(paths):
        try:
            content = path.read_bytes()
        except OSError:  # who draws it says so
            content = b""
        digest.update(f"{os.path.relpath(path, files.ROOT)} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _note(picture):
    return picture.with_name(f".{picture.name}.drawn")


def _noted(picture):
    note = _note(picture)
    return note.read_text(errors="replace") if note.is_file() else None


def _mark(picture, origin):
    return _digest([picture], origin)
