#!/usr/bin/env python
"""Train a network of the papers on ImageNet, or on a set of your own; every option's default is the
papers' recipe.

    make imagenet-data SOURCE=folder                          # once: see data/prepare.py
    make imagenet-preact200                                   # train; tests the centre crop of 224
    make score RUN=runs/full/imagenet-preact200/seed0 CROP=320    # Table 5 of P2

What is not of ImageNet alone stands in train_cifar.py. P1 is 1512.03385, P2 is 1603.05027;
docs/DEVIATIONS.md has the rest.
"""

import signal
import subprocess
import sys

from common.command import Parser, folder
from common.errors import UserError, run_main
from common.files import ROOT
from paper.scales import SCALES
from symbols import counts, network_options
from training import fit, options
from training.recipe import EPOCHS, IMAGENET

DEPTH = 200
MOVED = ("--test-only", "--crop", "--checkpoint", "--pretrained")  # to score.py


def parser():
    made = Parser(__doc__)
    network_options.of_network(made.add_argument_group("network").add_argument, DEPTH)
    add = made.add_argument_group("data").add_argument
    add(
        "--data-dir",
        type=folder,
        default=ROOT / "data" / "imagenet",
        help="a set that was prepared, or im2rec's train.rec and val.rec (data/imagenet)",
    )
    options.of_recipe(add, IMAGENET, "data", augmentation=("scale", "aspect"))
    options.of_recipe(made.add_argument_group("recipe").add_argument, IMAGENET, "recipe")
    options.of_run(made.add_argument_group("this run").add_argument, SCALES)
    made.set_defaults(dataset="imagenet")
    return made


def read_options(words=None):
    """(what was typed, its recipe, the prepared set); words are the command line's by default."""
    for word in sys.argv[1:] if words is None else words:
        option = word.split("=")[0]
        if option in MOVED:
            raise UserError(f"{option}: score.py tests (make score RUN=folder CROP=224,320,ten)")
    arguments = options.read(parser(), words)
    from data import imagenet

    if arguments.scale != "full":
        raise UserError(
            f"SCALE={arguments.scale} is CIFAR's: for ImageNet give IMAGE_SIZE=, ITERATIONS= and"
            " BATCH="
        )
    if arguments.image_size is not None and arguments.image_size < 32:
        raise UserError(
            f"--image-size {arguments.image_size}: at least 32, which the network makes 1"
        )
    dataset = imagenet.load(arguments.data_dir)
    return arguments, recipe_for(arguments, len(dataset.train_images)), dataset


def recipe_for(arguments, images):
    """The recipe for so many training images: 120 epochs of them, if nothing else was said."""
    if arguments.input == "raw" or arguments.validation:
        raise UserError(
            f"--{'validation' if arguments.validation else 'input raw'} is CIFAR's: leave it out"
        )
    batch_size = IMAGENET.batch_size if arguments.batch_size is None else arguments.batch_size
    return options.recipe(
        arguments, IMAGENET.lasting(max(1, round(EPOCHS * images / max(batch_size, 1)))), images
    )


def main():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too early to save anything
    arguments, recipe, dataset = read_options()
    network = network_options.network(arguments, "imagenet", DEPTH)
    contexts = fit.contexts(arguments)
    symbol = network.symbol(dataset.classes, "imagenet", recipe.dtype)
    name = network.name(arguments.dataset)
    feed_of_all = batches(
        recipe, dataset
    )  # refuses pictures that are too small, before there is a folder
    if arguments.cost:
        return fit.print_cost(
            arguments, recipe, symbol, contexts, len(dataset.test_images), feed_of_all
        )

    def feed(share):
        if share[0] == 0 and not any(fit.folder(arguments, name, recipe.seed).glob("checkpoint-*")):
            tell_cost()
        return batches(recipe, dataset, share), tests(recipe, options.devices(arguments), dataset)

    def exported():
        from data import inputs

        return (
            network.symbol(dataset.classes, "imagenet"),
            inputs.describe(dataset, "imagenet", recipe.image_size, dataset.mean),
        )

    return fit.fit(
        arguments,
        name,
        recipe,
        network.settings(),
        dataset,
        symbol,
        contexts,
        feed,
        counts.parameters(symbol, recipe.image_size),
        exported=exported,
    )


def batches(recipe, dataset, share=(0, 1)):
    from data.crops import CropBatches

    return CropBatches(
        dataset.train_images,
        dataset.mean,
        recipe.batch_size,
        recipe.seed,
        recipe.image_size,
        dataset.side,
        recipe.augmentation,
        share=share,
    )


def tests(recipe, devices, dataset):
    """The test set by the papers' rule: the centre crop of 224 of 256."""
    from data.crops import TestCrops

    size = fit.test_batch_size(recipe, devices, len(dataset.test_images))
    return TestCrops(dataset.test_images, dataset.mean, size, recipe.image_size, "224")


def tell_cost():
    """Say what the run will take, measured in a process of its own on a few of its own iterations."""
    command = [sys.executable, "-W", "ignore", __file__, *sys.argv[1:], "--cost"]
    measured = subprocess.run(command, text=True, capture_output=True)
    if measured.returncode:
        last = (
            measured.stderr.strip().splitlines() or ["ended from outside: is the memory full?"]
        )[-1]
        print(f"what the run will take cannot be measured here ({last})", flush=True)
        return
    print(measured.stdout.splitlines()[-1], flush=True)


if __name__ == "__main__":
    run_main(main)
