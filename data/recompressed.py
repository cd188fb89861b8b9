"""A copy of a CIFAR-10 whose pictures went once more through JPEG of quality 75: what that costs a
network says something of what such pictures cost it in the first place.

    python -m data.recompressed data/cifar10 data/cifar10-recompressed     # 184 MB, half a minute
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from common.command import Parser, folder, new_folder
from common.errors import UserError, run_main

from . import cifar, layouts

QUALITY = 75
# pixels between the corners of picture and blocks: a second compression in the very blocks of a
# first one finds little that is left to lose
SHIFT = 3


def recompressed(picture):
    """uint8 (3, 32, 32) -> the same through JPEG, its blocks moved by SHIFT pixels."""
    padded = np.pad(picture, ((0, 0), (SHIFT, 8 - SHIFT), (SHIFT, 8 - SHIFT)), "edge")
    coded = io.BytesIO()
    Image.fromarray(padded.transpose(1, 2, 0)).save(coded, "JPEG", quality=QUALITY)
    side = picture.shape[-1]
    decoded = np.asarray(Image.open(coded)).transpose(2, 0, 1)
    return decoded[:, SHIFT : SHIFT + side, SHIFT : SHIFT + side]


def write(source, target):
    """Write a CIFAR-10 of a folder anew, recompressed. Raises UserError for a source that is none,
    and for a target that is the source."""
    if Path(source).resolve() == Path(target).resolve():
        raise UserError(f"{target} holds the pictures themselves: name another folder")
    dataset = cifar.load("cifar10", source)
    parts = [
        *zip(np.split(dataset.train_images, 5), np.split(dataset.train_labels, 5)),
        (dataset.test_images, dataset.test_labels),
    ]
    coded = (
        (np.stack([recompressed(image) for image in images]), labels) for images, labels in parts
    )
    title = f"{dataset.name}, once more through JPEG q{QUALITY}"
    layouts.write(Path(target), coded, dataset.class_names, title)


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("source", type=folder, help="with CIFAR-10")
    parser.add_argument("target", type=new_folder)
    arguments = parser.parse_args()
    write(arguments.source, arguments.target)


if __name__ == "__main__":
    run_main(main)
