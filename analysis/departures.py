"""Measure the cost of each departure of the reading notes, each added alone to preact20.

    make departures SCALE=pocket DATA=folder    # trains all of them; re-run it to resume
    .venv/bin/python -m analysis.departures stride raw --scale pocket

docs/NOTES.md has the errors. symbols/notes.py has the departures of the network. The others are
fields of the recipe; `constant` is a learning rate of 0.1 throughout.
"""

from dataclasses import replace

from common.command import Parser, folder
from common.errors import UserError, run_main
from paper.scales import SCALES
from symbols.names import check_choice
from symbols.network_options import Network
from training import options

UNITS = 3  # in each of the three stages
DEPTH = 6 * UNITS + 2
OF_THE_RECIPE = {
    "raw": {"input": "raw"},
    "unaugmented": {"augmentation": "none"},
    "constant": {"steps": (), "warmup_iterations": 0},
    "nag": {"nesterov": True},
}
NONE = "none"  # the paper's network and recipe


def parser():
    departures_parser = Parser(__doc__)
    add = departures_parser.add_argument
    add("departures", nargs="*", metavar="DEPARTURE", help="default: all, with `none`")
    add("--seed", type=int, default=0, help="seed of initial weights, order, crops and flips (0)")
    add("--data-dir", type=folder, help="folder with CIFAR-10 (default: download)")
    options.add_run_options(add, SCALES)
    departures_parser.set_defaults(dataset="cifar10")
    return departures_parser


def run_name(departure):
    """Return the name of a departure's run below runs/<scale>/ and results/<scale>/."""
    return f"cifar10-preact{DEPTH}-notes-{departure}"


def train(departure, arguments):
    """Train a departure, or measure its cost. Returns the exit code."""
    from data import batches, cifar, inputs
    from symbols import counts, notes
    from training.job import Job, run_job

    scale = SCALES[arguments.scale]
    recipe = replace(scale.recipe, seed=arguments.seed, **OF_THE_RECIPE.get(departure, {}))
    place = arguments.data_dir or scale.data
    dataset = cifar.load("cifar10", place, recipe.image_size, arguments.cost)
    symbol = notes.get_symbol(UNITS, departures=[departure])
    network = Network(
        depth=DEPTH,
        activation="preact",
        shortcut="identity",
        shortcut_args={},
        unit="basic",
        option="A",
        bottleneck_stride="1x1",
        activation_args=None,
        widths=None,
    )
    job = Job(
        name=run_name(departure),
        recipe=recipe,
        symbol=symbol,
        network={**network.settings(), "departure": departure},
        parameters=counts.parameters(symbol, recipe.image_size),
        dataset=dataset,
        feed=batches.feed(dataset, recipe),
        exported=lambda: (symbol, inputs.describe_training(dataset, recipe)),
    )
    return run_job(job, arguments)


def main():
    arguments = options.read(parser())

    from symbols import notes

    known = [NONE, *notes.DEPARTURES, *OF_THE_RECIPE]
    names = arguments.departures or known
    for name in names:
        check_choice("departure", name, known)
    if arguments.output and len(names) > 1:
        raise UserError("--output is the folder of one run: name one departure, or leave it out")
    for departure in names:
        code = train(departure, arguments)
        if code:
            return code
    return 0


if __name__ == "__main__":
    run_main(main)
