"""Photographs are classified as the test classifies them, and printed, drawn or written as CSV."""

import csv
import os
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, last_error, refusal, scored
from PIL import Image
from trees import decoded, touch

import score
from data import cifar, generated, image_files, imagenet, inputs
from data.crops import TestCrops
from plots import predictions


@pytest.fixture
def photos(images, tmp_path):
    """The generated test images as PNGs of 32x32, named by number, and their labels."""
    dataset = cifar.load("cifar10", images)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k, pixels in enumerate(dataset.test_images):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{k:03}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder, dataset.test_labels


def test_predictions_agree_with_the_test_error(finished, photos, tmp_path, monkeypatch, capsys):
    folder, labels = photos
    output = tmp_path / "a" / "answer.png"
    assert scored(monkeypatch, finished, "--predict", folder, "--output", output) == 0
    lines = capsys.readouterr().out.splitlines()[: len(labels)]
    wrong = 0
    for line, label in zip(lines, labels):
        likeliest = line.split(": ")[1].split(", ")
        assert len(likeliest) == 5 and likeliest[0].endswith(" %")
        wrong += not likeliest[0].startswith(generated.CLASSES[label])
    assert wrong == pytest.approx(last_error(finished))  # of 100
    assert Image.open(output).size[0] > 500


def test_predictions_as_csv(finished, photos, tmp_path, monkeypatch, capsys):
    folder, _ = photos
    output = tmp_path / "classes.csv"
    monkeypatch.setattr("plots.predictions.draw", None)
    scored(monkeypatch, finished, "--predict", folder, "--output", output)
    header, *rows = csv.reader(output.read_text().splitlines())
    assert header == ["path", "class", "probability"] and len(rows) == 5 * 100
    line = capsys.readouterr().out.splitlines()[0]
    shares = [f"{name} {100 * float(share):.1f} %" for _, name, share in rows[:5]]
    assert line == f"{rows[0][0]}: {', '.join(shares)}"
    scored(monkeypatch, finished, "--predict", folder, "--output", output)  # replaces its own file
    for name in ("000.png", "another.csv"):
        (folder / "another.csv").write_text("iteration,epoch")
        words = ["--predict", folder, "--output", folder / name]
        refusal(lambda: scored(monkeypatch, finished, *words), name, "another file")  # noqa: B023
    (folder / "another.csv").unlink()
    for name in ("classes.txt", "folder"):
        words = ["--predict", folder, "--output", tmp_path / name]
        refusal(lambda: scored(monkeypatch, finished, *words), name, ".png")  # noqa: B023


def test_predictions_are_printed_while_photographs_are_read(
    finished, photos, tmp_path, monkeypatch, capsys
):
    read = image_files.read
    printed = []

    def counted(path, side):
        printed.append(len(capsys.readouterr().out.splitlines()))
        return read(path, side)

    monkeypatch.setattr(image_files, "read", counted)
    scored(monkeypatch, finished, "--predict", photos[0], "--output", tmp_path / "a.csv")
    size = score.PHOTOGRAPHS  # the photographs before this batch are printed
    assert all(lines >= k // size * size for k, lines in enumerate(np.cumsum(printed)))


def test_files_that_cannot_be_read_are_skipped_and_named(
    finished, photos, tmp_path, monkeypatch, capsys
):
    folder, _ = photos
    (folder / "001.png").write_bytes((folder / "001.png").read_bytes()[:100])
    (folder / "002.heic").write_bytes(b"HEIC")
    (folder / "more").mkdir()
    scored(monkeypatch, finished, "--predict", folder, "--output", tmp_path / "a.csv")
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 99 + 1
    assert [line.partition(": ")[0].rpartition("/")[2] for line in err.splitlines()] == [
        "more",
        "001.png",
        "002.heic",
        "notes.txt",
    ]
    assert "a subfolder" in err and "truncated" in err and "HEIC" in err


@pytest.mark.parametrize(
    "words, expected",
    [
        (["'{0}/a b.jpg' {0}/c.jpg"], ["a b.jpg", "c.jpg"]),
        (["{0}/c.jpg", "{0}/a b.jpg"], ["c.jpg", "a b.jpg"]),
        (["{0}/it's.jpg {0}/c.jpg"], ["it's.jpg", "c.jpg"]),
        (["{0}/*.jpg"], ["a b.jpg", "c.jpg", "it's.jpg"]),
    ],
)
def test_files_are_named_by_words_quoted_words_and_patterns(tmp_path, words, expected):
    touch(tmp_path, "a b.jpg", "c.jpg", "it's.jpg")
    paths, _ = inputs.photographs([word.format(tmp_path) for word in words])
    assert [path.name for path in paths] == expected


def test_list_of_any_length_and_home_folder_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names = [f"IMG_20240101_{k:06}.jpg" for k in range(300)]
    touch(tmp_path, *names)
    paths, _ = inputs.photographs([" ".join(names)])
    assert [path.name for path in paths] == names
    first = tmp_path / names[0]
    assert inputs.photographs([f"~/{names[0]}"])[0] == [first]
    assert inputs.photographs([f"~/{names[0]} ~/{names[1][:-5]}?.jpg"])[0][0] == first


@pytest.mark.parametrize("output", ["a.png", "a.csv"])
def test_narrow_photograph_and_name_of_another_encoding_do_no_harm(
    finished, tmp_path, monkeypatch, output
):
    Image.new("RGB", (1, 300)).save(tmp_path / "narrow.png")
    Image.new("RGB", (32, 32)).save(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    scored(monkeypatch, finished, "--predict", tmp_path, "--output", tmp_path / "new" / output)
    assert (tmp_path / "new" / output).stat().st_size


def test_transparent_photographs_are_seen_on_white(finished, tmp_path, monkeypatch, capsys):
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "1.png")
    Image.new("RGB", (40, 40), "white").save(tmp_path / "2.png")
    scored(monkeypatch, finished, "--predict", tmp_path, "--output", tmp_path / "a.csv")
    out, err = capsys.readouterr()
    assert len({line.partition(": ")[2] for line in out.splitlines()[:2]}) == 1
    assert err == "1 transparent image composited on white\n"


def test_unusable_photographs_get_one_line(finished, photos, tmp_path, monkeypatch):
    folder, _ = photos
    (tmp_path / "empty").mkdir()
    for word, reason in (
        (tmp_path / "no.png", "does not exist"),
        (tmp_path / "empty", "no images"),
        (folder / "notes.txt", "none of 1 files"),
        (" ", "no image is named"),
        ("", "no image is named"),
    ):
        refusal(lambda word=word: scored(monkeypatch, finished, "--predict", word), reason)
    refusal(lambda: scored(monkeypatch, finished, "--predict", folder, "--crop", "ten"), "--crop")


def test_damaged_inputs_are_named(finished, photos, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    for damage in ("{", "[]", '{"classes": ["one"], "shape": [3, 8, 8]}'):
        (copy / "inputs.json").write_text(damage)
        refusal(lambda: scored(monkeypatch, copy, "--predict", photos[0]), "inputs.json is corrupt")


def test_imagenets_photographs_are_cropped_as_its_test_crops(prepared):
    dataset = imagenet.load(prepared[1])
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    described = inputs.describe(dataset, 64, dataset.mean)
    expected = next(iter(TestCrops(dataset.test_images, dataset.mean, 12, 64))).data[0].asnumpy()
    for k in range(12):
        _, pixels = decoded(dataset.test_images, k)
        seen = inputs.Reader(described).array(Image.fromarray(pixels))
        assert seen.dtype == np.float32 and seen.shape == (3, 64, 64)
        # two decoders of JPEG round differently
        assert abs(seen - expected[k]).mean() < 2


def test_own_images_are_converted_as_in_training():
    dataset = SimpleNamespace(name="own", classes=2, class_names=(), family="pictures")
    described = inputs.describe(dataset, 12, np.zeros((3, 12, 12), np.float32))
    assert described["classes"] == ["class 0", "class 1"]
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (12, 12, 3)).astype(np.uint8))
    seen = inputs.Reader(described).array(image)
    np.testing.assert_array_equal(seen, np.asarray(image).transpose(2, 0, 1))


@pytest.mark.parametrize(
    "family, size, side", [("cifar", 16, 32), ("imagenet", 64, 73), ("pictures", 16, 16)]
)
def test_large_photograph_is_not_decoded_below_the_networks_size(tmp_path, family, size, side):
    Image.new("RGB", (8 * size, 16 * size)).save(tmp_path / "large.jpg")
    dataset = SimpleNamespace(name="own", classes=2, class_names=(), family=family)
    described = inputs.describe(dataset, size, np.zeros(3, np.float32))
    # a JPEG can be decoded at an eighth of its size, from which it would be enlarged
    reader = inputs.Reader(described)
    assert min(image_files.read(tmp_path / "large.jpg", reader.side).size) >= side


def test_photograph_is_drawn_larger_than_the_networks_input(finished, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("plots.predictions.draw", lambda drawn, count, *_: shown.extend(drawn))
    Image.new("RGB", (1600, 1200)).save(tmp_path / "large.jpg")
    scored(monkeypatch, finished, "--predict", tmp_path / "large.jpg")
    ((_, image, _),) = shown
    assert min(image.size) >= predictions.SHOWN_SIDE


def test_published_run_of_the_documents_predicts_in_a_fresh_clone(tmp_path, monkeypatch, capsys):
    command = re.search(r"make predict RUN=(\S+)", (ROOT / "docs/RUNNING.md").read_text())
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    words = ["--predict", tmp_path / "a.png", "--output", tmp_path / "a.csv"]
    assert scored(monkeypatch, ROOT / command.group(1), *words) == 0
    assert "airplane" in (tmp_path / "a.csv").read_text() + capsys.readouterr().out
