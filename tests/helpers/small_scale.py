"""A scale whose runs take a second, with 11 layers instead of the paper's 1001."""

import sys
from pathlib import Path

import train_cifar
from common.errors import run_main
from paper import scales
from training.recipe import CIFAR


def scale(images):
    """The scale, for images in a folder."""
    recipe = CIFAR.lasting(20, image_size=8, batch_size=20, log_every=5, test_every=10)
    return scales.Scale(recipe, {1001: 11}, Path(images))


def train(images):
    """Run train_cifar.py, whose demo scale is this one."""
    sys.argv[0] = "train_cifar.py"
    scales.SCALES["demo"] = scale(images)
    run_main(train_cifar.main)
