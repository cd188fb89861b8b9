"""Draw all tables and figures for which there are logs, the units, and the curves of each run.

Figures that are newer than their logs and the code are not drawn again, unless they are named.
Nothing is trained.

    python -m plots                             # make plots
    python -m plots summary --scale pocket      # make summary SCALE=pocket
"""

import contextlib
import io
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from common import files
from common.command import Parser
from common.environment import physical_cores
from common.errors import UserError, run_main
from paper import run_files, scales

from . import curves, diagrams, figure_files
from .named import DRAW, has_runs


def side_by_side(tasks):
    """Run tasks on all cores; the output of each is printed in one piece."""
    with ProcessPoolExecutor(physical_cores()) as pool:
        for output in pool.map(_output, tasks):
            for line in output.splitlines():
                # two tasks may meet the same bad run
                (run_files.say_once if line.startswith("left out: ") else print)(line)


def _output(task):
    """Return what a task prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        task()
    return text.getvalue()


def refresh(paths, sources, draw):
    """Call draw() unless its figures are newer than their sources and the code.

    paths: of the figures. sources: the files and folders that they are drawn from. draw(): writes
    the figures. Returns whether it was called.
    """
    code = [*files.ROOT.glob("plots/*.py"), *files.ROOT.glob("paper/*.*")]
    newest = max(map(_time, [*sources, *code]))
    if all(_time(path) > newest for path in paths):
        return False
    begin = time.time()
    draw()
    for path in paths:
        if path.is_file():  # so that a row logged during drawing is newer
            os.utime(path, (begin, begin))
    return True


def _time(path):
    """Return when a file was written, in seconds; 0 if it does not exist."""
    return path.stat().st_mtime if path.exists() else 0


def draw_scale(scale):
    """Draw the tables and figures of a scale that have runs."""
    sources = []
    for place in (files.RESULTS / scale, files.RUNS / scale):
        sources += [place, *place.glob("*"), *place.glob("*/*/*.csv"), *place.glob("*/*/*.json")]
    for name in DRAW:
        if has_runs(name, scale):
            path = figure_files.figure_of(name, scale)
            refresh([path], sources, partial(DRAW[name], name, scale))
        else:
            figure_files.remove(name, scale)


def draw_diagrams():
    refresh(diagrams.paths(), (files.ROOT / "symbols").rglob("*.py"), diagrams.draw_all)


def draw_run(folder):
    """Draw the curves of a run."""
    path = figure_files.figure_path(folder)
    sources = [folder / "log.csv", folder / "config.json"]
    try:
        refresh([path], sources, partial(curves.draw, folder))
    except (UserError, OSError) as error:
        print(f"left out: {error}")


def main():
    parser = Parser(__doc__)
    names = f"{', '.join(DRAW)} (default: everything)"
    parser.add_argument("names", nargs="*", metavar="name", help=names)
    parser.add_argument("--scale", choices=scales.SCALES, help="default: all")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in DRAW:
            raise UserError(f"'{name}' is no table or figure; choose from {', '.join(DRAW)}")
    selected = [arguments.scale] if arguments.scale else list(scales.SCALES)
    if not arguments.names:
        runs = [partial(draw_run, folder) for folder in run_files.every_folder()]
        side_by_side([*(partial(draw_scale, scale) for scale in selected), draw_diagrams, *runs])
    for scale in selected:
        for name in arguments.names:
            DRAW[name](name, scale)


if __name__ == "__main__":
    run_main(main)
