#!/usr/bin/env python
"""Train a network of the papers on ImageNet, or on your own images. The defaults are the papers'
recipe.

    make imagenet-data SOURCE=folder                          # once: see data/prepare.py
    make imagenet-preact200                                   # trains; tests the center crop of 224
    make score RUN=runs/full/imagenet-preact200/seed0 CROP=320    # Table 5 of P2

P1 is 1512.03385, P2 is 1603.05027; see docs/DEVIATIONS.md. docs/IMAGENET.md explains the data.
"""

import sys

from common.command import Parser, folder, last_line
from common.errors import UserError, run_main
from common.files import IMAGENET_DATA
from symbols import counts, network_options
from training import options
from training.recipe import IMAGENET, imagenet_recipe


def parser():
    imagenet_parser = Parser(__doc__)
    network_options.add_network_options(imagenet_parser.add_argument_group("network").add_argument)
    add = imagenet_parser.add_argument_group("data").add_argument
    add(
        "--data-dir",
        type=folder,
        default=IMAGENET_DATA,
        help="a prepared set, or train.rec and val.rec of im2rec (data/imagenet)",
    )
    options.add_recipe_options(add, IMAGENET, "data", augmentation=("scale", "aspect"))
    add = imagenet_parser.add_argument_group("recipe").add_argument
    options.add_recipe_options(add, IMAGENET, "recipe")
    options.add_run_options(imagenet_parser.add_argument_group("this run").add_argument, ("full",))
    imagenet_parser.set_defaults(dataset="imagenet")
    return imagenet_parser


def recipe_for(arguments, image_count):
    """Return the Recipe for a number of training images; by default 120 epochs."""
    batch_size = arguments.batch_size or IMAGENET.batch_size
    return options.recipe(arguments, imagenet_recipe(image_count, batch_size), image_count)


def main():
    arguments = options.read(parser())
    network = network_options.network(arguments, "imagenet", arguments.image_size)

    from data import imagenet, inputs
    from data.crops import CropBatches, TestCrops
    from training.job import Job, run_job

    dataset = imagenet.load(arguments.data_dir)
    recipe = recipe_for(arguments, len(dataset.train_images))
    side = recipe.image_size
    symbol = network.symbol(dataset.classes, "imagenet", dtype=recipe.dtype, image_size=side)

    def feed(share, size):
        training = CropBatches(
            dataset.train_images,
            dataset.mean,
            recipe.batch_size,
            recipe.seed,
            side,
            dataset.side,
            recipe.augmentation,
            share=share,
        )
        return training, TestCrops(dataset.test_images, dataset.mean, size, side)

    def exported():
        described = inputs.describe(dataset, side, dataset.mean)
        return network.symbol(dataset.classes, "imagenet", image_size=side), described

    job = Job(
        name=network.name("imagenet"),
        recipe=recipe,
        symbol=symbol,
        network=network.settings(),
        parameters=counts.parameters(symbol, side),
        dataset=dataset,
        feed=feed,
        exported=exported,
        announce=lambda: print_own_cost(arguments.data_dir),
    )
    return run_job(job, arguments)


def print_own_cost(data_dir):
    """Print the cost of this run. Another process measures it, so that its memory is free again."""
    words = [*sys.argv[1:], "--data-dir", str(data_dir.resolve()), "--cost"]
    try:
        print(last_line("train_imagenet.py", *words), flush=True)
    except UserError as error:
        print(f"the cost of the run cannot be measured here ({error})", flush=True)


if __name__ == "__main__":
    run_main(main)
