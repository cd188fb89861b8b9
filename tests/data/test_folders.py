"""The images of a source folder, and their classes: every layout and every list."""

import numpy as np
import pytest
from conftest import refusal
from trees import touch

from data import folders

SOUND = ["train/a/1.png", "train/b/1.png", "val/a/1.png"]


@pytest.mark.parametrize(
    "paths, source, words",
    [
        ([*SOUND, "train/class 9/.hidden"], "", ["class 9", "no images"]),
        ([*SOUND, "val/2.png"], "", ["val has 1 files", "2.png"]),
        ([*SOUND, "train/a/2\r.png"], "", ["line break", "rename it"]),
        (SOUND, "val/a", ["class folders"]),
        (SOUND, "nowhere", ["does not exist", "SOURCE="]),
        ([*SOUND[:2], "val/.hidden"], "", ["val is empty"]),
        # flat sets
        (
            ["training_set/1", "training_set/2", "test_set/1", "test_set/2"],
            "",
            ["not like classes"],
        ),
        (["train/1", "train/2", "test/1", "test/2", "more/1"], "", ["train has 0 class folders"]),
        # folders with the same subfolders
        (["p1/a/1", "p1/b/1", "p2/a/2", "p2/b/2"], "", ["not like classes", "rename them to"]),
        (["a/x/p/1", "a/x/q/1", "b/x/p/2", "b/x/q/2"], "", ["not like classes"]),
        (["b/p/1", "b/q/1", "a/p/2", "a/q/2", "c/9", "c/8"], "", ["not like classes"]),
    ],
)
def test_unknown_layout_is_rejected(tmp_path, paths, source, words):
    touch(tmp_path, *paths)
    refusal(lambda: folders.listing(tmp_path / source), *words)


def test_files_of_windows_are_ignored_everywhere(tmp_path):
    files = [f"{place}Thumbs.db" for place in ("", "train/", "train/a/", "val/", "val/a/")]
    touch(tmp_path, *SOUND, *files)
    assert val_pairs(tmp_path) == [("val/a/1.png", 0)]


def flat(folder, *names):
    """ILSVRC's own layout: two classes of train/, and val/ without class folders."""
    return touch(folder, "train/n02/1", "train/n05/1", *(f"val/{name}" for name in names))


def val_pairs(folder):
    return folders.listing(folder).splits["val"]


@pytest.mark.parametrize(
    "name, text",
    [
        ("LOC_val_solution.csv", "ImageId,PredictionString\nv 2,n02 1 2 3 4 n02 5\nv 1,n05 1 2\n"),
        ("val.txt", "v 1.JPEG 1\nv 2.JPEG 0\n"),
        ("ILSVRC2012_validation_ground_truth.txt", "7\n1\n"),
    ],
)
def test_flat_val_takes_its_classes_from_each_kind_of_list(tmp_path, name, text):
    flat(tmp_path, "v 1.JPEG", "v 2.JPEG")
    (tmp_path / name).write_text(text)
    if name.startswith("ILSVRC"):
        refusal(lambda: folders.listing(tmp_path), "meta.mat")
        from scipy.io import savemat

        # in the order of the devkit n05 is 7 and n02 is 1
        kinds = np.dtype([("ILSVRC2012_ID", object), ("WNID", object)])
        synsets = np.array([(7, "n05"), (1, "n02"), (3, "n99")], kinds)
        savemat(str(tmp_path / "meta.mat"), {"synsets": synsets})
    expected = [("val/v 1.JPEG", 1), ("val/v 2.JPEG", 0)]
    assert val_pairs(tmp_path) == expected
    for file in [path for path in tmp_path.iterdir() if path.is_file()]:
        file.rename(tmp_path / "val" / file.name)
    assert val_pairs(tmp_path) == expected, "the list may be in val/"


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("LOC_val_solution.csv", b"ImageId,PredictionString\nv1,\n", ["no class of", "v1.JPEG"]),
        ("val.txt", b"v1.JPEG n02\xff\n", ["val.txt", "UTF-8"]),
        ("val.txt", "v1.JPEG \u00b2\n".encode(), ["no class of train/"]),
        ("val.txt", b"\n", ["no class of train/", "v1.JPEG"]),
        ("ILSVRC2012_validation_ground_truth.txt", b"1\n", ["meta.mat", "again"]),
    ],
)
def test_list_without_classes_is_rejected(tmp_path, name, content, words):
    flat(tmp_path, "v1.JPEG")
    (tmp_path / name).write_bytes(content)
    for junk in (b"junk", b"", b"MATLAB 5.0" + bytes(500)):
        (tmp_path / "meta.mat").write_bytes(junk)
        refusal(lambda: folders.listing(tmp_path), *words)


@pytest.mark.parametrize(
    "names, text, expected",
    [
        ("v1.jpg v1.png", "v1.png 0\nv1.jpg 1\n", [1, 0]),
        ("v1.jpg v1.png", "v1.jpg,n05\nv1.png,n02\n", [1, 0]),
        ("v1.jpg v2.png", "v1 1\nv2.JPEG 0\n", [1, 0]),
        ("v1.jpg v1.png", "v1.png 0\nv1.jpg 1\nv1.png 1\n", "two classes"),
        ("a.1.jpg a.2.jpg", "a.1 0\na.2 1\n", [0, 1]),  # dots in a name
    ],
)
def test_list_can_omit_endings(tmp_path, names, text, expected):
    flat(tmp_path, *names.split())
    (tmp_path / "val.txt").write_text(text)
    if isinstance(expected, str):
        refusal(lambda: folders.listing(tmp_path), "val.txt", expected)
    else:
        assert [label for _, label in val_pairs(tmp_path)] == expected


def test_entries_without_a_file_are_counted(tmp_path, capsys):
    flat(tmp_path, "v1.JPEG", "v 2.png", "v.3.jpg")
    lines = ["ImageId,PredictionString", "v 2,n05 1 2", "v.3,n02", "v1.JPEG,n02"]
    (tmp_path / "val.txt").write_text("\n".join(lines))
    val_pairs(tmp_path)
    assert capsys.readouterr().out == ""
    others = ["v4,n02", "v5.JPEG,n05", "v6,n99"]  # n99 is no class of train/
    (tmp_path / "val.txt").write_text("\n".join(lines + others))
    val_pairs(tmp_path)
    assert capsys.readouterr().out.startswith(f"2 entries of {tmp_path / 'val.txt'} have no file")


def test_numbers_that_are_names_of_classes_are_no_positions(tmp_path):
    touch(tmp_path, "train/1/a.png", "train/2/a.png", "train/3/a.png", "val/x.png", "val/y.png")
    (tmp_path / "val.txt").write_text("x.png 0\ny.png 2\n")
    refusal(lambda: folders.listing(tmp_path), "no class of train/", "x.png")
    (tmp_path / "val.txt").write_text("x.png 1\ny.png 3\n")
    assert val_pairs(tmp_path) == [("val/x.png", 0), ("val/y.png", 2)]


def test_list_names_classes_with_spaces(tmp_path):
    names = ["tabby", "tabby cat"]
    touch(tmp_path, *(f"train/{name}/1.png" for name in names), "val/1.jpg", "val/2.jpg")
    for text in ("1.jpg\ttabby cat\n2.jpg\ttabby 1 2\n", "1.jpg, tabby cat\n2.jpg,tabby\n"):
        (tmp_path / "val.txt").write_text(text)
        assert val_pairs(tmp_path) == [("val/1.jpg", 1), ("val/2.jpg", 0)]


@pytest.mark.parametrize(
    "train, test",
    [
        ("train", "val"),
        ("train", "valid"),
        ("train", "validation"),
        ("train", "test"),
        ("Train", "Test"),
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train/train", "test/test"),
        ("Train-Images", "validation images"),
    ],
)
def test_folder_beside_train_is_the_test_set_whatever_its_name(tmp_path, capsys, train, test):
    touch(tmp_path, f"{train}/a/1", f"{train}/b/2", f"{test}/a/3", f"{test}/b/4", "seg_pred/5")
    listing = folders.listing(tmp_path)
    assert listing.splits == {
        "train": [(f"{train}/a/1", 0), (f"{train}/b/2", 1)],
        "val": [(f"{test}/a/3", 0), (f"{test}/b/4", 1)],
    }
    assert listing.classes == ["a", "b"] and not listing.is_held_out
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["test", "train"])
@pytest.mark.parametrize("parent", ["", "train/"])
def test_class_can_have_the_name_of_a_set(tmp_path, name, parent):
    for label in ("bus", "car", name):
        touch(tmp_path, f"{parent}{label}/1.png", f"{parent}{label}/2.png")
    assert folders.listing(tmp_path).classes == ["bus", "car", name]
    assert folders.listing(tmp_path, is_tested=True).classes == ["bus", "car", name]


def test_what_is_not_used_or_not_tested_is_printed(tmp_path, capsys):
    touch(tmp_path, *SOUND, "train/c/3.png", "test/a/5.png")
    assert val_pairs(tmp_path) == [("val/a/1.png", 0)]
    assert f"{tmp_path / 'test'} is not used" in capsys.readouterr().out
    folders.print_untested(["a", "b", "c"], [0])
    out = capsys.readouterr().out
    assert "2 classes have no test image" in out and "the first b" in out


@pytest.mark.parametrize(
    "tree, place",
    [
        (["a/1.png", "a/2.png", "b.png/1.png", "b.png/2.png"], "."),
        (SOUND, "."),
        (SOUND, "train"),
        (SOUND, "test_images"),
        (SOUND, "more/flat"),
    ],
)
def test_images_outside_the_class_folders_are_counted(tmp_path, capsys, tree, place):
    source = touch(tmp_path / "set[1]", *tree)
    others = ("LICENSE", "README.md", "val.txt", "a_labels", ".hidden.png", "._1.JPEG")
    touch(source / place, *others)
    expected = folders.listing(source)
    assert capsys.readouterr().out == ""
    touch(source / place, "3.png", "4.JPEG")
    assert folders.listing(source) == expected
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{source / place.split('/')[0]} has 2 images that are not used")


def test_every_tenth_image_of_a_class_and_at_least_one_is_held_out(tmp_path):
    for name, count in (("many", 60), ("nine", 9), ("two", 2)):
        touch(tmp_path, *(f"{name}/{number:02d}.png" for number in range(count)))
    splits = folders.listing(tmp_path).splits
    tenths = [f"many/{k}9.png" for k in range(6)]
    assert [path for path, _ in splits["val"]] == [*tenths, "nine/08.png", "two/01.png"]
    assert [sum(label == k for _, label in splits["train"]) for k in range(3)] == [54, 8, 1]
    assert not set(splits["train"]) & set(splits["val"])


def test_images_in_subfolders_of_a_class_folder_are_its_images(tmp_path):
    touch(tmp_path, "a/2019/1.png", "a/2020/x/1.png", "a/.thumbnails/1.png", "b/1.png", "b/2.png")
    assert folders.listing(tmp_path).splits == {
        "train": [("a/2019/1.png", 0), ("b/1.png", 1)],
        "val": [("a/2020/x/1.png", 0), ("b/2.png", 1)],
    }


def test_tiny_imagenet_is_read_as_it_is_downloaded(tmp_path):
    for name in ("n01", "n02"):
        touch(tmp_path, f"train/{name}/images/{name}_0.JPEG", f"train/{name}/{name}_boxes.txt")
    touch(tmp_path, "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG")
    annotations = "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t1\t2\t3\t4\n"
    (tmp_path / "val" / "val_annotations.txt").write_text(annotations)
    splits = folders.listing(tmp_path).splits
    assert [label for _, label in splits["train"]] == [0, 1]
    assert splits["val"] == [("val/images/val_0.JPEG", 1), ("val/images/val_1.JPEG", 0)]


def test_runs_and_prepared_sets_are_no_classes(tmp_path):
    touch(tmp_path, *(f"{name}/{k}.png" for name in ("cat", "dog") for k in range(10)))
    expected = folders.listing(tmp_path).classes
    touch(tmp_path, "run/.lock", "run/curves.png")
    assert folders.listing(tmp_path).classes == expected == ["cat", "dog"]
