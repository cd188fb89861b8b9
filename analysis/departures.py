"""What each departure of the reading notes costs: preact20, then the same with each one alone.

    make departures SCALE=pocket DATA=folder    # trains all that lack; the same again resumes
    python -m analysis.departures stride raw --scale pocket

docs/NOTES.md has the errors. Those of the network are symbols/departures.py's; three are fields of
the recipe, and `constant` is a rate of 0.1 from the first iteration to the last.
"""

from dataclasses import replace

from common.command import Parser, folder
from common.errors import UserError, run_main
from common.files import ROOT
from paper.scales import SCALES, scale_named
from training import fit, options

UNITS = 3  # in each of the three stages
DEPTH = 6 * UNITS + 2
OF_THE_RECIPE = {
    "raw": {"input": "raw"},
    "unaugmented": {"augmentation": "none"},
    "constant": {"steps": (), "warmup_iterations": 0},
    "nag": {"nesterov": True},
}
NONE = "none"  # the paper's network and recipe


def everything():
    """The names of all departures, and of none, in the order of docs/NOTES.md."""
    from symbols import departures

    return [NONE, *departures.NAMES, *OF_THE_RECIPE]


def parser():
    made = Parser(__doc__)
    add = made.add_argument
    add("departures", nargs="*", metavar="DEPARTURE", help="by default all of them, and none")
    add("--seed", type=int, default=0, help="of initial weights, order, crops and flips (0)")
    add("--data-dir", type=folder, help="folder with CIFAR-10; by default it is downloaded")
    options.of_run(add, SCALES)
    return made


def run_name(departure):
    """What the run of a departure is called below runs/<scale>/ and results/<scale>/."""
    return f"cifar10-preact{DEPTH}-notes-{departure}"


def recipe(departure, arguments):
    """The scale's recipe, with what the departure changes of it."""
    base = scale_named(arguments.scale).recipe
    made = replace(
        base,
        seed=arguments.seed,
        dtype=options.type_asked(base.dtype, arguments),
        **OF_THE_RECIPE.get(departure, {}),
    )
    options.check_batch(made.batch_size, options.devices(arguments))
    return made


def train(departure, arguments):
    """Train one, or measure what that takes; the exit code."""
    from data import batches, cifar, download
    from symbols import counts, departures

    contexts = fit.contexts(arguments)
    symbol = departures.get_symbol(UNITS, [departure])
    made = recipe(departure, arguments)
    if arguments.cost:
        return fit.print_cost(arguments, made, symbol, contexts, test_images=10000)
    place = (
        arguments.data_dir
        or scale_named(arguments.scale).data
        or download.fetch("cifar10", ROOT / "data")
    )
    dataset = cifar.load("cifar10", place, made.image_size)
    size = fit.test_batch_size(made, options.devices(arguments), len(dataset.test_images))
    network = {
        "depth": DEPTH,
        "activation": f"preact, the notes' {departure}",  # no file of symbols/activations/
        "shortcut": "identity",
        "shortcut_args": {},
        "unit": "basic",
        "option": "A",
        "bottleneck_stride": "1x1",
    }
    return fit.fit(
        arguments,
        run_name(departure),
        made,
        network,
        dataset,
        symbol,
        contexts,
        batches.feed(dataset, made, size),
        counts.parameters(symbol, made.image_size),
    )


def main():
    arguments = options.read(parser())
    arguments.dataset = "cifar10"
    known = everything()
    asked = arguments.departures or known
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise UserError(f"no departure is called '{unknown[0]}': there are {', '.join(known)}")
    if arguments.output and len(asked) > 1:
        raise UserError("--output is the folder of one run: name one departure, or leave it out")
    for departure in asked:
        code = train(departure, arguments)
        if code:
            return code
    return 0


if __name__ == "__main__":
    run_main(main)
