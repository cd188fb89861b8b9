"""Is bfloat16 as good? The same networks in float32 and in bfloat16, at pocket scale."""
import statistics as numbers

from paper import queue, runs
from paper.statistics import welch

HEAD = ["| network | float32: error, % | bfloat16: error, % | seeds | difference ± standard error |"
        " at 95 % |", "| --- | --- | --- | ---: | --- | --- |"]


def lines():
    """The table of docs/RESULTS.md: mean ± standard deviation over the seeds, and Welch's test."""
    rows = []
    for experiment in queue.PROOF:
        bfloat16 = finished(experiment, "bfloat16")
        float32 = finished(experiment._replace(changes={}), "float32")
        if len(bfloat16) > 1 and len(float32) > 1:
            rows.append(row(experiment.at("pocket").network, float32, bfloat16))
    return [*HEAD, *rows] if rows else ["Not trained yet: `make queue`."]


def finished(experiment, dtype):
    """The whole runs of an experiment at pocket scale in one type."""
    return [run for run in runs.of(experiment, "pocket")
            if runs.is_whole(run) and runs.dtype(run) == dtype]


def row(network, float32, bfloat16):
    samples = [[runs.last_error(run) for run in members] for members in (float32, bfloat16)]
    means = [numbers.mean(errors) for errors in samples]
    both = [f"{mean:.2f} ± {numbers.stdev(errors):.2f}" for mean, errors in zip(means, samples)]
    error, limit = welch(samples)
    difference = means[1] - means[0]
    told = "not told apart" if abs(difference) <= limit else "another"
    cells = [network, *both, "{}, {}".format(*map(len, samples)),
             f"{difference:+.2f} ± {error:.2f}", told]
    return f"| {' | '.join(cells)} |"
