"""Describe the input of a trained network (inputs.json), and convert photographs into it."""

import glob
import os
import shlex
from pathlib import Path

import numpy as np

from common import class_names
from common.errors import UserError

from . import batches, cifar, image_files

CIFAR_SIDE = 32  # pixels of CIFAR's images, before blocks are averaged
PREPARED = {  # by the family of a data set
    "cifar": "shorter side 32 by bicubic interpolation, the centre, then the rounded means "
    "of square blocks of pixels",
    "pictures": "shorter side as size by bicubic interpolation, then the centre",
    "imagenet": "shorter side 256/224 of size by bilinear interpolation, then the centre",
}


def describe(dataset, image_size, mean):
    """Return the content of inputs.json.

    dataset: the training set. mean: float32 (3, size, size), or (3,) for a number per channel.
    """
    names = list(dataset.class_names) or class_names.placeholders(dataset.classes)
    return {
        "data": dataset.name,
        "classes": names,
        "shape": [3, image_size, image_size],
        "input": "float32, red, green and blue from 0 to 255, minus the mean",
        "family": dataset.family,
        "prepared": PREPARED[dataset.family],
        "mean": np.round(np.asarray(mean, np.float64), 4).tolist(),
    }


def describe_training(dataset, recipe):
    """Return the content of inputs.json of a run on a set in memory."""
    mean = batches.mean_of(dataset.train_images, recipe.input)
    return describe(dataset, recipe.image_size, mean)


def _conversion(inputs):
    """Return (the shorter side to which a photograph is first resized, the conversion function)."""
    size = inputs["shape"][-1]
    if inputs["family"] == "imagenet":
        from .crops import crops, rule_of

        rule = rule_of("224", size)
        return rule.side, lambda image: crops(image, rule)[0]
    if inputs["family"] == "pictures":
        return size, lambda image: image_files.square(image, size)
    return CIFAR_SIDE, lambda image: cifar.block_average(
        image_files.square(image, CIFAR_SIDE)[None], size
    )[0]


class Reader:
    """Reads photographs for a network. transparent: the paths that were composited on white."""

    def __init__(self, inputs):
        self.side, self._convert = _conversion(inputs)
        mean = np.asarray(inputs["mean"], np.float32)
        self._mean = mean.reshape((3, 1, 1) if mean.ndim == 1 else mean.shape)
        self.transparent = []

    def array(self, image):
        """Return the network's input for a Pillow image in RGB, float32 (3, size, size)."""
        return self._convert(image) - self._mean

    def __call__(self, path):
        """Return (the network's input, None), or (None, why the file cannot be read)."""
        pixels, is_transparent, reason = image_files.attempt(path, self.side, self.array)
        if is_transparent:
            self.transparent.append(path)
        return pixels, reason


def photographs(names):
    """Return (paths of image files, subfolders that are skipped), for files, folders and patterns.

    A name of several words that is no file is split as a shell does: quoted words can have spaces
    (make: PHOTO="'my cat.jpg' b.jpg"). Raises UserError for a missing file and an empty folder.
    """
    paths = []
    skipped = []
    for word in [word for name in names for word in _words(str(name))]:
        place = Path(word)
        matches = [place] if os.path.exists(word) else sorted(map(Path, glob.glob(word)))
        if os.path.isdir(word):
            inside = sorted(path for path in place.iterdir() if path.name[0] != ".")
            matches = [path for path in inside if not path.is_dir()]
            skipped += [path for path in inside if path.is_dir()]
        if not matches:
            fault = "does not exist"
            if os.path.isdir(word):
                fault = "has only folders" if inside else "has no images"
            raise UserError(f"{place} {fault}: name an image, or a folder with images")
        paths += matches
    if not paths:
        raise UserError("no image is named: name an image, or a folder with images")
    return paths, skipped


def _words(name):
    """Split a name into files, folders and patterns, and expand ~."""
    path = os.path.expanduser(name)
    if os.path.exists(path) or glob.glob(path):  # Path.exists() raises OSError for a long list
        return [path]
    try:
        words = shlex.split(name)
    except ValueError:  # an apostrophe
        words = name.split()
    return list(map(os.path.expanduser, words))
