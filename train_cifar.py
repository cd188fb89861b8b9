#!/usr/bin/env python
"""Train a network of the papers on CIFAR-10 or CIFAR-100; every option's default is the papers'
recipe.

    make cifar10-preact1001                       # the usual way; the same command again resumes
    python train_cifar.py preact1001              # the same
    python train_cifar.py preact56 --scale desk   # what a machine without a GPU can do

P1 is 1512.03385, P2 is 1603.05027. Where both are silent, docs/DEVIATIONS.md says what was chosen
and why.
"""

import signal

from common.command import Parser, folder
from common.errors import run_main
from common.files import ROOT
from paper.scales import SCALES, scale_named
from symbols import counts, network_options
from training import fit, options
from training.recipe import CIFAR

DEPTH = 110


def parser():
    made = Parser(__doc__)
    network_options.of_network(made.add_argument_group("network").add_argument, DEPTH)
    add = made.add_argument_group("data").add_argument
    add(
        "--dataset",
        choices=("cifar10", "cifar100", "pictures"),
        default="cifar10",
        help="pictures: your own images, in --data-dir (data/image_folders.py)",
    )
    add(
        "--data-dir",
        type=folder,
        help="folder with the set, or its archive; by default it is downloaded",
    )
    add("--skip-unreadable", action="store_true", help="pictures: leave unreadable files out")
    options.of_recipe(add, CIFAR, "data", augmentation=("crop", "none"))
    options.of_recipe(made.add_argument_group("recipe").add_argument, CIFAR, "recipe")
    options.of_run(made.add_argument_group("this run").add_argument, SCALES)
    return made


def read_options(words=None):
    """(what was typed, its recipe); words are the command line's by default."""
    arguments = options.read(parser(), words)
    images = 45000 if arguments.validation else 50000
    return arguments, options.recipe(arguments, scale_named(arguments.scale).recipe, images)


def main():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too early to save anything
    arguments, recipe = read_options()
    network = network_options.network(arguments, "cifar", DEPTH)

    from data import batches, cifar, download, image_folders, inputs

    dataset = None
    if arguments.dataset == "pictures":  # which alone says how many pictures and classes there are
        dataset = image_folders.load(
            arguments.data_dir, recipe.image_size, arguments.skip_unreadable
        )
        classes = dataset.classes
        test_images = len(dataset.test_images)
        recipe = options.recipe(
            arguments, scale_named(arguments.scale).recipe, len(dataset.train_images)
        )
    else:
        cifar.check_size(recipe.image_size)
        classes = cifar.LAYOUTS[arguments.dataset].classes
        test_images = 10000
    contexts = fit.contexts(arguments)
    symbol = network.symbol(classes, dtype=recipe.dtype)
    if arguments.cost:
        return fit.print_cost(arguments, recipe, symbol, contexts, test_images)
    if dataset is None:
        place = (
            arguments.data_dir
            or scale_named(arguments.scale).data
            or download.fetch(arguments.dataset, ROOT / "data")
        )
        dataset = cifar.load(arguments.dataset, place, recipe.image_size)
    if recipe.validation:
        dataset = cifar.split_validation(dataset, recipe.seed)
    # a folder may have fewer pictures than CIFAR, and an epoch is all of them
    recipe = options.recipe(
        arguments, scale_named(arguments.scale).recipe, len(dataset.train_images)
    )

    def exported():
        mean = batches.mean_of(dataset.train_images, recipe.input)
        return network.symbol(classes), inputs.describe(
            dataset, arguments.dataset, recipe.image_size, mean
        )

    size = fit.test_batch_size(recipe, options.devices(arguments), len(dataset.test_images))
    feed = batches.feed(dataset, recipe, size)
    return fit.fit(
        arguments,
        network.name(arguments.dataset),
        recipe,
        network.settings(),
        dataset,
        symbol,
        contexts,
        feed,
        counts.parameters(symbol, recipe.image_size),
        exported=exported,
    )


if __name__ == "__main__":
    run_main(main)
