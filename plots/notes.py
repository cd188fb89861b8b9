"""The two figures at the end of the reading notes: loss by epoch, and accuracy by epoch.

.venv/bin/python -m plots.notes runs/full/cifar10-notes12/seed0
"""

import matplotlib.pyplot as plt

from common import files
from common.command import Parser, folder
from common.errors import UserError, run_main
from paper import run_files

from . import figure_files, styles
from .series import cell

# They also differ in marker and line for readers without colours.
STYLES = {
    "train": {"color": "tab:blue", "marker": "o", "linestyle": "-"},
    "test": {"color": "tab:red", "marker": "s", "linestyle": "--"},
}


def draw(folder):
    """Draw the tested rows of a run, one per epoch, into notes-loss.png and notes-accuracy.png in its
    folder; those of a published run into plots/figures/.
    """
    run = run_files.read(folder)
    place = run.folder if run_files.is_own(run) else files.FIGURES
    rows = [row for row in run.rows if row["test_error"] is not None]
    if not rows:
        raise UserError(f"{run.folder} has no test yet: {run_files.again(run.config)}")
    epochs = [row["epoch"] for row in rows]
    for name, unit, corner in (("loss", "nats", "upper right"), ("accuracy", "%", "lower right")):
        figure, axes = plt.subplots(figsize=(styles.WIDTH, 7))
        for part, style in STYLES.items():
            values = [cell(row, f"{part}_{name}") for row in rows]
            axes.plot(epochs, values, label=f"{part}ing {name}", **style)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{name}, {unit}")
        axes.legend(loc=corner)
        axes.grid()
        note = "the notes' network; training: mean over the batches of the epoch"
        figure_files.caption(figure, [run], note=note)
        figure_files.save(figure, place / f"notes-{name}.png")


def main():
    parser = Parser(__doc__)
    parser.add_argument("run", type=folder, help="folder of a run")
    draw(parser.parse_args().run)


if __name__ == "__main__":
    run_main(main)
