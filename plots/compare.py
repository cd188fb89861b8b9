"""Several runs in one picture: seeds of one network are one curve, their median and their band.

    python -m plots.compare runs/pocket/cifar10-preact20/seed0 runs/pocket/cifar10-plain20/seed0
    python -m plots.compare RUN RUN ... --what accuracy --by epoch      # make compare RUN="..."

Without --what it is the paper's layout: test error solid, training loss dashed.
"""

from functools import partial

from PIL import Image

from common import files
from common.command import Parser, folder
from common.errors import UserError, run_main
from paper import run_files

from . import scales
from .curves import draw, legend, lines, panel
from .series import accuracy, finite, legend_label, series
from .styles import styles

# of the log: (training's column, testing's, what it becomes, the axis' words)
WHAT = {
    "error": ("train_error", "test_error", None, "Error, %"),
    "loss": ("train_loss", "test_loss", None, "Loss, nats"),
    "accuracy": ("train_error", "test_error", accuracy, "Accuracy, %"),
}
LONGEST = 60  # characters of the networks' names in a file's name


def one_quantity(axes, drawn, title, what, by):
    """Testing solid and training dashed, of one quantity, on one axis."""
    training, testing, change, words = WHAT[what]
    chosen = styles([curve.runs[0].config["recipe"] for curve in drawn])
    values = []
    for curve, (colour, marker) in zip(drawn, chosen):
        lines(axes, curve, training, colour, by=by, change=change)
        lines(axes, curve, testing, colour, marker, legend_label(curve, what), by, change)
        for column in (training, testing):
            points = series(curve, column, by, change)
            values += finite(points.low, points.high)
    words += " (solid: test; dashed: training)"
    scales.iteration_axis(axes, drawn, by)
    if what == "loss":
        losses = [value for value in values if scales.LEAST < value < 1 / scales.LEAST]
        scales.loss_axis(axes, scales.Limits(scales.padded_log(losses or [1]), None, False), words)
    else:
        scales.error_axis(
            axes, scales.Limits(None, scales.padded(values or [0, 100]), False), words
        )
    legend(axes, len(drawn), title)


def description(runs, what, by, title):
    """What a picture shows, as its PNG's own description says it."""
    return " ".join([what or "curves", by, title or "", *(str(run.folder) for run in runs)])


def free_path(runs, asked, wanted, what=None, by="iteration"):
    """Where the picture goes: a file that holds another picture is never written over.

    asked: OUTPUT=, or None for a name in plots/figures/ that tells the networks. wanted: its
    description.
    """
    if asked:
        if _holds_another(asked, wanted):
            raise UserError(f"{asked} holds another picture: give another OUTPUT=, or delete it")
        return asked
    networks = "-".join(dict.fromkeys(run.config["name"] for run in runs))
    stem = f"compare-{networks[:LONGEST].rstrip('-')}"
    if what or by != "iteration":
        stem += f"-{what or 'curves'}-by-{by}"
    number = 1
    path = files.FIGURES / f"{stem}.png"
    while _holds_another(path, wanted):
        number += 1
        path = files.FIGURES / f"{stem}-{number}.png"
    return path


def _holds_another(path, wanted):
    if not path.exists():
        return False
    try:
        with Image.open(path) as image:
            return image.info.get("Description") != wanted
    except OSError:  # no picture at all
        return True


def main():
    parser = Parser(__doc__)
    parser.add_argument("runs", nargs="+", type=folder, help="run folders, into one picture")
    parser.add_argument("--what", choices=WHAT, help="one quantity, training's and testing's")
    parser.add_argument(
        "--by",
        choices=("iteration", "epoch"),
        default="iteration",
        help="what is below (iteration)",
    )
    parser.add_argument(
        "--output",
        type=folder,
        metavar="FILE.png",
        help="by default plots/figures/compare-<networks>.png",
    )
    parser.add_argument("--title")
    arguments = parser.parse_args()
    runs = [run_files.read(folder) for folder in dict.fromkeys(arguments.runs)]
    by = arguments.by
    fill = (
        partial(one_quantity, what=arguments.what, by=by)
        if arguments.what
        else partial(panel, by=by)
    )
    wanted = description(runs, arguments.what, by, arguments.title)
    path = free_path(runs, arguments.output, wanted, arguments.what, by)
    draw(runs, path, arguments.title, fill, wanted)


if __name__ == "__main__":
    run_main(main)
