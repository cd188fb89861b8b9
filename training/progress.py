"""The state of a run besides its arrays: its iteration, and sums since the last row of its log."""

import math
import time
from dataclasses import dataclass, field

import mxnet as mx


@dataclass
class Progress:
    """Saved in each checkpoint, so that a resumed run logs what an uninterrupted run does."""

    iteration: int = 0  # the last completed one
    seconds: float = 0.0  # since the start, in all processes of the run
    busy: float = 0.0  # seconds of iterations since the last row, without tests and checkpoints
    shown: int = 0  # number of these iterations
    row_due: bool = False  # a test was interrupted, and the row of this iteration is missing
    diverged: int = None  # the iteration after which the loss was not a number
    loss: mx.metric.EvalMetric = field(default_factory=mx.metric.CrossEntropy)  # in training
    accuracy: mx.metric.EvalMetric = field(default_factory=mx.metric.Accuracy)

    NUMBERS = ("iteration", "seconds", "busy", "shown", "row_due", "diverged")

    def __post_init__(self):
        self._began = time.monotonic() - self.seconds

    @classmethod
    def of(cls, saved):
        """Return the progress in a checkpoint's state.json; that of a new run for None."""
        if not saved:
            return cls()
        progress = cls(**{name: saved[name] for name in cls.NUMBERS})
        for metric, (total, count) in zip((progress.loss, progress.accuracy), saved["metrics"]):
            metric.sum_metric = total
            metric.num_inst = count
        return progress

    def state(self):
        """Return {name: value} for state.json."""
        self.seconds = time.monotonic() - self._began
        return {
            **{name: getattr(self, name) for name in self.NUMBERS},
            "metrics": [
                [float(metric.sum_metric), metric.num_inst] for metric in (self.loss, self.accuracy)
            ],
        }

    def add(self, totals, seconds):
        """Count an iteration. totals: [(sum, count)] of loss and accuracy in it."""
        self.iteration += 1
        for metric, (total, count) in zip((self.loss, self.accuracy), totals):
            metric.sum_metric += total
            metric.num_inst += count
        self.busy += seconds
        self.shown += 1

    @property
    def lost(self):
        """Whether the loss is not a number. The sum is on the host: reading it does not wait."""
        return not math.isfinite(self.loss.sum_metric)

    def row(self):
        """Return the iterations since the last row as columns of log.csv."""
        return {
            "iteration": self.iteration,
            "train_loss": self.loss.get()[1],
            "train_error": 100 * (1 - self.accuracy.get()[1]),
            "seconds": time.monotonic() - self._began,
        }

    def begin_row(self):
        """Start the sums of the next row."""
        self.loss.reset()
        self.accuracy.reset()
        self.busy = 0.0
        self.shown = 0
        self.row_due = False
