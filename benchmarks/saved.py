"""What a benchmark has measured, kept for docs/SPEED.md: results/analysis/<name>.csv, each row with
its machine and day.
"""

import datetime
import os

from analysis import measurements
from common.environment import physical_cores, processor


def add_option(parser):
    parser.add_argument("--save", metavar="NAME", help="write results/analysis/NAME.csv too")


def machine():
    """'AMD EPYC, avx512f; threads: 1, cores: 2'"""
    return f"{processor()}; threads: {os.environ['OMP_NUM_THREADS']}, cores: {physical_cores()}"


def write(name, rows):
    """Write rows, dicts with the same keys, under a name; without one, nothing."""
    if name:
        said = {"machine": machine(), "day": datetime.date.today().isoformat()}
        measurements.write(name, [{**row, **said} for row in rows])
