"""Draw all tables and figures for which there are logs, the units, and the curves of each run.

Current figures are not drawn again (plots/current.py) unless they are named. Nothing is trained.

    python -m plots                             # make plots
    python -m plots summary --scale pocket      # make summary SCALE=pocket
"""

import contextlib
import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from common import files
from common.command import Parser
from common.environment import physical_cores
from common.errors import UserError, run_main
from paper import run_files, scales

from . import current, curves, diagrams, figure_files
from .named import DRAW, has_runs


def side_by_side(tasks):
    """Run tasks on all cores; the output of each is printed in one piece."""
    try:
        pool = ProcessPoolExecutor(physical_cores())
    except (OSError, ImportError, NotImplementedError):  # without /dev/shm there is no pool
        for task in tasks:
            task()
        return
    with pool:
        for output in pool.map(_output, tasks):
            for line in output.splitlines():
                # two tasks may meet the same bad run
                (run_files.say_once if line.startswith("left out: ") else print)(line)


def _output(task):
    """What a task prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        task()
    return text.getvalue()


def draw_scale(scale):
    """The tables and figures of a scale that have runs."""
    sources = current.logs(scale)
    for name in DRAW:
        if has_runs(name, scale):
            path = figure_files.figure_of(name, scale)
            current.refresh([path], sources, partial(DRAW[name], name, scale))


def draw_diagrams():
    sources = (files.ROOT / "symbols").rglob("*.py")
    current.refresh(diagrams.paths(), sources, diagrams.draw_all)


def each_run():
    """A task for every run."""
    return [partial(draw_run, folder) for folder in run_files.every_folder()]


def draw_run(folder):
    path = figure_files.figure_path(folder)
    try:
        current.refresh(
            [path], current.log(folder), lambda: curves.draw([run_files.read(folder)], path)
        )
    except UserError as error:
        print(f"left out: {error}")
    except OSError as error:
        print(f"left out: {folder} ({error})")


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"{', '.join(DRAW)} (default: everything)"
    )
    parser.add_argument("--scale", help=f"{', '.join(scales.SCALES)} (default: all)")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in DRAW:
            raise UserError(f"'{name}' is no table or figure; choose from {', '.join(DRAW)}")
    if arguments.scale:
        scales.scale_named(arguments.scale)
    selected = [arguments.scale] if arguments.scale else list(scales.SCALES)
    if not arguments.names:
        side_by_side(
            [*(partial(draw_scale, scale) for scale in selected), draw_diagrams, *each_run()]
        )
    for scale in selected:
        for name in arguments.names:
            DRAW[name](name, scale)


if __name__ == "__main__":
    run_main(main)
