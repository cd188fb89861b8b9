"""Draw all tables and figures for which there are logs, the units, and the curves of your own runs.

Nothing is trained.

    .venv/bin/python -m plots                             # make plots
    .venv/bin/python -m plots summary --scale pocket      # make summary SCALE=pocket
"""

from common.command import Parser
from common.errors import UserError, run_main
from paper import run_files, scales

from . import curves, diagrams
from .named import DRAW, draw, has_runs


def main():
    parser = Parser(__doc__)
    names = f"{', '.join(DRAW)} (default: everything)"
    parser.add_argument("names", nargs="*", metavar="name", help=names)
    parser.add_argument("--scale", choices=scales.SCALES, help="default: all")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in DRAW:
            raise UserError(f"'{name}' is not a table or figure; choose from {', '.join(DRAW)}")
    for scale in [arguments.scale] if arguments.scale else scales.SCALES:
        for name in arguments.names or DRAW:
            if arguments.names or has_runs(name, scale):
                draw(name, scale)
    if not arguments.names:
        diagrams.draw_all()
        for run in filter(run_files.is_own, run_files.every()):
            try:
                curves.draw(run)
            except UserError as error:  # such as a folder that cannot be written
                print(f"left out: {error}")


if __name__ == "__main__":
    run_main(main)
