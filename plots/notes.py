"""The two pictures with which the notes end: loss by epoch, and accuracy by epoch.

python -m plots.notes runs/full/cifar10-notes12/seed0
"""

import matplotlib.pyplot as plt

from common import files
from common.command import Parser, folder
from common.errors import UserError, run_main
from paper import run_files

from . import figure_files
from .series import accuracy

TRAINING = {"color": "tab:blue", "marker": "o", "linestyle": "-"}
TESTING = {"color": "tab:red", "marker": "s", "linestyle": "--"}  # two marks, for a grey printer


def draw(folder):
    """Draw a run's rows that have a test, one an epoch, into notes-loss.png and notes-accuracy.png."""
    run = run_files.read(folder)
    rows = [row for row in run.rows if row["test_error"] is not None]
    if not rows:
        raise UserError(f"{run.folder} has no test yet: {run_files.again(run.config)}")
    epochs = [row["epoch"] for row in rows]
    for name, training, testing in (
        ("loss", [row["train_loss"] for row in rows], [row["test_loss"] for row in rows]),
        ("accuracy", _accuracies(rows, "train_error"), _accuracies(rows, "test_error")),
    ):
        figure, axes = plt.subplots(figsize=(10, 8), layout="constrained")
        axes.plot(epochs, training, label=f"training {name}", **TRAINING)
        axes.plot(epochs, testing, label=f"testing {name}", **TESTING)
        axes.set_xlabel("epoch", fontsize=13)
        axes.set_ylabel("loss, nats" if name == "loss" else "accuracy, %", fontsize=13)
        axes.tick_params(labelsize=12)
        axes.legend(loc="upper right" if name == "loss" else "lower right", fontsize=13)
        axes.grid(alpha=0.3)
        figure_files.caption(
            figure, [run], note="the notes' network; training: over the epoch's own batches"
        )
        figure_files.save(figure, files.FIGURES / f"notes-{name}.png")
        plt.close(figure)


def _accuracies(rows, column):
    return [accuracy(row[column]) for row in rows]


def main():
    parser = Parser(__doc__)
    parser.add_argument("run", type=folder, help="its folder")
    draw(parser.parse_args().run)


if __name__ == "__main__":
    run_main(main)
