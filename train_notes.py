#!/usr/bin/env python
"""Train the network of the reading notes by the notes' own recipe; it ends with their two pictures.

    make notes                      # on the CPU; GPUS=0,1 as in the notes; the same again resumes
    make notes UNITS=2 EPOCHS=2     # a small one
    make notes OPTIMIZER=adam       # their second choice

symbols/notes.py has the network, docs/NOTES.md what else the notes show. What differs from the
notes: every accuracy is over exactly the pictures (Module.score counts a last batch's padding too),
and nag takes the weight decay in the gradient (MXNet's own does not repeat bit for bit).
"""

import math
import os
from dataclasses import replace

from common.command import Parser, folder
from common.errors import UserError, run_main
from common.files import ROOT
from training import fit, options
from training.recipe import Recipe

NOTES = Recipe(
    input="raw",
    augmentation="none",
    iterations=1,  # of an epoch, see recipe()
    batch_size=128,
    learning_rate=0.1,
    steps=(),
    warmup_iterations=0,
    nesterov=True,
    momentum=0.9,
    weight_decay=1e-4,
)
ADAM = {"optimizer": "adam", "nesterov": False, "learning_rate": 5e-4}


def parser():
    made = Parser(__doc__)
    add = made.add_argument
    add("--units", type=int, default=12, help="in each of the three stages (12)")
    add(
        "--epochs", type=int, default=10, help="passes over the training set, each with a test (10)"
    )
    add(
        "--optimizer",
        choices=("nag", "adam"),
        default="nag",
        help="nag: rate 0.1; adam: rate 0.0005 (nag)",
    )
    add("--batch-size", type=int, default=NOTES.batch_size, help="over all devices (128)")
    add(
        "--dtype",
        choices=("float32", "bfloat16", "fast"),
        default="float32",
        help="inside the network (float32)",
    )
    add("--seed", type=int, default=0, help="of initial weights and order (0)")
    add("--data-dir", type=folder, help="folder with CIFAR-10; by default it is downloaded")
    options.of_run(add, ("full",))
    return made


def recipe(arguments, images):
    """The notes' recipe for so many training pictures: a row of the log, with a test, at the end of
    each epoch.
    """
    epoch = math.ceil(images / max(arguments.batch_size, 1))
    changes = ADAM if arguments.optimizer == "adam" else {}
    made = replace(
        NOTES,
        iterations=arguments.epochs * epoch,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        log_every=epoch,
        test_every=epoch,
        dtype=options.type_asked(arguments.dtype, arguments),
        **changes,
    )
    options.check_batch(made.batch_size, options.devices(arguments))
    return made


class Epochs:
    """In the place of a run's curve: the notes' line after each epoch, and their two pictures at
    the end.
    """

    def __init__(self, folder):
        self._folder = folder

    def draw(self):
        from tqdm import tqdm

        from training.log import read_log

        row = read_log(self._folder)[-1]
        tqdm.write(
            f"epoch {row['epoch']:.0f}: training accuracy {100 - row['train_error']:.2f} %, "
            f"loss {row['train_loss']:.4f}; testing accuracy {100 - row['test_error']:.2f} %, "
            f"loss {row['test_loss']:.4f}"
        )

    def wait(self):
        from plots import notes

        notes.draw(os.path.relpath(self._folder))


def main():
    arguments = options.read(parser())
    if arguments.units < 1 or arguments.epochs < 1:
        raise UserError("--units and --epochs: at least 1 (make: UNITS=, EPOCHS=)")
    arguments.dataset = "cifar10"
    recipe_here = recipe(arguments, 50000)

    from data import batches, cifar, download
    from symbols import counts, notes

    contexts = fit.contexts(arguments)
    symbol = notes.get_symbol(arguments.units)
    if arguments.cost:
        return fit.print_cost(arguments, recipe_here, symbol, contexts, test_images=10000)
    dataset = cifar.load("cifar10", arguments.data_dir or download.fetch("cifar10", ROOT / "data"))
    recipe_here = recipe(arguments, len(dataset.train_images))

    size = fit.test_batch_size(recipe_here, options.devices(arguments), len(dataset.test_images))
    feed = batches.feed(dataset, recipe_here, size)
    network = {
        "units": arguments.units,
        "widths": list(notes.WIDTHS),
        "depth": 6 * arguments.units + 2,
        "activation": "notes",
        "shortcut": "identity",
        "shortcut_args": {},
    }
    return fit.fit(
        arguments,
        f"cifar10-notes{arguments.units}",
        recipe_here,
        network,
        dataset,
        symbol,
        contexts,
        feed,
        counts.parameters(symbol, recipe_here.image_size),
        figure=Epochs,
    )


if __name__ == "__main__":
    run_main(main)
