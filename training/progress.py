"""The state of a run besides its arrays: its iteration, and sums since the last row of its log."""

import math
import time
from dataclasses import asdict, dataclass, field, fields


def zeros():
    return [[0.0, 0], [0.0, 0]]


@dataclass
class Progress:
    """The values that each checkpoint saves. A resumed run then logs the same rows as an
    uninterrupted one.
    """

    iteration: int = 0  # the last completed one
    seconds: float = 0.0  # since the start, in all processes of the run
    busy: float = 0.0  # seconds of iterations since the last row, without tests and checkpoints
    shown: int = 0  # number of iterations since the last row
    row_due: bool = False  # a test was interrupted, and the row of this iteration is missing
    diverged: int = None  # the first iteration in which the loss was NaN or infinite
    metrics: list = field(default_factory=zeros)  # [sum, count] of loss and accuracy in training

    def __post_init__(self):
        self._began = time.monotonic() - self.seconds

    @classmethod
    def of(cls, state):
        """Return the progress in a checkpoint's state.json; that of a new run for None."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: state[name] for name in names}) if state else cls()

    def state(self):
        """Return {name: value} for state.json."""
        self.seconds = time.monotonic() - self._began
        return asdict(self)

    def add(self, totals, seconds):
        """Count an iteration. totals: [(sum, count)] of loss and accuracy in it."""
        self.iteration += 1
        for metric, (total, count) in zip(self.metrics, totals):
            metric[0] += total
            metric[1] += count
        self.busy += seconds
        self.shown += 1

    @property
    def just_diverged(self):
        """Whether the loss has just become NaN or infinite for the first time. The sum is on the
        host: reading it does not wait.
        """
        return self.diverged is None and not math.isfinite(self.metrics[0][0])

    def row(self):
        """Return the iterations since the last row as columns of log.csv."""
        loss, accuracy = (total / count for total, count in self.metrics)
        return {
            "iteration": self.iteration,
            "train_loss": loss,
            "train_error": 100 * (1 - accuracy),
            "seconds": time.monotonic() - self._began,
        }

    def begin_row(self):
        """Start the sums of the next row."""
        self.metrics = zeros()
        self.busy = 0.0
        self.shown = 0
        self.row_due = False
