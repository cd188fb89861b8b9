"""A user's own images for CIFAR's networks: class folders, and sets in CIFAR's layout of any size."""

import json
import pickle

import numpy as np
import pytest
from conftest import SMALL, refusal, run_here
from PIL import Image

from data import cifar, image_folders, test_set

COLOURS = {"rose": (220, 30, 30), "leaf": (30, 220, 30), "sky": (30, 30, 220)}


def class_folders(folder, **counts):
    """counts: {class: images}, of one colour, each of another size."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (40 + 7 * number, 61), COLOURS[name])
            image.save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture
def small(tmp_path):
    return class_folders(tmp_path / "set", rose=3, sky=3)


def records(count, classes, seed=0):
    """uint8 (count, 3073): the binary version's, every class among the labels."""
    state = np.random.RandomState(seed)
    labels = np.arange(count)[:, None] % classes
    return np.concatenate([labels, state.randint(0, 256, (count, 3072))], axis=1).astype(np.uint8)


def test_class_folders_become_small_squares_with_their_names(tmp_path):
    folder = class_folders(tmp_path / "my set", rose=12, leaf=4, sky=2)
    dataset = image_folders.load(folder)
    assert dataset.class_names == ("leaf", "rose", "sky") and dataset.classes == 3
    assert dataset.name == "my set (15 + 3 images in 3 classes)"
    assert dataset.train_images.shape == (15, 3, 32, 32) and dataset.train_images.dtype == np.uint8
    assert np.bincount(dataset.test_labels).tolist() == [1, 1, 1]
    images = [*dataset.train_images, *dataset.test_images]
    for image, label in zip(images, [*dataset.train_labels, *dataset.test_labels]):
        assert (image == np.array(COLOURS[dataset.class_names[label]]).reshape(3, 1, 1)).all()
    assert image_folders.load(folder).fingerprint == dataset.fingerprint
    Image.new("RGB", (40, 61), (1, 2, 3)).save(folder / "sky" / "01.png")
    assert image_folders.load(folder).fingerprint != dataset.fingerprint


def test_image_size_is_any_multiple_of_four(small):
    assert image_folders.load(small, 48).test_images.shape == (2, 3, 48, 48)
    for size in (30, 4, 0, -8):
        words = (f"--image-size {size}", "multiple of 4")
        refusal(lambda: image_folders.load(small, size), *words)  # noqa: B023


def test_missing_folder_is_rejected_with_a_way_to_name_it(tmp_path):
    words = (tmp_path / "nowhere", "does not exist")
    refusal(lambda: image_folders.load(tmp_path / "nowhere"), *words)
    refusal(lambda: image_folders.load(None), "--data-dir", "DATA=")


def test_unreadable_files_are_named_and_left_out_on_request(small, capsys):
    (small / "sky" / "a.txt").write_text("not an image")
    (small / "sky" / "b.heic").write_bytes(b"ftypheic" + bytes(100))
    (small / "sky" / "Thumbs.db").write_bytes(b"of Windows")
    words = ("2 files", "sky/a.txt: not an image", "HEIC", "--skip-unreadable")
    refusal(lambda: image_folders.load(small), *words)
    dataset = image_folders.load(small, skip_unreadable=True)
    assert "2 files" in capsys.readouterr().out
    assert np.bincount(dataset.train_labels).tolist() == [2, 3]
    (small / "sky" / "c.txt").write_text("not an image")  # this file is held out
    image_folders.load(small, skip_unreadable=True)
    untested = "1 classes have no test image, the first sky"
    assert untested in capsys.readouterr().out
    image_folders.load(small, skip_unreadable=True, trained_on="another set")
    assert untested not in capsys.readouterr().out
    (small / "fog").mkdir()
    (small / "fog" / "1.png").write_bytes(b"")
    (small / "fog" / "2.png").write_bytes(b"")
    refusal(lambda: image_folders.load(small, skip_unreadable=True), "no train image of fog")


@pytest.mark.parametrize("kind", ["pictures", "imagenet"])
def test_unreadable_files_of_a_test_set_are_left_out_on_request(tmp_path, capsys, kind):
    folder = class_folders(tmp_path / "set", rose=3, leaf=3, sky=1)
    (folder / "rose" / "00.png").write_bytes(b"")
    settings = {"dataset": kind, "image_size": 8, "data": "another set"}
    refusal(lambda: test_set.load(settings, folder), "rose/00.png", "--skip-unreadable")
    dataset = test_set.load(settings, folder, skip_unreadable=True)
    assert dataset.name == "set (6 images)" and len(dataset.test_images) == 6
    (folder / "sky" / "00.png").write_bytes(b"")
    for name in ("rose/01", "leaf/00", "leaf/02"):  # one image of each class is left
        (folder / f"{name}.png").write_bytes(b"")
    assert len(test_set.load(settings, folder, skip_unreadable=True).test_images) == 2
    assert "1 classes have no test image, the first sky" in capsys.readouterr().out


def test_transparent_images_are_counted_once(small, capsys):
    for number in range(2):
        Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(small / "sky" / f"0{number}.png")
    images = image_folders.load(small).train_images
    assert (images == 255).all(axis=(1, 2, 3)).sum() == 2
    assert capsys.readouterr().out == "2 transparent images composited on white\n"


@pytest.mark.parametrize("counts, test", [((50, 51, 3), 37), ((7,), 2), ((20,) * 12, 8)])
def test_own_set_has_any_number_of_images_and_classes(tmp_path, counts, test):
    written = [records(count, 4, seed) for seed, count in enumerate(counts)]
    for number, rows in enumerate(written, 1):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(rows.tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records(test, 4, 99).tobytes())
    dataset = image_folders.load(tmp_path)
    assert (dataset.classes, len(dataset.test_labels), dataset.class_names) == (4, test, ())
    train_images = dataset.train_images.reshape(sum(counts), -1)
    assert np.array_equal(train_images, np.concatenate(written)[:, 1:])
    (tmp_path / "batches.meta.txt").write_text("a\nb\nc\nd\ne\n")
    assert image_folders.load(tmp_path).class_names == ("a", "b", "c", "d", "e")
    assert image_folders.load(tmp_path).classes == 5
    (tmp_path / "batches.meta.txt").write_text("a\nb\n")
    refusal(lambda: image_folders.load(tmp_path), "label 3", "2 classes")


FORMS = {  # of images and labels
    "text keys": lambda data, labels: {"data": data, "labels": labels.tolist()},
    "array of labels": lambda data, labels: {b"data": data, b"labels": labels.astype("i8")},
    "big-endian labels": lambda data, labels: {b"data": data, b"labels": labels.astype(">i4")},
    "NumPy's scalars": lambda data, labels: {"data": data.copy(), "labels": list(labels + 0)},
    "Fortran's order": lambda data, labels: {"data": np.asfortranarray(data), "labels": labels},
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", FORMS)
def test_pickle_that_is_written_today_is_read(tmp_path, form, protocol):
    rows = {"data_batch_1": records(30, 3, 0), "test_batch": records(9, 3, 1)}
    for name, written in rows.items():
        content = FORMS[form](written[:, 1:], written[:, 0])
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol))
    names = pickle.dumps({"label_names": ["ant", "bee", "fly"]}, protocol)
    (tmp_path / "batches.meta").write_bytes(names)
    dataset = image_folders.load(tmp_path)
    assert np.array_equal(dataset.train_images.reshape(30, -1), rows["data_batch_1"][:, 1:])
    assert np.array_equal(dataset.test_labels, rows["test_batch"][:, 0])
    assert dataset.class_names == ("ant", "bee", "fly")


def test_option_for_image_files_is_refused_for_a_set_without_them(images):
    refusal(lambda: image_folders.load(images, 8, skip_unreadable=True), "leave out --skip")


def test_own_set_that_is_no_cifar10_is_rejected_with_the_way_to_train_on_it(tmp_path):
    for number in range(1, 6):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(records(20, 3).tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records(9, 3).tobytes())
    words = ("--dataset pictures", "make pictures-NETWORK")
    assert "delete" not in refusal(lambda: cifar.load("cifar10", tmp_path), *words)
    (tmp_path / "test_batch.bin").write_bytes(records(20, 12).tobytes())
    assert "delete" not in refusal(lambda: cifar.load("cifar10", tmp_path), "label 10", *words)


def test_own_set_without_test_images_or_with_one_class_is_rejected(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(records(20, 1).tobytes())
    refusal(lambda: image_folders.load(tmp_path), "lacks test_batch.bin")
    (tmp_path / "test_batch.bin").write_bytes(b"")
    refusal(lambda: image_folders.load(tmp_path), "test_batch.bin", "no images")
    (tmp_path / "test_batch.bin").write_bytes(records(4, 1).tobytes())
    refusal(lambda: image_folders.load(tmp_path), "one class only")


def test_network_is_trained_on_class_folders(tmp_path):
    folder = class_folders(tmp_path / "set", rose=24, leaf=24, sky=24)
    words = ["--dataset", "pictures", *SMALL, "--image-size", "16", "--output", tmp_path / "run"]
    code, out, err = run_here(*words, "--data-dir", folder)
    assert code == 0 and "set (66 + 6 images in 3 classes)" in out, err
    settings = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]
    assert settings["dataset"] == "pictures"
    assert test_set.load(settings, folder).class_names == ("leaf", "rose", "sky")
    refusal(lambda: test_set.load(settings, None), "--data-dir")
