"""Which pictures a source folder holds, and their classes.

    train/<class>/*, val/<class>/*       class folders, as n01440764, in both; val: any of TEST
    train/<class>/*, val/*               ILSVRC's own layout, with a list: data/lists.py
    train/<class>/images/*, val/images   Tiny ImageNet as it is downloaded
    <class>/*                            class folders alone (or train/ alone): a tenth is held out

A class folder may hold folders of pictures; hidden files are nobody's.
"""

import os
from collections import namedtuple
from pathlib import Path

from common.errors import UserError
from common.files import absence

from . import lists

HELD_OUT = 10  # one in so many, and at least one of each class, where there is no test folder
TRAIN = ("train", "training")
# the first of these that is there, in this order
TEST = ("val", "valid", "validation", "test", "testing")

# classes: names in order; splits: {"train": [(path, label)], "val": [...]}, paths relative to the
# source;
# notes: lines that a user should see
Listing = namedtuple("Listing", "classes splits notes")


def listing(source, val_list=None):
    """The Listing of a source folder. val_list: a file that names the classes of a flat val/.

    Raises UserError for a layout that is none, a class without pictures, a test folder that does
    not say its classes, and a folder beside train/ that holds pictures of its classes and has no
    name in TEST.
    """
    source = Path(source)
    if not source.is_dir():
        raise UserError(
            f"{source} {absence(source)}: name the one that holds train/ and val/, or the "
            "class folders (make: SOURCE=)"
        )
    train, tests = _split_folders(source)
    classes = _folders(train)
    if len(classes) < 2:
        raise UserError(
            f"{train} has {len(classes)} class folders: it needs one for each class, "
            "and at least two"
        )
    files = {name: _files(train / name, source) for name in classes}
    empty = [name for name in classes if not files[name]]
    if empty:
        raise UserError(
            f"{len(empty)} class folders have no pictures, the first "
            f"{train / empty[0]}: put them there, or remove it"
        )
    if not tests:
        return Listing(classes, _held_out(train, classes, files), [])
    val = tests[0]
    numbers = {name: label for label, name in enumerate(classes)}
    pairs = _test_pairs(source, train, val, numbers, val_list)
    notes = [f"{folder} is not used: the test pictures are those of {val}" for folder in tests[1:]]
    untested = sorted(set(range(len(classes))) - {label for _, label in pairs})
    if untested:
        notes.append(
            f"{len(untested):,} classes have no picture in {val}, the first "
            f"{classes[untested[0]]}: the test error says nothing of them"
        )
    splits = {
        "train": [(path, numbers[name]) for name in classes for path in files[name]],
        "val": pairs,
    }
    return Listing(classes, splits, notes)


def _split_folders(source):
    """(the folder of the training pictures, those of test pictures, the one to use first). Upper
    case is as good as lower."""
    names = _folders(source)
    lower = {name.lower(): name for name in names}
    train = [source / lower[name] for name in TRAIN if name in lower]
    tests = [source / lower[name] for name in TEST if name in lower]
    if not train:
        nested = [folder for folder in tests if _folders(folder)]
        if nested:
            raise UserError(
                f"{source} has {nested[0].name}/ with folders in it, and no train/ "
                "beside it: call the folder of the training pictures train/"
            )
        return source, []  # a class may well be called test
    if len(train) > 1:
        raise UserError(
            f"{source} has both {train[0].name}/ and {train[1].name}/: remove or rename one"
        )
    classes = set(_folders(train[0]))
    for name in names:
        if source / name not in [*train, *tests] and classes & set(_folders(source / name)):
            raise UserError(
                f"{source / name} has pictures of the classes of {train[0].name}/, and "
                "is no folder that is known: rename it val/ to test on it, or move it "
                "elsewhere"
            )
    return train[0], tests


def _held_out(train, classes, files):
    """Splits where every tenth picture of a class is for testing, and the last one of a class of
    fewer."""
    single = [name for name in classes if len(files[name]) < 2]
    if single:
        raise UserError(
            f"{len(single)} classes have one picture only, and none to hold out for "
            f"testing, the first {train / single[0]}: add pictures, remove it, or put "
            "test pictures into a folder val/ beside train/"
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
    flat = folders == ["images"] and "images" not in numbers
    unknown = [name for name in folders if name not in numbers]
    if unknown and not flat:
        raise UserError(f"{val / unknown[0]} is no class of {train}: rename or remove that folder")
    if flat:
        return lists.labelled(
            val, _files(images, source), lists.find(source, val, val_list), numbers
        )
    pairs = [(path, numbers[name]) for name in folders for path in _files(val / name, source)]
    known = {*lists.LISTS, Path(val_list or lists.LISTS[0]).name}
    loose = sorted(
        entry.name
        for entry in os.scandir(val)
        if entry.is_file() and entry.name not in known and entry.name[0] != "."
    )
    if pairs and loose:
        raise UserError(
            f"{val} has {len(loose):,} files beside its class folders, the first "
            f"{loose[0]}: move them into their classes, or remove them"
        )
    if pairs:
        return pairs
    names = _files(val, source)
    if not names:
        raise UserError(
            f"{val} is empty: put the test pictures there, or remove it to hold out "
            f"every tenth of {train.name}/"
        )
    return lists.labelled(val, names, lists.find(source, val, val_list), numbers)


def _folders(folder):
    """Names of the folders in a folder, sorted, but for hidden ones."""
    return sorted(
        entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."
    )


def _files(folder, source):
    """Every file in a folder and below it but hidden ones: whatever is no picture must be seen and
    said."""
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
