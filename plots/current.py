"""Figures that are newer than their logs and the code are current: they are not drawn again."""

import os
import time

from common import files


def refresh(paths, sources, draw):
    """Call draw() unless its figures are current; returns whether it was called.

    paths: of the figures. sources: the files and folders that they are drawn from. draw(): writes
    the figures.
    """
    plots = files.ROOT / "plots"
    paper = files.ROOT / "paper"
    code = [*plots.glob("*.py"), *paper.glob("*.py"), *paper.glob("*.csv")]
    newest = max(map(_time, [*sources, *code]))
    if all(_time(path) > newest for path in paths):
        return False
    begin = time.time()
    draw()
    for path in paths:
        if path.is_file():  # older than a row that arrives while it is drawn
            os.utime(path, (begin, begin))
    return True


def _time(path):
    """When a file was written, in seconds; 0 if it does not exist."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0


def logs(scale):
    """The files and folders from which the tables and figures of a scale are drawn."""
    paths = []
    for place in (files.RESULTS / scale, files.RUNS / scale):
        paths += [place, *place.glob("*"), *place.glob("*/*/*.csv"), *place.glob("*/*/*.json")]
    return paths


def log(folder):
    """The files from which the figure of a single run is drawn."""
    return [folder / "log.csv", folder / "config.json"]
