"""Draw everything that can be drawn from the logs at hand, and the units; train nothing.

A picture that is current is left as it is (plots/current.py), unless it is named.

    python -m plots                             # make plots
    python -m plots summary --scale pocket      # make summary SCALE=pocket: one alone
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


def draw_everything(scale=None):
    """The tables and figures of one scale or of all, the units, and each run."""
    chosen = [scale] if scale else scales.SCALES
    side_by_side([*(partial(draw_scale, one) for one in chosen), draw_diagrams, *each_run()])


def side_by_side(tasks):
    """Do tasks on all cores, and print what each one says in one piece."""
    try:
        pool = ProcessPoolExecutor(physical_cores())
    except (OSError, ImportError, NotImplementedError):  # without /dev/shm there is no pool
        for task in tasks:
            task()
        return
    with pool:
        for said in pool.map(_said, tasks):
            for line in said.splitlines():
                # two tasks may have met the same bad run
                (run_files.say_once if line.startswith("left out: ") else print)(line)


def _said(task):
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
    """A task for every run that there is."""
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
        "names", nargs="*", metavar="name", help=f"{', '.join(DRAW)}; without one, everything"
    )
    parser.add_argument(
        "--scale", help=f"{', '.join(scales.SCALES)}; without it, all " "that have runs"
    )
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in DRAW:
            raise UserError(f"'{name}' is no table or figure: there are {', '.join(DRAW)}")
    if arguments.scale:
        scales.scale_named(arguments.scale)
    if not arguments.names:
        draw_everything(arguments.scale)
    for scale in [arguments.scale] if arguments.scale else scales.SCALES:
        for name in arguments.names:
            DRAW[name](name, scale)


if __name__ == "__main__":
    run_main(main)
