"""Write a copy of CIFAR-10 whose images are compressed as JPEG of quality 75.

Networks trained on both show what the compression costs.

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
# pixels between the corners of image and blocks: a second compression with the same blocks as a
# first one changes little
SHIFT = 3


def recompressed(image):
    """An image, uint8 (3, 32, 32), after a JPEG whose blocks are moved by SHIFT pixels."""
    padded = np.pad(image, ((0, 0), (SHIFT, 8 - SHIFT), (SHIFT, 8 - SHIFT)), "edge")
    coded = io.BytesIO()
    Image.fromarray(padded.transpose(1, 2, 0)).save(coded, "JPEG", quality=QUALITY)
    side = image.shape[-1]
    decoded = np.asarray(Image.open(coded)).transpose(2, 0, 1)
    return decoded[:, SHIFT : SHIFT + side, SHIFT : SHIFT + side]


def write(source, target):
    """Write the recompressed set. Raises UserError if source and target are the same folder."""
    if Path(source).resolve() == Path(target).resolve():
        raise UserError(f"{target} has the original images: name another folder")
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
