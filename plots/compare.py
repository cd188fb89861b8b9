"""Several runs in one figure: seeds of one network are one curve, their median and their band.

    .venv/bin/python -m plots.compare runs/pocket/cifar10-preact20 runs/pocket/cifar10-plain20/seed0
    .venv/bin/python -m plots.compare RUN RUN ... --what accuracy --by epoch  # make compare RUN="..."

A network's folder means all its seeds. Without --what it has the paper's layout: test error solid,
training loss dashed. Final errors are printed, and compared with those of the first curve.
"""

import hashlib
from functools import partial

from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import run_files, significance

from . import figure_files, ranges
from .curves import figure_of, legend, line, panel, test_set
from .series import group_runs, legend_label, with_images
from .styles import styles
from .tables import Table

UNITS = {"error": "%", "loss": "nats", "accuracy": "%"}
LONGEST = 60  # characters of the networks' names in a file's name


def one_quantity(axes, curves, title, what, by):
    """Draw one quantity on one axis: testing solid, training dashed."""
    training = f"train_{what}"
    testing = f"test_{what}"
    colours = styles([curve.runs[0].recipe for curve in curves])
    for curve, (colour, marker) in zip(curves, colours):
        line(axes, curve, training, colour, by=by)
        line(axes, curve, testing, colour, marker, legend_label(curve, what), by)
    tested = test_set(curves).lower()
    label = f"{what.capitalize()}, {UNITS[what]} (solid: {tested}; dashed: training)"
    ranges.x_axis(axes, curves, by)
    if what == "loss":
        ranges.loss_axis(axes, ranges.loss_range(curves, (training, testing)), label)
    else:
        ranges.error_axis(axes, ranges.percent_range(curves, (training, testing)), label)
    legend(axes, title)


def run_folders(paths):
    """Return the run folders among paths, each once. A network's folder selects all its seeds."""
    folders = []
    for path in paths:
        seeds = sorted(config.parent for config in path.glob("seed*/config.json"))
        folders += seeds if seeds and not (path / "config.json").exists() else [path]
    return list({path.resolve(): path for path in folders}.values())


def description(arguments, runs):
    """Return a mark in a figure's file by which the same comparison is recognized."""
    folders = [str(run.folder) for run in runs]
    text = "\n".join([arguments.what or "", arguments.by, arguments.title or "", *folders])
    return f"plots.compare {hashlib.sha1(text.encode()).hexdigest()}"


def free_path(output, runs, mark):
    """Return the file of the figure. Raises UserError if it exists and has another content.

    output: where the user wants it; None: in plots/figures/, with the networks' names.
    """
    networks = "-".join(dict.fromkeys(run.config["name"] for run in runs))
    name = f"compare-{networks[:LONGEST].rstrip('-')}-{mark[-6:]}.png"
    path = output or files.FIGURES / name
    figure_files.check_ending(path)
    figure_files.check_free(path, [mark])
    return path


def print_errors(runs):
    """Print the final errors of finished runs, each curve compared with the first."""
    curves = group_runs([run for run in runs if run_files.is_whole(run)])
    if curves:
        head = significance.COMPARISONS.split("|")
        samples = with_images(curves, among=curves)
        print(Table(head, significance.comparisons(samples)).text())


def main():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("runs", nargs="+", type=folder, help="folders of runs or of networks")
    add("--what", choices=UNITS, help="one quantity, of training and of testing")
    add("--by", choices=("iteration", "epoch"), default="iteration", help="x axis (iteration)")
    add(
        "--output",
        type=folder,
        metavar="FILE",
        help=".png, .pdf or .svg (plots/figures/compare-<networks>-<number>.png)",
    )
    add("--title", help="title of the figure")
    arguments = parser.parse_args()
    runs = [run_files.read(path) for path in run_folders(arguments.runs)]
    print_errors(runs)
    mark = description(arguments, runs)
    path = free_path(arguments.output, runs, mark)
    fill = partial(panel, by=arguments.by)
    if arguments.what:
        fill = partial(one_quantity, what=arguments.what, by=arguments.by)
    figure_files.save(figure_of(runs, arguments.title, fill), path, mark)


if __name__ == "__main__":
    run_main(main)
