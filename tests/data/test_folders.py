"""Which pictures a source folder holds, and their classes: every layout and every list."""

import numpy as np
import pytest
from conftest import refusal
from trees import touch

from data import folders


@pytest.mark.parametrize(
    "fault, words",
    [
        ("empty class", ["class 9", "no images"]),
        ("unknown class", ["val/class 9", "no class of"]),
        ("loose picture", ["val has 1 files", "2.JPEG"]),
        ("no classes", ["class folders"]),
        ("nowhere", ["does not exist", "SOURCE="]),
        ("flat val", ["val.txt"]),
    ],
)
def test_layout_that_is_none_gets_one_line(tmp_path, fault, words):
    source = tmp_path / "source"
    for name in ("train/a", "train/b", "val/a"):
        (source / name).mkdir(parents=True)
        (source / name / "1.JPEG").write_bytes(b"")
    if fault == "empty class":
        (source / "train/class 9").mkdir()
    elif fault == "unknown class":
        (source / "val/class 9").mkdir()
    elif fault == "loose picture":
        (source / "val/2.JPEG").write_bytes(b"")
    elif fault == "flat val":
        (source / "val/a/1.JPEG").rename(source / "val/1.JPEG")
        (source / "val/a").rmdir()
    source = {"no classes": source / "val/a", "nowhere": tmp_path / "nowhere"}.get(fault, source)
    refusal(lambda: folders.listing(source), *words)


@pytest.mark.parametrize(
    "name, text",
    [
        (
            "LOC_val_solution.csv",
            "ImageId,PredictionString\nv 2,n02 1 2 3 4 n02 5 6 7 8\nv 1,n05 1 2 3 4\n",
        ),
        ("val.txt", "v 1.JPEG 1\nv 2.JPEG 0\n".replace("v ", "v")),
        ("ILSVRC2012_validation_ground_truth.txt", "7\n1\n"),
    ],
)
def test_flat_val_takes_its_classes_from_each_kind_of_list(tmp_path, name, text, monkeypatch):
    # the devkit's numbers are in an order of their own: here 7 is n05, the second of train/, and 1
    # is n02, the first
    stem = "v " if name.endswith("csv") else "v"
    for path in ("train/n02/1.JPEG", "train/n05/1.JPEG", f"val/{stem}1.JPEG", f"val/{stem}2.JPEG"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    (tmp_path / name).write_text(text)
    if name.startswith("ILSVRC"):
        refusal(lambda: folders.listing(tmp_path), "meta.mat")
        from scipy.io import savemat

        kinds = np.array(
            [(7, "n05"), (1, "n02")], dtype=[("ILSVRC2012_ID", object), ("WNID", object)]
        )
        savemat(str(tmp_path / "meta.mat"), {"synsets": kinds})
    assert folders.listing(tmp_path).splits["val"] == [
        (f"val/{stem}1.JPEG", 1),
        (f"val/{stem}2.JPEG", 0),
    ]


def flat(folder, *names):
    """ILSVRC's own layout: two classes of train/, and val/ without class folders."""
    for path in ("train/n02/1.JPEG", "train/n05/1.JPEG", *(f"val/{name}" for name in names)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    "name, content, words",
    [
        (
            "LOC_val_solution.csv",
            b"ImageId,PredictionString\nv1,\n",
            ["no class of train/", "v1.JPEG"],
        ),
        ("val.txt", b"v1.JPEG n02\xff\n", ["val.txt", "UTF-8"]),
        ("val.txt", "v1.JPEG \u00b2\n".encode(), ["no class of train/"]),
        ("ILSVRC2012_validation_ground_truth.txt", b"1\n", ["meta.mat", "again"]),
    ],
)
def test_list_that_is_none_gets_one_line(tmp_path, name, content, words):
    flat(tmp_path, "v1.JPEG")
    (tmp_path / name).write_bytes(content)
    for junk in (b"junk", b"", b"MATLAB 5.0" + bytes(500)):
        (tmp_path / "meta.mat").write_bytes(junk)
        refusal(lambda: folders.listing(tmp_path), *words)


def test_class_folders_alone_hold_out_every_tenth(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(20):
            (tmp_path / name / f"{i:02d}.png").write_bytes(b"")
    splits = folders.listing(tmp_path).splits
    assert (
        splits["val"] == [("a/09.png", 0), ("a/19.png", 0), ("b/09.png", 1), ("b/19.png", 1)]
        and len(splits["train"]) == 36
    )
    assert not {path for path, _ in splits["train"]} & {path for path, _ in splits["val"]}


@pytest.mark.parametrize(
    "train, test",
    [
        ("train", "val"),
        ("train", "valid"),
        ("train", "validation"),
        ("train", "test"),
        ("Train", "Test"),
        ("Training", "Testing"),
    ],
)
def test_folder_beside_train_is_the_test_set_whatever_its_name(tmp_path, train, test):
    touch(tmp_path, f"{train}/a/1.png", f"{train}/b/2.png", f"{test}/a/3.png", f"{test}/b/4.png")
    _, splits, notes, _ = folders.listing(tmp_path)
    assert splits == {
        "train": [(f"{train}/a/1.png", 0), (f"{train}/b/2.png", 1)],
        "val": [(f"{test}/a/3.png", 0), (f"{test}/b/4.png", 1)],
    }
    assert notes == []


@pytest.mark.parametrize(
    "train, test",
    [
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train/train", "test/test"),
        ("Train-Images", "validation images"),
    ],
)
def test_folders_with_the_same_subfolders_are_sets_and_not_classes(tmp_path, train, test):
    touch(tmp_path, f"{train}/a/1.png", f"{train}/b/2.png", f"{test}/a/3.png", "seg_pred/5.png")
    listing = folders.listing(tmp_path)
    assert listing.splits == {
        "train": [(f"{train}/a/1.png", 0), (f"{train}/b/2.png", 1)],
        "val": [(f"{test}/a/3.png", 0)],
    }
    assert listing.classes == ["a", "b"] and not listing.is_held_out


@pytest.mark.parametrize(
    "pattern",
    ["part1/{}/1.png part2/{}/2.png", "a/images/{}/1.png b/images/{}/2.png", "b/{}/1 a/{}/2 c/9"],
)
def test_folders_with_the_same_subfolders_and_unknown_names_are_rejected(tmp_path, pattern):
    for name in ("cat", "dog"):
        touch(tmp_path, *pattern.format(name, name).split())
    refusal(lambda: folders.listing(tmp_path), "not like classes", "rename them to train/ and val/")


def test_flat_training_and_test_set_are_no_classes(tmp_path):
    touch(tmp_path, "training_set/1.png", "training_set/2.png", "test_set/1.png", "test_set/2.png")
    refusal(lambda: folders.listing(tmp_path), "not like classes", "a folder for each class")


def test_test_set_alone_is_complete(tmp_path):
    touch(tmp_path, "a/1.png", "test/b/1.png", "test/b/2.png", "test/c/1.png")
    (tmp_path / "a").rename(tmp_path / "test" / "a")
    result = folders.listing(tmp_path, is_tested=True)
    assert result.classes == ["a", "b", "c"] and result.is_held_out
    assert sum(map(len, result.splits.values())) == 4


def test_second_test_folder_is_said_to_be_unused(tmp_path):
    touch(
        tmp_path, "train/a/1.png", "train/b/2.png", "valid/a/3.png", "valid/b/4.png", "test/a/5.png"
    )
    _, splits, notes, _ = folders.listing(tmp_path)
    assert splits["val"] == [("valid/a/3.png", 0), ("valid/b/4.png", 1)]
    assert len(notes) == 1 and f"{tmp_path / 'test'} is not used" in notes[0]


def test_folder_of_the_same_classes_and_no_known_name_is_refused(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/2.png", "holdout/a/3.png")
    refusal(lambda: folders.listing(tmp_path), tmp_path / "holdout", "rename it to val/")


def test_test_folder_without_train_is_refused_and_a_class_called_test_is_not(tmp_path):
    touch(tmp_path / "one", "learn/a/1.png", "val/a/2.png")
    refusal(lambda: folders.listing(tmp_path / "one"), "no train/")
    touch(tmp_path / "two", "control/1.png", "control/2.png", "test/1.png", "test/2.png")
    assert folders.listing(tmp_path / "two").classes == ["control", "test"]


def test_each_class_however_small_has_a_test_picture(tmp_path):
    for name, count in (("many", 60), ("nine", 9), ("two", 2)):
        touch(tmp_path, *(f"{name}/{number:02d}.png" for number in range(count)))
    splits = folders.listing(tmp_path).splits
    assert [sum(label == k for _, label in splits["val"]) for k in range(3)] == [6, 1, 1]
    assert [sum(label == k for _, label in splits["train"]) for k in range(3)] == [54, 8, 1]
    touch(tmp_path, "single/1.png")
    refusal(lambda: folders.listing(tmp_path), tmp_path / "single", "single image")


def test_class_without_a_test_picture_is_said(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/2.png", "train/c/3.png", "val/a/4.png")
    notes = folders.listing(tmp_path).notes
    assert len(notes) == 1 and "2 classes" in notes[0] and "the first b" in notes[0]


def test_pictures_in_folders_of_a_class_folder_are_its_pictures(tmp_path):
    touch(tmp_path, "a/2019/1.png", "a/2020/x/1.png", "a/.thumbnails/1.png", "b/1.png", "b/2.png")
    splits = folders.listing(tmp_path).splits
    assert splits == {
        "train": [("a/2019/1.png", 0), ("b/1.png", 1)],
        "val": [("a/2020/x/1.png", 0), ("b/2.png", 1)],
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("v1.png 0\nv1.jpg 1\n", [1, 0]),
        ("v1.jpg,n05\nv1.png,n02\n", [1, 0]),
        ("v1 0\n", "v1"),
        ("v1.JPEG 0\n", "v1"),
        ("v1.png 0\nv1.jpg 1\nv1.png 1\n", "both 0 and 1"),
    ],
)
def test_files_that_differ_in_their_ending_alone_have_classes_of_their_own(
    tmp_path, text, expected
):
    flat(tmp_path, "v1.jpg", "v1.png")
    (tmp_path / "val.txt").write_text(text)
    if isinstance(expected, str):
        refusal(lambda: folders.listing(tmp_path), "val.txt", expected)
    else:
        assert folders.listing(tmp_path).splits["val"] == list(
            zip(["val/v1.jpg", "val/v1.png"], expected)
        )


def test_dots_in_a_name_are_no_ending(tmp_path):
    flat(tmp_path, "a.1.jpg", "a.2.jpg")
    (tmp_path / "val.txt").write_text("a.1 0\na.2 1\n")
    assert folders.listing(tmp_path).splits["val"] == [("val/a.1.jpg", 0), ("val/a.2.jpg", 1)]


def test_numbers_that_are_names_of_classes_are_no_places(tmp_path):
    touch(tmp_path, "train/1/a.png", "train/2/a.png", "train/3/a.png", "val/x.png", "val/y.png")
    (tmp_path / "val.txt").write_text("x.png 0\ny.png 2\n")
    refusal(lambda: folders.listing(tmp_path), "no class of train/", "x.png")
    (tmp_path / "val.txt").write_text("x.png 1\ny.png 3\n")
    assert folders.listing(tmp_path).splits["val"] == [("val/x.png", 0), ("val/y.png", 2)]


def test_name_that_no_list_can_hold_is_refused(tmp_path):
    refusal(lambda: folders.listing(flat(tmp_path, "v\r1.JPEG")), "line break")
