#!/usr/bin/env python
"""Train a network of the papers on CIFAR-10, CIFAR-100 or your own images. The defaults are the
papers' recipe.

    make cifar10-preact1001                       # the usual way; re-run it to resume
    .venv/bin/python train_cifar.py preact1001    # the same
    make cifar10-preact56 SCALE=desk              # for a machine without a GPU

P1 is 1512.03385, P2 is 1603.05027. docs/DEVIATIONS.md explains the choices that neither paper specifies.
"""

from common.command import Parser, folder
from common.errors import UserError, run_main
from paper.scales import SCALES
from symbols import counts, network_options
from training import options
from training.recipe import CIFAR


def parser():
    cifar_parser = Parser(__doc__)
    network_options.add_network_options(cifar_parser.add_argument_group("network").add_argument)
    add = cifar_parser.add_argument_group("data").add_argument
    add(
        "--dataset",
        choices=("cifar10", "cifar100", "pictures"),
        default="cifar10",
        help="pictures: your own images in --data-dir (data/image_folders.py)",
    )
    add("--data-dir", type=folder, help="folder or archive of the set (the set is downloaded)")
    add("--skip-unreadable", action="store_true", help="pictures: leave out unreadable files")
    options.add_recipe_options(add, CIFAR, "data", augmentation=("crop", "none"))
    options.add_recipe_options(add, CIFAR, "cifar")
    add = cifar_parser.add_argument_group("recipe").add_argument
    options.add_recipe_options(add, CIFAR, "recipe")
    options.add_run_options(cifar_parser.add_argument_group("this run").add_argument, SCALES)
    return cifar_parser


def recipe_for(arguments, image_count):
    """Return the Recipe for a number of training images."""
    return options.recipe(arguments, SCALES[arguments.scale].recipe, image_count)


def load(arguments, size):
    """Return the data set that the options name. size: of the images."""
    from data import cifar, image_folders

    scale = SCALES[arguments.scale]
    if arguments.skip_unreadable and arguments.dataset != "pictures":
        raise UserError("--skip-unreadable is for --dataset pictures: leave it out")
    if arguments.dataset == "pictures":
        dataset = image_folders.load(arguments.data_dir, size, arguments.skip_unreadable)
    else:
        place = arguments.data_dir or scale.data
        dataset = cifar.load(arguments.dataset, place, size, for_cost=bool(arguments.cost))
    if arguments.validation:
        return cifar.split_validation(dataset, arguments.seed or 0)
    return dataset


def main():
    arguments = options.read(parser())
    size = arguments.image_size or SCALES[arguments.scale].recipe.image_size
    network = network_options.network(arguments, "cifar", size)
    network.symbol(2, image_size=size)  # an invalid variant is rejected before a download
    dataset = load(arguments, size)
    recipe = recipe_for(arguments, len(dataset.train_images))
    symbol = network.symbol(dataset.classes, dtype=recipe.dtype, image_size=size)

    from data import batches, inputs
    from training.job import Job, run_job

    def exported():
        described = inputs.describe_training(dataset, recipe)
        return network.symbol(dataset.classes, image_size=size), described

    job = Job(
        name=network.name(arguments.dataset),
        recipe=recipe,
        symbol=symbol,
        network=network.settings(),
        parameters=counts.parameters(symbol, recipe.image_size),
        dataset=dataset,
        feed=batches.feed(dataset, recipe),
        exported=exported,
    )
    return run_job(job, arguments)


if __name__ == "__main__":
    run_main(main)
