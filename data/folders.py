"""Which pictures a source folder holds, and their classes.

    train/<class>/*, val/<class>/*      class folders, as n01440764, in both
    train/<class>/*, val/*              ILSVRC's own layout, with a list of val's classes: LISTS, or --val-list
    <class>/*                           class folders alone (or train/ without val/): every tenth picture is held out for testing
"""
import os
from pathlib import Path

from common.errors import UserError

HELD_OUT = 10  # one in so many, where there is no val/
LISTS = ("ILSVRC2012_validation_ground_truth.txt", "LOC_val_solution.csv", "val.txt")


def listing(source, val_list=None):
    """(classes, {"train": [(path, label)], "val": [...]}) of a source folder; paths are relative to it.

    Raises UserError for a layout that is none, a class without pictures, and a val/ that does not say its classes.
    """
    source = Path(source)
    train = source / "train"
    if not source.is_dir():
        raise UserError(f"{source} is no folder: name the one that holds train/ and val/, or the class folders (make: SOURCE=)")
    train = train if train.is_dir() else source
    classes = sorted(entry.name for entry in os.scandir(train) if entry.is_dir() and not entry.name.startswith("."))
    if len(classes) < 2:
        raise UserError(f"{train} has {len(classes)} class folders: it needs one for each class, and at least two")
    files = {name: _files(train / name, source) for name in classes}
    empty = [name for name in classes if not files[name]]
    if empty:
        raise UserError(f"{len(empty)} class folders have no pictures, the first {train / empty[0]}: put them there, or remove it")
    val = source / "val"
    if train == source or not val.is_dir():
        splits = {"train": [], "val": []}
        for label, name in enumerate(classes):
            for i, path in enumerate(files[name]):
                splits["val" if i % HELD_OUT == HELD_OUT - 1 else "train"].append((path, label))
        if not splits["val"]:
            raise UserError(f"{source} has no val/, and no class has {HELD_OUT} pictures of which one could be held out")
        return classes, splits
    numbers = {name: label for label, name in enumerate(classes)}
    folders = sorted(entry.name for entry in os.scandir(val) if entry.is_dir() and not entry.name.startswith("."))
    unknown = [name for name in folders if name not in numbers]
    if unknown:
        raise UserError(f"{val / unknown[0]} is no class of {train}: rename or remove that folder")
    pairs = [(path, numbers[name]) for name in folders for path in _files(val / name, source)]
    lists = {*LISTS, Path(val_list or LISTS[0]).name}
    loose = sorted(entry.name for entry in os.scandir(val) if entry.is_file() and entry.name not in lists and entry.name[0] != ".")
    if pairs and loose:
        raise UserError(f"{val} has {len(loose):,} files beside its class folders, the first {loose[0]}: move them into their "
                        "classes, or remove them")
    return classes, {"train": [(path, numbers[name]) for name in classes for path in files[name]],
                     "val": pairs or _flat(source, val, numbers, val_list)}


def _files(folder, source):
    """Everything in a folder but hidden files: whatever is no picture must be seen and said."""
    names = sorted(os.path.relpath(entry.path, source) for entry in os.scandir(folder) if not entry.name.startswith("."))
    if any("\n" in name or "\r" in name for name in names):
        raise UserError(f"{folder} has a file with a line break in its name, which no list can hold: rename it")
    return names


def _flat(source, val, numbers, val_list):
    """Pairs of a flat val/: by a list that names file and class, or by ILSVRC's own, which needs the devkit's meta.mat."""
    names = _files(val, source)
    if not names:
        raise UserError(f"{val} is empty: put the test pictures there, or remove it to hold out every tenth of train/")
    found = Path(val_list) if val_list else next((place / name for place in (source, val) for name in LISTS
                                                  if (place / name).is_file()), None)
    if found is None or not found.is_file():
        raise UserError(f"{val} has no class folders and no list of its classes: name one by --val-list "
                        f"({', '.join(LISTS)}; make: ARGS='--val-list FILE')")
    names = [name for name in names if Path(name).name != found.name]
    try:
        lines = [line for line in found.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(f"{found} is no text in UTF-8: save it as such, or name another list by --val-list") from error
    if all(line.strip().isdecimal() for line in lines):  # the devkit's: its own numbers, in the order of the files
        meanings = _devkit(found, numbers)
        if len(lines) != len(names):
            raise UserError(f"{found} has {len(lines):,} lines and {val} {len(names):,} files")
        words = [meanings.get(line.strip()) for line in lines]
    else:  # Kaggle's "file,class box class box ..." or Caffe's "file.JPEG number"
        pairs = [line.split(",", 1) if "," in line else line.rsplit(None, 1) for line in lines]
        by_file = {Path(name).stem: word.split()[0] for name, word in (pair for pair in pairs if len(pair) == 2) if word.strip()}
        words = [by_file.get(Path(name).stem) for name in names]
    labels = [numbers.get(word, int(word) if word and word.isdecimal() and int(word) < len(numbers) else None) for word in words]
    wrong = [name for name, label in zip(names, labels) if label is None]
    if wrong:
        raise UserError(f"{found} says no class of train/ for {len(wrong):,} files of {val}, the first {Path(wrong[0]).name}")
    return list(zip(names, labels))


def _devkit(found, numbers):
    """{ILSVRC2012_ID: wnid}. The devkit numbers its classes in an order of its own, not by name."""
    for path in (found.parent / "meta.mat", found.parent.parent / "meta.mat"):
        if path.is_file():
            from scipy.io import loadmat
            try:
                synsets = loadmat(str(path), squeeze_me=True)["synsets"]
                return {str(int(synset["ILSVRC2012_ID"])): str(synset["WNID"]) for synset in synsets
                        if str(synset["WNID"]) in numbers}
            except Exception as error:  # a damaged file can raise anything
                raise UserError(f"{path} is damaged, or not the devkit's: take it from the devkit anew") from error
    raise UserError(f"{found} has the devkit's own numbers: put the devkit's meta.mat beside it")
