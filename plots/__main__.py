"""Draw everything that can be drawn from the logs under results/; train nothing: make plots."""
import experiments
from errors import UserError, run

from . import curves, panels, tables
from . import runs as results


def main():
    for config in sorted(results.RESULTS.rglob("config.json")):
        try:
            curves.draw([results.read(config.parent)], results.figure_path(config.parent))
        except UserError as error:
            print(f"left out: {error}")
    for scale in experiments.SCALES:
        for name in [*experiments.TABLES, *experiments.FIGURES]:
            if any((results.RESULTS / scale / each.name).is_dir() for each in experiments.experiments_of(name)):
                (tables if name in experiments.TABLES else panels).draw(name, scale)


run(main)
