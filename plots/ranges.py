"""Axes of curves: ranges and ticks, the paper's at full scale and fitted to the curves otherwise."""

from matplotlib import ticker

from paper import counted_runs, digitized, experiments, run_files

from .series import ends, shown

PAPERS = ((0.002, 2), (0, experiments.FAILS_ABOVE))  # ranges of loss, in nats, and error, in %
PAPERS_LOSSES = (0.002, 0.02, 0.2, 2)
LEAST = 1e-30  # losses outside LEAST to 1 / LEAST do not set the range
X_LABELS = {"iteration": "Iterations", "epoch": "Epochs", "fraction": "Fraction of training"}


def limits(curves, training="loss"):
    """Return the ranges of loss and error that all panels of a figure share.

    training: "error" if the training error is on the axis of the test error.
    """
    runs = [run for curve in curves for run in shown(curve)]
    last = [run_files.last_error(run) for run in runs]
    if all(counted_runs.scale_of(run) == "full" for run in runs) and all(
        error is None or error < experiments.FAILS_ABOVE for error in last
    ):
        return PAPERS
    errors = ["test_error"] + (["train_error"] if training == "error" else [])
    return loss_range(curves, ["train_loss"]), percent_range(curves, errors)


def percent_range(curves, columns):
    """Return a linear range with room around values in percent."""
    values = ends(curves, columns) or [0, 100]
    low = min(values)
    high = max(values)
    room = max(1, 0.08 * (high - low))
    return max(0, low - room), min(100, high + room)


def loss_range(curves, columns):
    """Return a logarithmic range with room around losses."""
    values = [value for value in ends(curves, columns) if LEAST < value < 1 / LEAST] or [1]
    low = min(values)
    high = max(values)
    room = max(1.05, (high / low) ** 0.08)
    return low / room, high * room


def loss_axis(axes, limits, label="Training loss (dashed)"):
    """Format a logarithmic axis of losses."""
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    log_ticks(axes)
    if limits == PAPERS[0]:
        axes.set_yticks(PAPERS_LOSSES)
    axes.set_ylabel(label)


def log_ticks(axes):
    """Set plain numbers as ticks of a logarithmic y axis, enough for its range."""
    low, high = axes.get_ylim()
    ratio = high / low
    if ratio < 2.6:  # too narrow for logarithmic steps
        axes.yaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
    else:
        subs = (1,) if ratio > 100 else (1, 2, 5) if ratio > 6 else (1, 1.5, 2, 3, 5, 7)
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=subs))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))


def error_axis(axes, limits, label):
    """Format a linear axis of errors in percent."""
    axes.set_ylim(*limits)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_ylabel(label)
    axes.grid(axis="y")


def x_axis(axes, curves, by="iteration"):
    """Format the x axis: iterations, epochs, or the fraction of training."""
    axes.set_xlabel(X_LABELS[by])
    if by == "fraction":
        axes.set_xlim(0, digitized.END / digitized.ITERATIONS)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        return
    runs = [run for curve in curves for run in curve.runs]
    last = max(run.recipe["iterations"] for run in runs)
    if by == "epoch":
        last = max(row["epoch"] for run in runs for row in run.rows)
    axes.set_xlim(0, last * 1.02)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")


def integer_ticks(axes):
    """Give the x axis ticks at whole numbers, for layers and units."""
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
