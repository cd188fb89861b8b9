"""The papers' own curves, read off their graphics: curves.csv and lesions.csv beside this file."""

import csv
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@lru_cache(None)
def read():
    """{(paper, figure, curve): {kind: [(x, value)]}}; kinds are train_loss, test_err, train_err ...

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
