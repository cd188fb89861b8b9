"""Ranges and ticks: the paper's at full scale, and what fits the curves below it."""

import math
from collections import namedtuple

from matplotlib import ticker

from paper import experiments, run_files

from .series import finite, series, shown

# loss in nats, error in percent: (low, high). papers: whether they are those of the paper's
# figures.
Limits = namedtuple("Limits", "loss error papers")
PAPERS = Limits((0.002, 2), (0, 20), True)
LEAST = 1e-30  # a loss beyond it, or beyond its inverse, is outside the axis
PAPERS_LOSSES = (0.002, 0.02, 0.2, 2)
PAPERS_ERRORS = (0, 5, 10, 15, 20)
STEPS = (
    (1,),
    (1, 2, 5),
    (1, 1.5, 2, 3, 5, 7),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
)


def limits(curves):
    """One Limits for all curves of a figure, so that its panels can be compared."""
    runs = [run for curve in curves for run in shown(curve)]
    errors = []
    losses = []
    for curve in curves:
        error = series(curve, "test_error")
        loss = series(curve, "train_loss")
        errors += finite(error.low, error.high)
        losses += [value for value in finite(loss.low, loss.high) if LEAST < value < 1 / LEAST]
    last = [run_files.last_error(run) for run in runs]
    if all(run_files.recipe_of(run) == "full" for run in runs) and all(
        error is None or error < experiments.FAILS_ABOVE for error in last
    ):
        return PAPERS
    return Limits(padded_log(losses or [1]), padded(errors or [0, 100]), False)


def padded(values):
    """A linear range with some room around values in percent."""
    low = min(values)
    high = max(values)
    room = max(1, 0.08 * (high - low))
    return max(0, low - room), min(100, high + room)


def padded_log(values):
    """A logarithmic range with some room around values above 0."""
    low = min(values)
    high = max(values)
    room = max(1.05, (high / low) ** 0.08)
    return low / room, high * room


def loss_axis(axes, limits, words="Training loss (dashed)"):
    """An axis of losses: logarithmic."""
    low, high = limits.loss
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.set_yticks(PAPERS_LOSSES if limits.papers else log_ticks(low, high))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.set_ylabel(words)


def log_ticks(low, high):
    """Round numbers between low and high: the coarsest choice that has at least three of them;
    equal steps where the range is that of a few points."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in STEPS:
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) > 2:
            return ticks
    ticks = ticker.MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [tick for tick in ticks if low <= tick <= high]


def error_axis(axes, limits, words="Test error, % (solid)"):
    """An axis of errors: linear; 0, 5, 10, 15 and 20 where it is the paper's."""
    axes.set_ylim(*limits.error)
    axes.yaxis.set_major_locator(
        ticker.FixedLocator(PAPERS_ERRORS)
        if limits.papers
        else ticker.MaxNLocator(6, steps=[1, 2, 5, 10])
    )
    axes.set_ylabel(words)
    axes.grid(axis="y", linestyle=":", color="0.6")


def iteration_axis(axes, curves, by="iteration"):
    """Iterations below; at full scale a little longer than the training, as in the paper."""
    last = max(run.config["recipe"]["iterations"] for curve in curves for run in curve.runs)
    if by == "epoch":
        last = max(row["epoch"] for curve in curves for run in curve.runs for row in run.rows)
    axes.set_xlim(0, last * 1.02)
    axes.set_xlabel({"iteration": "Iterations", "epoch": "Epochs"}[by])
    axes.xaxis.set_major_locator(ticker.MaxNLocator(7, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:,.0f}"))
