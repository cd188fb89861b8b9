"""Read the classes of a flat val/ from a list of files and classes.

LOC_val_solution.csv                      Kaggle: ILSVRC2012_val_00000001,n01440764 box
val.txt                                   Caffe: ILSVRC2012_val_00000001.JPEG 65
val_annotations.txt                       Tiny ImageNet: val_0.JPEG <tab> n03444034 <tab> box
ILSVRC2012_validation_ground_truth.txt    the devkit: 490, a line for each file, in their order
                                          (needs the devkit's meta.mat)
"""

from pathlib import Path

from common.errors import UserError

META = "meta.mat"  # of the devkit
LISTS = (
    "ILSVRC2012_validation_ground_truth.txt",
    "LOC_val_solution.csv",
    "val.txt",
    "val_annotations.txt",
)


def find(source, train, val):
    """Return the list: the first of LISTS in the source or in val."""
    for path in [place / name for place in (source, val) for name in LISTS]:
        if path.is_file():
            return path
    raise UserError(
        f"{val} has no class folders, and neither {source} nor {val.name}/ has a list of its "
        f"classes ({', '.join(LISTS)}): write val.txt, with a file's name, a tab and its class "
        f"in each line, or move {val.name}/ elsewhere to hold out a tenth of {train.name}/"
    )


def labelled(val, names, path, numbers):
    """Return [(name, label)] of the files of a flat val/. path: the list; numbers: {class: label}.

    Prints how many entries of the list have no file. Raises UserError for a list that cannot be
    read, or that lacks the class of a file.
    """
    lists = (path.name, META, *LISTS)
    names = [name for name in names if Path(name).name not in lists]
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not in UTF-8: save it in that encoding") from error
    lines = [line.strip() for line in lines if line.strip()]
    entries = {}
    if lines and all(line.isdecimal() for line in lines):
        meanings = _devkit(path)
        if len(lines) != len(names):
            raise UserError(
                f"{path} has {len(lines):,} lines and {val} {len(names):,} files: add the "
                "missing ones"
            )
        classes = [meanings.get(line) for line in lines]
    else:
        entries = _entries(path, lines, numbers)
        classes = _by_name(names, entries)
    if not any(kind in numbers for kind in classes):  # numbers from 0
        numbers = {str(label): label for label in numbers.values()}
    labels = [numbers.get(kind) for kind in classes]
    if None in labels:
        raise UserError(
            f"{path} has no class of train/ for {labels.count(None):,} files of {val}, the first "
            f"{Path(names[labels.index(None)]).name}: correct the list, or remove the files"
        )
    _print_absent(path, names, [name for name, kind in entries.items() if kind in numbers])
    return list(zip(names, labels))


def _print_absent(path, names, entries):
    """Print how many entries have no file. Endings may be missing or different in a list."""
    files = {text for name in names for text in (Path(name).name, Path(name).stem)}
    absent = [name for name in entries if not files & {name, Path(name).stem}]
    if absent:
        print(
            f"{len(absent):,} entries of {path} have no file, the first {absent[0]}: the test "
            "error does not include them"
        )


def _entries(path, lines, numbers):
    """Return {file name in the list: class}. A class with spaces follows a tab or a comma."""
    entries = {}
    for line in lines:
        separator = next((mark for mark in "\t," if mark in line), None)
        name, *rest = line.split(separator, 1) if separator else line.rsplit(None, 1)
        rest = "".join(rest).strip()
        kinds = [rest] if rest in numbers else rest.split()
        if kinds and entries.setdefault(Path(name.strip()).name, kinds[0]) != kinds[0]:
            raise UserError(f"{path} has two classes for {name}: remove the wrong line")
    return entries


def _by_name(names, entries):
    """Return the class of each file, or None. Endings may be missing or different in a list."""
    by_stem = {Path(name).stem: kind for name, kind in entries.items()}
    classes = []
    for file in map(Path, names):
        without_ending = entries.get(file.stem, by_stem.get(file.stem))
        classes.append(entries.get(file.name, without_ending))
    return classes


def _devkit(path):
    """Return {ILSVRC2012_ID: wnid}. The devkit's classes are not in the order of their names."""
    for place in (path.parent / META, path.parent.parent / META):
        if place.is_file():
            from scipy.io import loadmat

            try:
                synsets = loadmat(str(place), squeeze_me=True)["synsets"]
                return {str(int(row["ILSVRC2012_ID"])): str(row["WNID"]) for row in synsets}
            except Exception as error:  # a corrupt file can raise anything
                raise UserError(
                    f"{place} is corrupt, or not the devkit's: copy it from the devkit again"
                ) from error
    raise UserError(f"{path} has the devkit's numbers: put the devkit's {META} beside it")
