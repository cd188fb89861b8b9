"""Find the images of a source folder, and their classes.

    train/<class>/*, val/<class>/*       class folders, as n01440764; val/ may have any name in TEST
    training_set/<class>/*, test_set/... names with words train*, and val* or test*
    train/<class>/*, val/*               ILSVRC's layout, with a list: data/lists.py
    train/<class>/images/*, val/images   Tiny ImageNet's layout
    <class>/*                            class folders alone (or train/ alone): a tenth is held out

A class folder may have subfolders. Hidden files are ignored.
"""

import os
import re
from collections import namedtuple
from glob import escape, iglob
from itertools import chain, combinations
from pathlib import Path

from common.errors import UserError
from common.files import absence

from . import lists

IMAGES = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
OF_WINDOWS = ("Thumbs.db", "desktop.ini")  # files of its file manager
NAMED = 10  # unreadable files that a message names
HELD_OUT = 10  # without a test set, one image in ten is held out, and at least one of each class
TRAIN = ("train", "training")
TEST = ("val", "valid", "validation", "test", "testing")  # the first that exists is used

# classes: names in order; splits: {"train": [(path, label)], "val": [...]}, paths relative to the
# source; is_held_out: whether "val" is a tenth of a training set
Listing = namedtuple("Listing", "classes splits is_held_out")


def listing(source, is_tested=False):
    """Return the Listing of a source folder. Prints which images are not used.

    is_tested: the source may be a test set alone, with any number of classes and images. Raises
    UserError for an unknown layout, a class without images, and a test folder without classes.
    """
    source = Path(source)
    if not source.is_dir():
        raise UserError(
            f"{source} {absence(source)}: name the folder with train/ and val/, or with class "
            "folders (make: SOURCE=)"
        )
    train, tests = _split_folders(source, is_tested)
    classes = _folders(train)
    if len(classes) < (1 if is_tested else 2):
        raise UserError(
            f"{train} has {len(classes)} class folders: it needs one for each class, and at least "
            "two"
        )
    _print_unused(source, train, tests)
    files = [_files(train / name, source) for name in classes]
    if not all(files):
        empty = classes[files.index([])]
        raise UserError(f"{train / empty} has no images: add images, or remove the folder")
    pairs = [[(path, label) for path in paths] for label, paths in enumerate(files)]
    if not tests:
        _check_are_classes(train, dict(zip(classes, files)))
        few = [name for name, paths in zip(classes, files) if len(paths) < 2]
        if few and not is_tested:
            raise UserError(
                f"{len(few)} classes have a single image, which cannot be held out for testing, "
                f"the first {train / few[0]}: add images, remove the class, or put test images "
                "into a folder val/ beside train/"
            )
        return Listing(classes, _held_out(pairs), True)
    val = tests[0]
    tested = _test_pairs(source, train, val, classes)
    for folder in tests[1:]:
        print(f"{folder} is not used: {val} has the test images")
    return Listing(classes, {"train": list(chain(*pairs)), "val": tested}, False)


def print_untested(classes, labels):
    """Print how many classes are not among the labels of the test images, after unreadable files
    have been left out.
    """
    untested = sorted(set(range(len(classes))) - set(labels))
    if untested:
        print(
            f"{len(untested):,} classes have no test image, the first {classes[untested[0]]}: the "
            "test error does not include them"
        )


def _print_unused(source, train, tests):
    """Print how many images are outside the class folders of train and outside the test folders."""
    patterns = {source: "*", train: "*"}
    if train != source:
        used = {path.relative_to(source).parts[0] for path in (train, *tests)}
        patterns.update({source / name: "**" for name in _folders(source) if name not in used})
    for folder, pattern in patterns.items():
        paths = iglob(f"{escape(str(folder))}/{pattern}", recursive=True)  # without hidden files
        count = sum(path.lower().endswith(IMAGES) and os.path.isfile(path) for path in paths)
        if count:
            print(
                f"{folder} has {count:,} images that are not used: they are outside the class "
                f"folders of {train.name}/"
            )


def _held_out(classes):
    """Return splits with every tenth image of a class for testing, or the last one of fewer images.

    classes: [(path, label)] of each class.
    """
    splits = {"train": [], "val": []}
    for pairs in classes:
        period = min(HELD_OUT, len(pairs))
        for i, pair in enumerate(pairs):
            splits["val" if i % period == period - 1 else "train"].append(pair)
    return splits


def _split_folders(source, is_tested):
    """Return (the training folder, [the test folders in the order of TEST])."""
    names = _folders(source)
    train = [name for name in names if name.lower() in TRAIN]
    tests = [name for word in TEST for name in names if name.lower() == word]
    nested = [name for name in tests if _folders(source / name)]
    if not tests:  # a class can have the name train, as in VOC, COCO and CIFAR-100
        train = [name for name in train if _folders(source / name)]
    if not train and not nested:
        train, tests = _similar_folders(source, names)
    if not train and nested and is_tested:
        return _unwrapped(source / nested[0]), []
    if not train and nested:
        raise UserError(
            f"{source} has {nested[0]}/ with folders in it, and no train/ beside it: rename the "
            "folder of the training images to train/"
        )
    if not train:
        return _unwrapped(source), []  # a class can have the name test
    classes = _classes(source, train[0])
    for name in names:
        if name not in [train[0], *tests] and classes & set(_folders(source / name)):
            raise UserError(
                f"{source / name} has images of the classes of {train[0]}/, and an unknown name: "
                "rename it to val/ to test on it, or move it elsewhere"
            )
    return _unwrapped(source / train[0]), [_unwrapped(source / name) for name in tests]


def _similar_folders(source, names):
    """Return ([training folder], [test folders]) with names such as training_set and seg_test.

    Both lists are empty unless one folder is the training set, and others have its classes.
    """
    train = [name for name in names if _begins(name, "train")]
    if len(train) != 1:
        return [], []
    tests = [
        name
        for beginning in ("val", "test")
        for name in names
        if _begins(name, beginning) and _classes(source, train[0]) & _classes(source, name)
    ]
    return (train, tests) if tests else ([], [])


def _begins(name, beginning):
    """Return whether a word in a folder's name begins with a text."""
    return any(word.startswith(beginning) for word in re.split("[^a-z]+", name.lower()))


def _classes(source, name):
    return set(_folders(_unwrapped(source / name)))


def _unwrapped(folder):
    """Return the innermost folder of seg_train/seg_train, as some archives have it."""
    while [name for name in os.listdir(folder) if name[0] != "."] == [folder.name]:
        if not (folder / folder.name).is_dir():
            break
        folder = folder / folder.name
    return folder


def _check_are_classes(folder, files):
    """Raise UserError for class folders that look like a training and a test set.

    They look like sets if two of them have the same subfolders, or if all have names of sets.
    files: {class: its files}.
    """
    inner = {
        name: {Path(path).parent.name for path in paths} - {name} for name, paths in files.items()
    }
    pairs = [pair for pair in combinations(files, 2) if len(inner[pair[0]] & inner[pair[1]]) > 1]
    train = [name for name in files if _begins(name, "train")]
    others = [name for name in files if _begins(name, "val") or _begins(name, "test")]
    if train and others and len(train) + len(others) == len(files):
        pairs.append((train[0], others[0]))
    if pairs:
        raise UserError(
            f"{pairs[0][0]}/ and {pairs[0][1]}/ in {folder} look like a training and a test set, "
            "not like classes: rename them to train/ and val/, with a folder for each class in "
            "both; if they are classes, rename one, or move their images out of the subfolders"
        )


def _test_pairs(source, train, val, classes):
    """Return [(path, label)] of the test folder, by its class folders or by a list."""
    numbers = {name: label for label, name in enumerate(classes)}
    names = _folders(val)
    flat = val
    if names == ["images"] and "images" not in numbers:  # as in Tiny ImageNet
        flat = val / "images"
        names = []
    unknown = [name for name in names if name not in numbers]
    if unknown:
        raise UserError(
            f"{val / unknown[0]} is not a class of {train}: rename or remove that folder"
        )
    pairs = [(path, numbers[name]) for name in names for path in _files(val / name, source)]
    if not pairs:
        paths = _files(flat, source)
        if not paths:
            raise UserError(
                f"{val} is empty: add the test images, or remove it to hold out every tenth of "
                f"{train.name}/"
            )
        return lists.labelled(val, paths, lists.find(source, train, val), numbers)
    known = {*names, *lists.LISTS, *OF_WINDOWS}
    loose = [name for name in os.listdir(val) if name[0] != "." and name not in known]
    if loose:
        raise UserError(
            f"{val} has {len(loose):,} files beside its class folders, the first {min(loose)}: "
            "move them into their classes, or remove them"
        )
    return pairs


def readable(source, listing, unreadable, skip_unreadable, is_tested=False):
    """Return the splits without unreadable files. unreadable: {path: reason}.

    Raises UserError if there are unreadable files, unless they are skipped; if none remains in the
    test set; and if none remains in a class for training, unless the set is only tested.
    """
    if not unreadable:
        return listing.splits
    reasons = [f"{path}: {reason}" for path, reason in unreadable.items()]
    if len(reasons) > NAMED:
        reasons[NAMED:] = [f"{len(reasons) - NAMED:,} more"]
    reasons = "; ".join(reasons)
    summary = f"{len(unreadable):,} files in {source} cannot be read ({reasons})"
    if not skip_unreadable:
        raise UserError(
            f"{summary}: repair or remove them, or leave them out with --skip-unreadable (make: "
            "ARGS=--skip-unreadable)"
        )
    splits = {
        split: [pair for pair in pairs if pair[0] not in unreadable]
        for split, pairs in listing.splits.items()
    }
    lost = set()
    if not is_tested:
        lost = {label for _, label in listing.splits["train"]}
        lost -= {label for _, label in splits["train"]}
    if lost or not splits["val"]:
        what = f"train image of {listing.classes[min(lost)]}" if lost else "test image"
        raise UserError(f"no {what} can be read; {summary}: repair or replace them")
    print(f"{summary}: left out")
    return splits


def _folders(folder):
    """Return sorted names of the folders in a folder, without hidden ones.

    Runs and prepared sets, which have a lock file, are left out.
    """
    return sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and entry.name[0] != "." and not os.path.exists(f"{entry.path}/.lock")
    )


def _files(folder, source):
    """Return every file in a folder and below it, without hidden ones. A file that is not an image
    is reported when it is read.
    """
    names = sorted(os.path.relpath(path, source) for path in _below(folder))
    if any("\n" in name or "\r" in name for name in names):  # a name is one line of a list
        raise UserError(f"{folder} has a file with a line break in its name: rename it")
    return names


def _below(folder):
    boxes = f"{Path(folder).name}_boxes.txt"  # Tiny ImageNet's, in each class folder
    for entry in os.scandir(folder):
        if entry.name[0] == "." or entry.name in (boxes, *OF_WINDOWS):
            continue
        if entry.is_dir():
            yield from _below(entry.path)
        else:
            yield entry.path
