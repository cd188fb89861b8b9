"""Draw everything that can be drawn from the logs under results/; train nothing: make plots."""
from errors import UserError, run

from . import curves
from . import runs as results


def main():
    for config in sorted(results.RESULTS.rglob("config.json")):
        try:
            curves.draw([results.read(config.parent)], results.figure_path(config.parent))
        except UserError as error:
            print(f"left out: {error}")


run(main)
