"""Draw everything that can be drawn from the logs at hand, and the units; train nothing.

    python -m plots                             # make plots
    python -m plots summary --scale pocket      # make summary SCALE=pocket: one alone
"""
from concurrent.futures import ProcessPoolExecutor

from common import files
from common.command import Parser
from common.environment import physical_cores
from common.errors import UserError, run
from paper import experiments, scales
from paper import runs as results

from . import curves, diagrams, pictures
from .named import DRAW


def draw_each_run():
    runs = results.every()
    try:
        pool = ProcessPoolExecutor(physical_cores())  # which knows what has been said already
    except (OSError, ImportError, NotImplementedError):  # without /dev/shm there is no pool
        for run in runs:
            draw_run(run)
        return
    with pool:
        list(pool.map(draw_run, runs))


def draw_run(run):
    path = pictures.figure_path(run.folder)
    try:
        if not _is_current(path, run.folder):
            curves.draw([run], path)
    except (UserError, OSError) as error:
        print(f"left out: {run.folder} ({error})")


def _is_current(path, folder):
    """Whether a run's picture is younger than its log and than what draws it."""
    code = [*(files.ROOT / "plots").glob("*.py"), *(files.ROOT / "paper").glob("*.py")]
    sources = [folder / "log.csv", folder / "config.json", *code]
    return path.is_file() and path.stat().st_mtime > max(
        source.stat().st_mtime for source in sources)


def main():
    parser = Parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="name",
                        help=f"{', '.join(DRAW)}; without one, everything")
    parser.add_argument("--scale", help=f"{', '.join(scales.SCALES)}; without it, all "
                        "that have runs")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in DRAW:
            raise UserError(f"'{name}' is no table or figure: there are {', '.join(DRAW)}")
    if arguments.scale:
        scales.scale(arguments.scale)
    if not arguments.names:
        draw_each_run()
        diagrams.draw_all()
    for scale in [arguments.scale] if arguments.scale else scales.SCALES:
        for name in arguments.names or DRAW:
            if arguments.names or _has_runs(name, scale):
                DRAW[name](name, scale)


def _has_runs(name, scale):
    return any(results.of(experiment, scale) for experiment in experiments.experiments_of(name))


if __name__ == "__main__":
    run(main)
