"""Save a benchmark's results for docs/SPEED.md as results/analysis/NAME.csv, with machine and day."""

import datetime
import os

from analysis import measurements
from common.environment import physical_cores, processor


def add_option(parser):
    parser.add_argument("--save", metavar="NAME", help="also write results/analysis/NAME.csv")


def machine():
    """Return 'AMD EPYC, avx512f; threads: 1, cores: 2'."""
    return f"{processor()}; threads: {os.environ['OMP_NUM_THREADS']}, cores: {physical_cores()}"


def write(name, rows):
    """Write rows, dicts with the same keys, if a name is given."""
    if name:
        origin = {"machine": machine(), "day": datetime.date.today().isoformat()}
        measurements.write(name, [{**row, **origin} for row in rows])
