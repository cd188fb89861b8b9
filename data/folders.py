"""Find the images of a source folder, and their classes.

    train/<class>/*, val/<class>/*       class folders, as n01440764, in both; val: any of TEST
    training_set/<class>/*, test_set/... names that begin with train, and with val or test
    train/<class>/*, val/*               ILSVRC's layout, with a list: data/lists.py
    train/<class>/images/*, val/images   Tiny ImageNet's layout
    <class>/*                            class folders alone (or train/ alone): a tenth is held out

A class folder may have subfolders. Hidden files are ignored.
"""

import os
import re
from collections import namedtuple
from itertools import combinations
from pathlib import Path

from common.errors import UserError
from common.files import absence

from . import lists

HELD_OUT = 10  # without a test set, one image in ten is held out, and at least one of each class
TRAIN = ("train", "training")
TEST = ("val", "valid", "validation", "test", "testing")  # the first that exists is used

# classes: names in order; splits: {"train": [(path, label)], "val": [...]}, paths relative to the
# source; notes: messages for the user; is_held_out: whether "val" is a tenth of a training set
Listing = namedtuple("Listing", "classes splits notes is_held_out")


def listing(source, val_list=None, is_tested=False):
    """The Listing of a source folder.

    val_list: a file with the classes of a flat val/. is_tested: the source may be a test set
    alone, with any number of classes and images. Raises UserError for an unknown layout, a class
    without images, and a test folder without classes.
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
    files = {name: _files(train / name, source) for name in classes}
    empty = [name for name in classes if not files[name]]
    if empty:
        raise UserError(
            f"{len(empty)} class folders have no images, the first {train / empty[0]}: add images, "
            "or remove the folder"
        )
    if not tests:
        _check_are_classes(train, files)
        return Listing(classes, _held_out(train, classes, files, is_tested), [], True)
    val = tests[0]
    numbers = {name: label for label, name in enumerate(classes)}
    pairs = _test_pairs(source, train, val, numbers, val_list)
    notes = [f"{folder} is not used: {val} has the test images" for folder in tests[1:]]
    untested = sorted(set(range(len(classes))) - {label for _, label in pairs})
    if untested:
        notes.append(
            f"{len(untested):,} classes have no image in {val}, the first "
            f"{classes[untested[0]]}: the test error does not include them"
        )
    splits = {
        "train": [(path, numbers[name]) for name in classes for path in files[name]],
        "val": pairs,
    }
    return Listing(classes, splits, notes, False)


def _split_folders(source, is_tested):
    """(the training folder, [the test folders in the order of TEST])."""
    names = _folders(source)
    train = [name for name in names if name.lower() in TRAIN]
    tests = [name for word in TEST for name in names if name.lower() == word]
    nested = [name for name in tests if _folders(source / name)]
    if not train and not nested:
        train, tests = _similar_folders(source, names)
    if not train:
        if not nested:
            return _unwrapped(source), []  # a class can have the name test
        if is_tested:
            return _unwrapped(source / nested[0]), []
        raise UserError(
            f"{source} has {nested[0]}/ with folders in it, and no train/ beside it: rename the "
            "folder of the training images to train/"
        )
    if len(train) > 1:
        raise UserError(f"{source} has both {train[0]}/ and {train[1]}/: remove or rename one")
    classes = set(_folders(_unwrapped(source / train[0])))
    for name in names:
        if name not in [*train, *tests] and classes & set(_folders(source / name)):
            raise UserError(
                f"{source / name} has images of the classes of {train[0]}/, and an unknown name: "
                "rename it to val/ to test on it, or move it elsewhere"
            )
    return _unwrapped(source / train[0]), [_unwrapped(source / name) for name in tests]


def _similar_folders(source, names):
    """([training folder], [test folders]) with names such as training_set and seg_test.

    Both lists are empty unless one folder is the training set, and others have its classes.
    """
    train = [name for name in names if _begins(name, "train")]
    if len(train) != 1:
        return [], []
    classes = set(_folders(_unwrapped(source / train[0])))
    tests = [
        name
        for beginning in ("val", "test")
        for name in names
        if _begins(name, beginning) and classes & set(_folders(_unwrapped(source / name)))
    ]
    return (train, tests) if tests else ([], [])


def _begins(name, beginning):
    """Whether a word in a folder's name begins so."""
    return any(word.startswith(beginning) for word in re.split("[^a-z]+", name.lower()))


def _unwrapped(folder):
    """The innermost folder of seg_train/seg_train, as some archives have it."""
    while [name for name in os.listdir(folder) if name[0] != "."] == [folder.name]:
        if not (folder / folder.name).is_dir():
            break
        folder = folder / folder.name
    return folder


def _check_are_classes(folder, files):
    """Raises UserError for class folders that look like a training and a test set.

    Sets have the same subfolders, or no name but train and test. files: {class: its files}.
    """
    inner = {
        name: {Path(path).parent.name for path in paths} - {name} for name, paths in files.items()
    }
    nested = [name for name in files if len(inner[name]) > 1]
    pairs = [pair for pair in combinations(nested, 2) if len(inner[pair[0]] & inner[pair[1]]) > 1]
    train = [name for name in files if _begins(name, "train")]
    others = [name for name in files if _begins(name, "val") or _begins(name, "test")]
    if train and others and len(train) + len(others) == len(files):
        pairs.append((train[0], others[0]))
    if pairs:
        raise UserError(
            f"{pairs[0][0]}/ and {pairs[0][1]}/ in {folder} look like a training and a test set, "
            "not like classes: rename them to train/ and val/, with a folder for each class in "
            "both; if they are classes, move their images out of the subfolders"
        )


def _held_out(train, classes, files, is_tested):
    """Splits with every tenth image of a class for testing, or the last one of fewer images."""
    single = [name for name in classes if len(files[name]) < 2]
    if single and not is_tested:
        raise UserError(
            f"{len(single)} classes have a single image, which cannot be held out for testing, "
            f"the first {train / single[0]}: add images, remove the class, or put test images "
            "into a folder val/ beside train/"
        )
    splits = {"train": [], "val": []}
    for label, name in enumerate(classes):
        period = min(HELD_OUT, len(files[name]))
        for i, path in enumerate(files[name]):
            splits["val" if i % period == period - 1 else "train"].append((path, label))
    return splits


def _test_pairs(source, train, val, numbers, val_list):
    """[(path, label)] of the test folder, by its class folders or by a list."""
    folders = _folders(val)
    images = val / "images"  # as in Tiny ImageNet
    is_flat = folders == ["images"] and "images" not in numbers
    unknown = [name for name in folders if name not in numbers]
    if is_flat:
        names = _files(images, source)
        return lists.labelled(val, names, lists.find(source, train, val, val_list), numbers)
    if unknown:
        raise UserError(f"{val / unknown[0]} is no class of {train}: rename or remove that folder")
    pairs = [(path, numbers[name]) for name in folders for path in _files(val / name, source)]
    known = {*lists.LISTS, Path(val_list or lists.LISTS[0]).name}
    loose = sorted(
        entry.name
        for entry in os.scandir(val)
        if entry.is_file() and entry.name not in known and entry.name[0] != "."
    )
    if pairs and loose:
        raise UserError(
            f"{val} has {len(loose):,} files beside its class folders, the first {loose[0]}: move "
            "them into their classes, or remove them"
        )
    if pairs:
        return pairs
    names = _files(val, source)
    if not names:
        raise UserError(
            f"{val} is empty: add the test images, or remove it to hold out every tenth of "
            f"{train.name}/"
        )
    return lists.labelled(val, names, lists.find(source, train, val, val_list), numbers)


def _folders(folder):
    """Sorted names of the folders in a folder, without hidden ones."""
    return sorted(
        entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."
    )


def _files(folder, source):
    """Every file in a folder and below it, without hidden ones. A file that is not an image is
    reported when it is read."""
    names = sorted(os.path.relpath(path, source) for path in _below(folder))
    if any("\n" in name or "\r" in name for name in names):
        raise UserError(
            f"{folder} has a file with a line break in its name, which no list can hold: rename it"
        )
    return names


def _below(folder):
    boxes = f"{Path(folder).name}_boxes.txt"  # Tiny ImageNet's, in each class folder
    for entry in os.scandir(folder):
        if entry.name[0] == "." or entry.name == boxes:
            continue
        if entry.is_dir():
            yield from _below(entry.path)
        else:
            yield entry.path
