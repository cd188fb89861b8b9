"""What a run knows besides its arrays: where it is, and what it has seen since the last row of its
log.
"""

import math
import time
from dataclasses import dataclass, field

import mxnet as mx


@dataclass
class Progress:
    """Saved in each checkpoint, so that a resumed run logs what an unbroken one does."""

    iteration: int = 0  # the last one that was done
    seconds: float = 0.0  # since the run began, in all its processes
    busy: float = (
        0.0  # seconds of the iterations since the last row, tests and checkpoints left out
    )
    shown: int = 0  # those iterations
    row_due: bool = False  # a test was interrupted, and this iteration's row is still to be written
    diverged: int = None  # the iteration after which the loss was no number
    loss: mx.metric.EvalMetric = field(
        default_factory=mx.metric.CrossEntropy
    )  # of training, since the last row
    accuracy: mx.metric.EvalMetric = field(default_factory=mx.metric.Accuracy)

    NUMBERS = ("iteration", "seconds", "busy", "shown", "row_due", "diverged")

    def __post_init__(self):
        self._began = time.monotonic() - self.seconds

    @classmethod
    def of(cls, saved):
        """Where a checkpoint's state.json says; the beginning for None."""
        if not saved:
            return cls()
        progress = cls(**{name: saved[name] for name in cls.NUMBERS})
        for metric, (total, count) in zip((progress.loss, progress.accuracy), saved["metrics"]):
            metric.sum_metric = total
            metric.num_inst = count
        return progress

    def state(self):
        """{name: value} for state.json."""
        self.seconds = time.monotonic() - self._began
        return {
            **{name: getattr(self, name) for name in self.NUMBERS},
            "metrics": [
                [float(metric.sum_metric), metric.num_inst] for metric in (self.loss, self.accuracy)
            ],
        }

    def add(self, totals, seconds):
        """One more iteration: [(sum, count)] of loss and accuracy in it, and what it took."""
        self.iteration += 1
        for metric, (total, count) in zip((self.loss, self.accuracy), totals):
            metric.sum_metric += total
            metric.num_inst += count
        self.busy += seconds
        self.shown += 1

    @property
    def lost(self):
        """Whether the loss is no number any more.

        It is a number of the host: to look at it costs no waiting.
        """
        return not math.isfinite(self.loss.sum_metric)

    def row(self):
        """What the iterations since the last row did, as columns of log.csv."""
        return {
            "iteration": self.iteration,
            "train_loss": self.loss.get()[1],
            "train_error": 100 * (1 - self.accuracy.get()[1]),
            "seconds": time.monotonic() - self._began,
        }

    def begin_row(self):
        """Forget what the last row says."""
        self.loss.reset()
        self.accuracy.reset()
        self.busy = 0.0
        self.shown = 0
        self.row_due = False
