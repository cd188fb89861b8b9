"""Time jobs that alternate. Other load slows all of them, so the ratios of a round are reliable."""

import statistics
import time

import numpy as np


def rounds(jobs, count):
    """Return the seconds (count, jobs) of functions called one after another, after a warm-up."""
    seconds = []
    for _ in range(count + 1):
        times = [time.monotonic()]
        for job in jobs:
            job()
            times.append(time.monotonic())
        seconds.append(np.diff(times))
    return np.array(seconds[1:])


def median_of_faster(pairs):
    """Return the median of second / first over the half of the pairs that took least time."""
    faster = sorted(pairs, key=sum)[: (len(pairs) + 1) // 2]
    return statistics.median(second / first for first, second in faster)
