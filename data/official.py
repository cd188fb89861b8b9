"""CIFAR-10 and CIFAR-100 for the training scripts: from a folder, or downloaded."""

import numpy as np

from common.files import ROOT

from . import cifar, download

IMAGES = (50000, 10000)  # for training and testing


def load(dataset, folder, image_size, measured=False):
    """Return the cifar.Dataset of cifar10 or cifar100.

    folder: that of the set; None: it is downloaded. measured: the run is measured, not trained, and
    without a folder black images are enough.
    """
    if folder is None and measured:
        return _black(dataset, image_size)
    return cifar.load(dataset, folder or download.fetch(dataset, ROOT / "data"), image_size)


def _black(dataset, image_size):
    """Return as many black images as the official set has."""
    cifar.check_size(image_size)
    layout = cifar.LAYOUTS[dataset]
    arrays = []
    for count in IMAGES:
        arrays.append(np.zeros((count, 3, image_size, image_size), np.uint8))
        arrays.append(np.zeros(count, np.uint8))
    return cifar.Dataset(layout.title, layout.classes, *arrays, fingerprint="")
