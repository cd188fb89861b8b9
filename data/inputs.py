"""What a trained network wants to see, as inputs.json says it, and a photograph made into that."""

from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError

from . import cifar, image_files

CIFAR_SIDE = 32  # of CIFAR's pictures, before they are averaged to smaller ones
SHOWN_SIDE = 240  # pixels of a photograph's shorter side, at least, beside its classes
PREPARED = {
    "cifar": "shorter side 32 by bicubic interpolation, the centre, then the means of square "
    "blocks of pixels",
    "pictures": "shorter side as size by bicubic interpolation, then the centre",
    "imagenet": "shorter side 256/224 of size by bilinear interpolation, then the centre",
}


def describe(dataset, kind, image_size, mean):
    """What inputs.json holds. dataset: the set that the network was trained on.

    kind: cifar10, cifar100, pictures or imagenet. mean: what is subtracted, float32
    (3, size, size), or (3,) for a number a channel.
    """
    family = kind if kind in PREPARED else "cifar"
    names = list(dataset.class_names) or [f"class {k}" for k in range(dataset.classes)]
    return {
        "data": dataset.name,
        "classes": names,
        "shape": [3, image_size, image_size],
        "input": "float32, red, green and blue from 0 to 255, less the mean",
        "family": family,
        "prepared": PREPARED[family],
        "mean": np.round(np.asarray(mean, np.float64), 4).tolist(),
    }


def array(image, inputs):
    """A Pillow image in RGB as the network wants it: float32 (3, size, size)."""
    size = inputs["shape"][-1]
    if inputs["family"] == "imagenet":
        from .crops import crops, rule_of

        pixels = crops(image, rule_of("224", size))[0]
    elif inputs["family"] == "cifar":
        pixels = cifar.block_average(image_files.square(image, CIFAR_SIDE)[None], size)[0]
    else:
        pixels = image_files.square(image, size)
    mean = np.asarray(inputs["mean"], np.float32)
    return pixels - mean.reshape((3, 1, 1) if mean.ndim == 1 else mean.shape)


def side(inputs):
    """Pixels of the shorter side that array() makes of a photograph first."""
    size = inputs["shape"][-1]
    if inputs["family"] == "imagenet":
        from .crops import rule_of

        return rule_of("224", size).side
    return CIFAR_SIDE if inputs["family"] == "cifar" else size


def photographs(places):
    """Paths of pictures: files, and folders' files in the order of their names.

    A word with spaces that is no file's name is several (make: PHOTO="a.jpg b.jpg"). Raises
    UserError for a folder without pictures.
    """
    named = []
    for place in places:
        named += [place] if Path(place).exists() else place.split()
    paths = []
    for place in map(Path, named):
        if place.is_dir():
            inside = sorted(path for path in place.iterdir() if _is_picture(path))
            if not inside:
                raise UserError(f"{place} holds no pictures: name a picture, or a folder of some")
            paths += inside
        else:
            paths.append(place)
    if not paths:
        raise UserError("no picture was named: name one, or a folder of some")
    return paths


def _is_picture(path):
    known = path.suffix.lower() in Image.registered_extensions()
    return known and not path.name.startswith(".")


def read(path, side):
    """A picture file -> a Pillow image in RGB, its shorter side not made smaller than `side`.

    Raises UserError for what is not there, or no picture.
    """
    try:
        return image_files.read(path, side)
    except FileNotFoundError:
        raise UserError(f"{path} is not there: name a picture, or a folder of some") from None
    except Exception as error:  # a broken file can raise anything
        raise UserError(
            f"{path} cannot be read ({image_files.reason(error, path)}): repair it, or leave it out"
        ) from error
