#!/usr/bin/env python
"""Train the reading notes' network with the notes' own recipe, and draw the notes' two figures.

    make notes                      # on the CPU; GPUS=0,1 as in the notes; re-run it to resume
    make notes UNITS=2 EPOCHS=2     # a small one
    make notes OPTIMIZER=adam       # the notes' second choice

symbols/notes.py is the network, docs/NOTES.md has the rest of the notes. Two things differ from the
notes: accuracies count exactly the images (Module.score counts the padding of the last batch), and
nag adds the weight decay to the gradient (MXNet's own nag does not repeat bit for bit).
"""

import math
from dataclasses import replace

from common.command import Parser, folder, positive
from common.errors import run_main
from training import options
from training.figure import Figure
from training.recipe import Recipe

# What differs from the papers' recipe; recipe_for() sets the length.
NOTES = Recipe(input="raw", augmentation="none", steps=(), warmup_iterations=0, nesterov=True)
EPOCHS = 10
ADAM = {"optimizer": "adam", "nesterov": False, "learning_rate": 5e-4}


def parser():
    notes_parser = Parser(__doc__)
    add = notes_parser.add_argument
    add("--units", type=positive, default=12, help="units in each of the three stages (12)")
    add(
        "--epochs",
        type=positive,
        help=f"passes over the training set, each with a test ({EPOCHS})",
    )
    text = "nag: learning rate 0.1; adam: learning rate 0.0005 (nag)"
    add("--optimizer", choices=("nag", "adam"), default="nag", help=text)
    add("--batch-size", type=int, default=NOTES.batch_size, help="over all devices (128)")
    add("--micro-batch", type=int, help="images in a step: a batch in parts, for less memory")
    types = ("float32", "bfloat16", "fast")
    add("--dtype", choices=types, default="float32", help="inside the network (float32)")
    add("--seed", type=int, default=0, help="of initial weights and order (0)")
    add("--data-dir", type=folder, help="folder with CIFAR-10 (the set is downloaded)")
    options.add_run_options(add, ("full",))
    notes_parser.set_defaults(dataset="cifar10")
    return notes_parser


def recipe_for(arguments, image_count):
    """Return the notes' Recipe for a number of training images: a row and a test each epoch."""
    epoch = math.ceil(image_count / arguments.batch_size)
    return replace(
        NOTES,
        iterations=(arguments.epochs or EPOCHS) * epoch,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        log_every=epoch,
        test_every=epoch,
        dtype=arguments.dtype,
        micro_batch=arguments.micro_batch,
        **(ADAM if arguments.optimizer == "adam" else {}),
    )


class Epochs(Figure):
    """Prints a line after each epoch, and draws the notes' two figures at the end."""

    MODULE = "plots.notes"

    def draw(self):
        from tqdm import tqdm

        from training.log import read_log

        rows = read_log(self.folder)
        row = rows[-1]
        tqdm.write(
            f"epoch {len(rows)}: training accuracy {100 - row['train_error']:.2f} %, "
            f"loss {row['train_loss']:.4f}; testing accuracy {100 - row['test_error']:.2f} %, "
            f"loss {row['test_loss']:.4f}"
        )


def main():
    arguments = options.read(parser())

    from data import batches, cifar, inputs
    from symbols import counts, notes
    from training.job import Job, run_job

    dataset = cifar.load("cifar10", arguments.data_dir, NOTES.image_size, arguments.cost)
    recipe = recipe_for(arguments, len(dataset.train_images))
    symbol = notes.get_symbol(arguments.units)
    network = {
        "units": arguments.units,
        "widths": list(notes.WIDTHS),
        "depth": 6 * arguments.units + 2,
        "activation": "notes",
        "shortcut": "identity",
        "shortcut_args": {},
    }
    job = Job(
        name=f"cifar10-notes{arguments.units}",
        recipe=recipe,
        symbol=symbol,
        network=network,
        parameters=counts.parameters(symbol, recipe.image_size),
        dataset=dataset,
        feed=batches.feed(dataset, recipe),
        exported=lambda: (symbol, inputs.describe_training(dataset, recipe)),
        figure=Epochs,
    )
    return run_job(job, arguments)


if __name__ == "__main__":
    run_main(main)
