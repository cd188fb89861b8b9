"""Axes of curves: ranges and ticks, the paper's at full scale and fitted to the curves otherwise."""

import math
from collections import namedtuple

from matplotlib import ticker

from paper import digitized, experiments, run_files

from .series import finite, series, shown

# loss in nats, error in percent: (low, high). papers: whether they are the paper's axes.
Limits = namedtuple("Limits", "loss error papers")
PAPERS = Limits((0.002, 2), (0, experiments.FAILS_ABOVE), True)
LEAST = 1e-30  # losses below it and above its inverse are not drawn
PAPERS_LOSSES = (0.002, 0.02, 0.2, 2)
PAPERS_ERRORS = (0, 5, 10, 15, 20)
STEPS = (
    (1,),
    (1, 2, 5),
    (1, 1.5, 2, 3, 5, 7),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
)
X_LABELS = {"iteration": "Iterations", "epoch": "Epochs", "fraction": "Fraction of training"}


def limits(curves, errors=("test_error",)):
    """The Limits that all panels of a figure share. errors: columns on the axis of errors."""
    runs = [run for curve in curves for run in shown(curve)]
    last = [run_files.last_error(run) for run in runs]
    if all(run_files.recipe_of(run) == "full" for run in runs) and all(
        error is None or error < experiments.FAILS_ABOVE for error in last
    ):
        return PAPERS
    losses = [value for value in ends(curves, ["train_loss"]) if LEAST < value < 1 / LEAST]
    return Limits(padded_log(losses or [1]), padded(ends(curves, errors) or [0, 100]), False)


def ends(curves, columns, by="iteration", change=None):
    """The finite lower and upper ends of the bands of some columns."""
    bands = [series(curve, column, by, change) for curve in curves for column in columns]
    return finite(*(values for band in bands for values in (band.low, band.high)))


def padded(values):
    """A linear range with room around values in percent."""
    low = min(values)
    high = max(values)
    room = max(1, 0.08 * (high - low))
    return max(0, low - room), min(100, high + room)


def padded_log(values):
    """A logarithmic range with room around positive values."""
    low = min(values)
    high = max(values)
    room = max(1.05, (high / low) ** 0.08)
    return low / room, high * room


def loss_axis(axes, limits, label="Training loss (dashed)"):
    """A logarithmic axis of losses."""
    low, high = limits.loss
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.set_yticks(PAPERS_LOSSES if limits.papers else log_ticks(low, high))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.set_ylabel(label)


def log_ticks(low, high):
    """At least three round numbers between low and high, as few as possible.

    Linear steps in a range that is too narrow for logarithmic ones.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in STEPS:
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) > 2:
            return ticks
    ticks = ticker.MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [tick for tick in ticks if low <= tick <= high]


def error_axis(axes, limits, label):
    """A linear axis of errors in percent."""
    axes.set_ylim(*limits.error)
    axes.yaxis.set_major_locator(
        ticker.FixedLocator(PAPERS_ERRORS)
        if limits.papers
        else ticker.MaxNLocator(6, steps=[1, 2, 5, 10])
    )
    axes.set_ylabel(label)
    axes.grid(axis="y", linestyle=":", color="0.6")


def x_axis(axes, curves, by="iteration"):
    """Iterations, epochs, or the fraction of training, at which the learning rate drops twice."""
    axes.set_xlabel(X_LABELS[by])
    if by == "fraction":
        axes.set_xlim(0, digitized.END / digitized.ITERATIONS)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        return
    runs = [run for curve in curves for run in curve.runs]
    last = max(run.config["recipe"]["iterations"] for run in runs)
    if by == "epoch":
        last = max(row["epoch"] for run in runs for row in run.rows)
    axes.set_xlim(0, last * 1.02)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:,.0f}"))
