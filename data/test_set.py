"""The images on which score.py tests a network, with the labels of the network's own classes."""

import os
import re
import textwrap
from pathlib import Path

import numpy as np

from common import class_names
from common.errors import UserError
from common.files import IMAGENET_DATA

from . import batches, cifar, crops, folders, image_files, image_folders, imagenet, records

BATCH = 128  # images in a batch, over all devices
USUAL = "224"  # the center crop of 224
WHOLE = "whole"  # CIFAR's images are not cropped


def load(settings, folder, skip_unreadable=False):
    """Return the data set of a run's recipe: a cifar.Dataset, or a records.Set for ImageNet.

    settings: dataset, image_size and, if known, data (the fingerprint of the training set),
    validation and seed. folder: None is the folder where the training scripts look. All images of a
    folder of class folders are test images, unless it is the training set itself.
    """
    if settings["dataset"] == "imagenet":
        folder = Path(folder or IMAGENET_DATA)
        is_prepared = any([*folder.glob("*.rec*"), *folder.glob("set.json")])
        if not is_prepared and any(folder.glob("*/*")):
            return _of_image_files(folder, settings["image_size"], skip_unreadable)
        if skip_unreadable:
            raise UserError(f"{folder} has no image files: leave out --skip-unreadable")
        return imagenet.load(folder)
    if settings["dataset"] == "pictures":
        fingerprint = settings.get("data", "")
        dataset = image_folders.load(folder, settings["image_size"], skip_unreadable, fingerprint)
    else:
        dataset = cifar.load(settings["dataset"], folder, settings["image_size"])
    if settings.get("validation") and is_training_set(dataset, settings):
        return cifar.split_validation(dataset, settings["seed"])
    return dataset


def imagenet_without_images(class_names):
    """Return ImageNet as a records.Set with the names of its classes alone."""
    return records.Set("ImageNet", len(class_names), None, None, None, [], [], class_names)


def is_training_set(dataset, settings):
    """Return whether a data set is that of the recipe; True if the recipe's is unknown."""
    return settings.get("data", dataset.fingerprint) == dataset.fingerprint


def qualifier(dataset, folder):
    """Return ' on val (50 images) in b' for the folder b/val: folders can have the same name."""
    parent = os.path.relpath(folder.resolve().parent) if folder else "."
    return f" on {dataset.name}" + ("" if parent == "." else f" in {parent}")


def rules(crop, dataset):
    """Return the rules of a test: names of crops.RULES, as in --crop; for CIFAR, WHOLE.

    Raises UserError for a rule that does not exist.
    """
    if dataset != "imagenet":
        if crop:
            raise UserError(f"--crop {crop} is for ImageNet: leave it out, CIFAR has no crops")
        return [WHOLE]
    names = (crop or USUAL).split(",")
    if not set(names) <= set(crops.RULES):
        raise UserError(f"--crop {crop}: choose from {', '.join(crops.RULES)}")
    return names


def suffix(rule, qualifier):
    """Return the end of the names of a test's files."""
    parts = [] if rule in (WHOLE, USUAL) else [rule]
    parts += re.findall(r"\w+", qualifier)
    return "".join(f"-{part}" for part in parts)


class ImageFiles:
    """Image files in place of records.Records, for a network of ImageNet."""

    def __init__(self, folder, pairs):
        """pairs: [(path below the folder, label)]."""
        self._paths = [folder / path for path, _ in pairs]
        self.labels = np.array([label for _, label in pairs], np.float32)

    def __len__(self):
        return len(self._paths)

    def image(self, sample):
        return self._paths[sample].read_bytes()

    def corrupt(self, sample):
        return UserError(f"{self._paths[sample]} cannot be read: repair or remove it")


def _of_image_files(folder, image_size, skip_unreadable):
    listing = folders.listing(folder, is_tested=True)
    pairs = listing.splits["val"]
    if listing.is_held_out:
        pairs = sorted(listing.splits["train"] + pairs)
    listing = listing._replace(splits={"val": pairs})
    attempts = image_files.attempts(folder, pairs, image_size, lambda image: None, "check")
    unreadable = {path: reason for (path, _), (*_, reason) in zip(pairs, attempts) if reason}
    pairs = folders.readable(folder, listing, unreadable, skip_unreadable, is_tested=True)["val"]
    folders.print_untested(listing.classes, [label for _, label in pairs])
    names = tuple(image_files.printable(name) for name in listing.classes)
    title = f"{image_files.printable(folder.resolve().name)} ({len(pairs):,} images)"
    images = ImageFiles(folder, pairs)
    return records.Set(title, len(names), None, None, None, [], images, names)


def for_classes(dataset, names, count, network):
    """Return the data set with the labels of a network.

    names: of the network's classes, () if unknown; count: their number; network: its name, for
    messages. Raises UserError for a set with other classes.
    """
    own = class_names.known(dataset.class_names)
    if not own or not names:
        if dataset.classes != count:
            raise UserError(
                f"{network} has {count:,} classes, and {dataset.name} has {dataset.classes:,}: "
                "name a set with its classes (--data-dir; make: DATA=)"
            )
        return dataset
    if own == tuple(names):
        return dataset
    unknown = sorted(set(own) - set(names))
    if unknown:
        raise UserError(
            f"{network} does not know {len(unknown):,} classes of {dataset.name} "
            f"({_shortened(unknown)}); its own are {_shortened(names)}: name a set with its "
            "classes (--data-dir; make: DATA=)"
        )
    repeated = [name for name in own if names.count(name) > 1]
    if repeated:
        raise UserError(
            f"{network} has several classes called {repeated[0]}, and {dataset.name} has another "
            "list of classes: name a set with the same list (--data-dir; make: DATA=)"
        )
    labels = np.array([names.index(name) for name in own])
    if hasattr(dataset, "test_labels"):
        return dataset._replace(test_labels=labels[dataset.test_labels], class_names=names)
    dataset.test_images.labels = labels[dataset.test_images.labels.astype(int)].astype(np.float32)
    return dataset._replace(class_names=names)


def mean(dataset, settings, weights, described):
    """Return what training subtracted from the images: float32, (3, size, size), ImageNet: (3,).

    settings: of the recipe, or with the mean itself. weights: training.weights.Weights. described:
    the network's inputs.json, None without one. Raises UserError if the mean is unknown.
    """
    is_same = is_training_set(dataset, settings)
    if "mean" in settings:
        return np.array(settings["mean"], np.float32)
    if described and not (weights.run and is_same):
        return np.array(described["mean"], np.float32)
    kind = settings.get("input") or "mean"
    if settings["dataset"] == "imagenet":
        known = dataset.mean if is_same else None
    else:
        is_known = kind == "raw" or (is_same and len(dataset.train_images))
        known = batches.mean_of(dataset.train_images, kind) if is_known else None
    if known is None:
        raise UserError(
            f"the mean of {weights.name}'s training set is unknown: let its run finish, or write "
            "inputs.json by make export, with the training set as DATA="
        )
    return known


def iterator(dataset, settings, rule, mean, devices):
    """Return the test set for training.evaluate. rule: whole, or one of crops.RULES."""
    size = BATCH // devices * devices
    if rule not in crops.RULES:
        return batches.TestBatches(dataset.test_images, dataset.test_labels, mean, size)
    if crops.RULES[rule].crops > 1:
        size = 16 * devices
    return crops.TestCrops(dataset.test_images, mean, size, settings["image_size"], rule)


def _shortened(names):
    return textwrap.shorten(", ".join(names), 60, placeholder=" ...")
