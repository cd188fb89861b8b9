"""Several runs in one figure: seeds of one network are one curve, their median and their band.

    python -m plots.compare runs/pocket/cifar10-preact20 runs/pocket/cifar10-plain20/seed0
    python -m plots.compare RUN RUN ... --what accuracy --by epoch      # make compare RUN="..."

A network's folder means all its seeds. Without --what it has the paper's layout: test error solid,
training loss dashed.
"""

import hashlib
from functools import partial

from common import files
from common.command import Parser, folder
from common.errors import UserError, run_main
from paper import run_files

from . import figure_files, scales
from .curves import draw, legend, line, panel, test_set
from .series import accuracy, legend_label
from .styles import styles

# (column of training, column of testing, function of both, axis label)
WHAT = {
    "error": ("train_error", "test_error", None, "Error, %"),
    "loss": ("train_loss", "test_loss", None, "Loss, nats"),
    "accuracy": ("train_error", "test_error", accuracy, "Accuracy, %"),
}
LONGEST = 60  # characters of the networks' names in a file's name


def one_quantity(axes, curves, title, what, by):
    """Draw one quantity on one axis: testing solid, training dashed."""
    training, testing, change, label = WHAT[what]
    colours = styles([curve.runs[0].config["recipe"] for curve in curves])
    for curve, (colour, marker) in zip(curves, colours):
        line(axes, curve, training, colour, by=by, change=change)
        line(axes, curve, testing, colour, marker, legend_label(curve, what), by, change)
    label += f" (solid: {test_set(curves).lower()}; dashed: training)"
    scales.x_axis(axes, curves, by)
    values = scales.ends(curves, (training, testing), change=change)
    if what == "loss":
        losses = [value for value in values if scales.LEAST < value < 1 / scales.LEAST]
        scales.loss_axis(axes, scales.Limits(scales.padded_log(losses or [1]), None, False), label)
    else:
        limits = scales.Limits(None, scales.padded(values or [0, 100]), False)
        scales.error_axis(axes, limits, label)
    legend(axes, title)


def run_folders(paths):
    """The run folders among paths, each once. A network's folder selects all its seeds."""
    folders = []
    for path in paths:
        seeds = sorted(config.parent for config in path.glob("seed*/config.json"))
        folders += seeds if seeds and not (path / "config.json").exists() else [path]
    return list({path.resolve(): path for path in folders}.values())


def description(runs, what, by, title):
    """A mark in a figure's file by which the same comparison is recognized."""
    text = "\n".join([what or "", by, title or "", *(str(run.folder) for run in runs)])
    return f"plots.compare {hashlib.sha1(text.encode()).hexdigest()}"


def free_path(runs, output, mark, what=None, by="iteration"):
    """The file of the figure, which is never one with another content.

    output: where the user wants it; None: a name in plots/figures/ made of the networks' names.
    """
    if output:
        figure_files.check_ending(output)
        if not _is_free(output, mark):
            raise UserError(f"{output} is another figure: choose another OUTPUT=, or delete it")
        return output
    networks = "-".join(dict.fromkeys(run.config["name"] for run in runs))
    stem = f"compare-{networks[:LONGEST].rstrip('-')}"
    if what or by != "iteration":
        stem += f"-{what or 'curves'}-by-{by}"
    number = 1
    path = files.FIGURES / f"{stem}.png"
    while not _is_free(path, mark):
        number += 1
        path = files.FIGURES / f"{stem}-{number}.png"
    return path


def _is_free(path, mark):
    return not path.exists() or (path.is_file() and mark.encode() in path.read_bytes())


def main():
    parser = Parser(__doc__)
    parser.add_argument("runs", nargs="+", type=folder, help="folders of runs or of networks")
    parser.add_argument("--what", choices=WHAT, help="one quantity, of training and of testing")
    parser.add_argument(
        "--by", choices=("iteration", "epoch"), default="iteration", help="x axis (iteration)"
    )
    parser.add_argument(
        "--output",
        type=folder,
        metavar="FILE",
        help=".png, .pdf or .svg (plots/figures/compare-<networks>.png)",
    )
    parser.add_argument("--title")
    arguments = parser.parse_args()
    runs = [run_files.read(path) for path in run_folders(arguments.runs)]
    by = arguments.by
    fill = partial(panel, by=by)
    if arguments.what:
        fill = partial(one_quantity, what=arguments.what, by=by)
    mark = description(runs, arguments.what, by, arguments.title)
    path = free_path(runs, arguments.output, mark, arguments.what, by)
    draw(runs, path, arguments.title, fill, mark)


if __name__ == "__main__":
    run_main(main)
