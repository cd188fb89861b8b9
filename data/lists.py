"""Read the classes of a flat val/ from a list of files and classes.

LOC_val_solution.csv                      Kaggle: ILSVRC2012_val_00000001,n01440764 box
val.txt                                   Caffe: ILSVRC2012_val_00000001.JPEG 65
val_annotations.txt                       Tiny ImageNet: val_0.JPEG <tab> n03444034 <tab> box
ILSVRC2012_validation_ground_truth.txt    the devkit: 490, a line for each file, in their order
                                          (needs the devkit's meta.mat)
"""

from collections import Counter
from pathlib import Path

from common.errors import UserError

LISTS = (
    "ILSVRC2012_validation_ground_truth.txt",
    "LOC_val_solution.csv",
    "val.txt",
    "val_annotations.txt",
)


def find(source, train, val, val_list=None):
    """The list: val_list, or the first of LISTS in the source or in val."""
    paths = [place / name for place in (source, val) for name in LISTS]
    if val_list:
        paths = [Path(val_list)]
    for path in paths:
        if path.is_file():
            return path
    if val_list:
        raise UserError(f"{val_list} does not exist: name the list of the classes of {val}")
    raise UserError(
        f"{val} has no class folders, and neither {source} nor {val.name}/ has a list of its "
        f"classes ({', '.join(LISTS)}): write val.txt, with a file's name and its class in each "
        f"line, or move {val.name}/ elsewhere to hold out a tenth of {train.name}/"
    )


def labelled(val, names, path, numbers):
    """[(name, label)] of the files of a flat val/. path: the list; numbers: {class: label}.

    Raises UserError for a list that cannot be read, or that lacks the class of a file.
    """
    names = [name for name in names if Path(name).name != path.name]
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not in UTF-8: save it in that encoding") from error
    if all(line.strip().isdecimal() for line in lines):
        meanings = _devkit(path, numbers)
        if len(lines) != len(names):
            raise UserError(
                f"{path} has {len(lines):,} lines and {val} {len(names):,} files: add what is "
                "missing"
            )
        classes = [meanings.get(line.strip()) for line in lines]
    else:
        classes = _by_name(path, names, _entries(path, lines))
    labels = _labels(classes, numbers)
    wrong = [name for name, label in zip(names, labels) if label is None]
    if wrong:
        raise UserError(
            f"{path} has no class of train/ for {len(wrong):,} files of {val}, the first "
            f"{Path(wrong[0]).name}: correct the list, or remove the files"
        )
    return list(zip(names, labels))


def _entries(path, lines):
    """{file name as the list has it: class}."""
    entries = {}
    for line in lines:
        if "\t" in line:
            parts = line.split("\t")
        elif "," in line:
            parts = line.split(",", 1)
        else:
            parts = line.rsplit(None, 1)
        if len(parts) < 2 or not parts[1].strip():
            continue
        name = Path(parts[0].strip()).name
        kind = parts[1].split()[0]
        if entries.setdefault(name, kind) != kind:
            raise UserError(
                f"{path} has both {entries[name]} and {kind} for {name}: remove the wrong line"
            )
    return entries


def _by_name(path, names, entries):
    """The class of each file, or None. A list can omit endings if the names remain unique."""
    stems = Counter(Path(name).stem for name in names)
    listed = Counter(Path(name).stem for name in entries)
    by_stem = {
        Path(name).stem: kind for name, kind in entries.items() if listed[Path(name).stem] == 1
    }
    classes = []
    for name in names:
        file = Path(name)
        if file.name in entries:
            classes.append(entries[file.name])
            continue
        kind = entries.get(file.stem, by_stem.get(file.stem))
        if kind is not None and stems[file.stem] > 1:
            raise UserError(
                f"{path} names {file.stem}, and {stems[file.stem]} files have that name (one is "
                f"{file.name}): add the endings"
            )
        classes.append(kind)
    return classes


def _labels(classes, numbers):
    """Labels of classes by their names, or by their numbers from 0; None for neither."""
    if any(kind in numbers for kind in classes):
        return [numbers.get(kind) for kind in classes]
    return [
        int(kind) if kind and kind.isdecimal() and int(kind) < len(numbers) else None
        for kind in classes
    ]


def _devkit(path, numbers):
    """{ILSVRC2012_ID: wnid}. The devkit's order of classes is not the order of their names."""
    for place in (path.parent / "meta.mat", path.parent.parent / "meta.mat"):
        if place.is_file():
            from scipy.io import loadmat

            try:
                synsets = loadmat(str(place), squeeze_me=True)["synsets"]
                pairs = [
                    (str(int(synset["ILSVRC2012_ID"])), str(synset["WNID"])) for synset in synsets
                ]
            except Exception as error:  # a corrupt file can raise anything
                raise UserError(
                    f"{place} is corrupt, or not the devkit's: copy it from the devkit again"
                ) from error
            return {number: name for number, name in pairs if name in numbers}
    raise UserError(f"{path} has the devkit's numbers: put the devkit's meta.mat beside it")
