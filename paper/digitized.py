"""The papers' own curves, digitized from their figures: curves.csv and lesions.csv in this folder."""

import csv
import math
import statistics
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ITERATIONS = 64000  # of the papers' schedule on CIFAR; the curves of 1603.05027 end at 68,000
END = 68000
TOP = 20  # % error, where the papers' axes end
GAP = 3  # in usual steps: a longer step is a gap, where the curve leaves the paper's axis


@lru_cache(None)
def read():
    """Return {(paper, figure, curve): {kind: [(x, value)]}}; kinds are train_loss, test_err,
    train_err ...

    x is an iteration, a layer or a unit, as in the figure; errors are in percent, losses in nats.
    """
    curves = {}
    for path in sorted(FOLDER.glob("*.csv")):
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                name = row["paper"], row["figure"], row["curve"]
                points = curves.setdefault(name, {}).setdefault(row["kind"], [])
                points.append((float(row["x"]), float(row["value"])))
    return curves


def broken(points):
    """Return the same points with (x, nan) in each gap, so that no line connects its ends.

    Where points near the top of an axis of errors have others missing between them, the curve is
    above the axis: the line leads there.
    """
    steps = [after[0] - before[0] for before, after in zip(points, points[1:])]
    usual = statistics.median(steps) if steps else 0
    line = points[:1]
    for step, before, point in zip(steps, points, points[1:]):
        if step > 1.5 * usual and max(before[1], point[1]) > 0.95 * TOP:
            line.append((point[0] - step / 2, 1.05 * TOP))
        elif step > GAP * usual:
            line.append((point[0] - step / 2, math.nan))
        line.append(point)
    return line
