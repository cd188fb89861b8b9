"""Photographs through a trained network: seen as the test saw them, told in lines and a picture."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import refusal, scored
from PIL import Image
from test_score import last_error
from trees import decoded

from data import cifar, imagenet, inputs
from data.crops import TestCrops

CLASSES = [
    "warm disc",
    "cool disc",
    "warm square",
    "cool square",
    "warm triangle",
    "cool triangle",
    "warm cross",
    "cool cross",
    "warm ring",
    "cool ring",
]


@pytest.fixture
def photos(images, tmp_path):
    """The generated test pictures as PNGs of 32 x 32, named by number; and their labels."""
    dataset = cifar.load("cifar10", images)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k, pixels in enumerate(dataset.test_images):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{k:03}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder, dataset.test_labels


def test_classes_are_those_that_the_test_counted(finished, photos, tmp_path, monkeypatch, capsys):
    folder, labels = photos
    output = tmp_path / "a" / "answer.png"
    assert scored(monkeypatch, finished, "--predict", folder, "--output", output) == 0
    lines = capsys.readouterr().out.splitlines()[: len(labels)]
    wrong = 0
    for line, label in zip(lines, labels):
        likeliest = line.split(": ")[1].split(", ")
        assert len(likeliest) == 5 and likeliest[0].endswith(" %")
        wrong += not likeliest[0].startswith(CLASSES[label])
    assert wrong == pytest.approx(last_error(finished))  # of 100
    assert Image.open(output).size[0] > 500


def test_several_files_are_told_in_their_order(finished, photos, tmp_path, monkeypatch, capsys):
    folder, _ = photos
    odd = folder / "a wide one.jpg"
    Image.new("L", (300, 90)).save(odd)
    words = ["--predict", odd, f"{folder / '001.png'} {folder / '000.png'}"]
    scored(monkeypatch, finished, *words, "--output", tmp_path / "answer.png")
    told = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert told[:3] == [str(odd), str(folder / "001.png"), str(folder / "000.png")]


def test_what_cannot_be_told_gets_one_line(finished, photos, tmp_path, monkeypatch):
    folder, _ = photos
    (tmp_path / "empty").mkdir()
    for word, reason in (
        (tmp_path / "no.png", "is not there"),
        (tmp_path / "empty", "no pictures"),
        (folder / "notes.txt", "cannot be read"),
        (" ", "no picture was named"),
    ):
        refusal(lambda word=word: scored(monkeypatch, finished, "--predict", word), reason)
    refusal(lambda: scored(monkeypatch, finished, "--predict", folder, "--crop", "ten"), "--crop")


def test_damaged_inputs_are_named(finished, photos, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    for damage in ("{", "[]", '{"classes": ["one"], "shape": [3, 8, 8]}'):
        (copy / "inputs.json").write_text(damage)
        refusal(lambda: scored(monkeypatch, copy, "--predict", photos[0]), "inputs.json is damaged")


def test_imagenets_photographs_are_cropped_as_its_test_crops(prepared):
    dataset = imagenet.load(prepared[1])
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    described = inputs.describe(dataset, "imagenet", 64, dataset.mean)
    expected = next(iter(TestCrops(dataset.test_images, dataset.mean, 12, 64))).data[0].asnumpy()
    for k in range(12):
        _, pixels = decoded(dataset.test_images, k)
        seen = inputs.array(Image.fromarray(pixels), described)
        assert seen.dtype == np.float32 and seen.shape == (3, 64, 64)
        # two decoders of JPEG round differently
        assert abs(seen - expected[k]).mean() < 2


def test_own_pictures_are_seen_as_they_were_trained():
    dataset = SimpleNamespace(name="own", classes=2, class_names=())
    described = inputs.describe(dataset, "pictures", 12, np.zeros((3, 12, 12), np.float32))
    assert described["classes"] == ["class 0", "class 1"]
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (12, 12, 3)).astype(np.uint8))
    np.testing.assert_array_equal(
        inputs.array(image, described), np.asarray(image).transpose(2, 0, 1)
    )


@pytest.mark.parametrize(
    "kind, size, side", [("cifar10", 16, 32), ("imagenet", 64, 73), ("pictures", 16, 16)]
)
def test_large_photograph_is_not_decoded_smaller_than_it_is_seen(tmp_path, kind, size, side):
    Image.new("RGB", (8 * size, 16 * size)).save(tmp_path / "large.jpg")
    dataset = SimpleNamespace(name="own", classes=2, class_names=())
    described = inputs.describe(dataset, kind, size, np.zeros(3, np.float32))
    # a JPEG can be decoded at an eighth of its size, from which it would be enlarged
    assert min(inputs.read(tmp_path / "large.jpg", inputs.side(described)).size) >= side


def test_photograph_is_shown_larger_than_it_is_seen(finished, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("plots.predictions.draw", lambda drawn, count, *_: shown.extend(drawn))
    Image.new("RGB", (1600, 1200)).save(tmp_path / "large.jpg")
    scored(monkeypatch, finished, "--predict", tmp_path / "large.jpg")
    ((_, image, _),) = shown
    assert min(image.size) >= inputs.SHOWN_SIDE
