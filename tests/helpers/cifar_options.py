"""Options of train_cifar.py and the recipe that follows from them."""

import train_cifar
from training import options


def read_options(words):
    """Return (options, Recipe) for as many images as CIFAR has."""
    arguments = options.read(train_cifar.parser(), words)
    images = 45000 if arguments.validation else 50000
    return arguments, train_cifar.recipe_for(arguments, images)
