"""One's own pictures through CIFAR's networks: class folders of any pictures, and sets in CIFAR's
layout of any size.
"""

import json
import pickle

import numpy as np
import pytest
from conftest import SMALL, refusal, refused, start
from PIL import Image

from data import cifar, image_folders, test_set

COLOURS = {"rose": (220, 30, 30), "leaf": (30, 220, 30), "sky": (30, 30, 220)}


def class_folders(folder, counts):
    """counts: {class: pictures}, each of one colour and a size of its own."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (40 + 7 * number, 61), COLOURS[name])
            image.save(folder / name / f"{number:02d}.png")
    return folder


def records(count, classes, seed=0):
    """uint8 (count, 3073): the binary version's, every class among the labels."""
    state = np.random.RandomState(seed)
    labels = np.arange(count)[:, None] % classes
    return np.concatenate([labels, state.randint(0, 256, (count, 3072))], axis=1).astype(np.uint8)


def test_class_folders_become_small_squares_with_their_names(tmp_path):
    dataset = image_folders.load(
        class_folders(tmp_path / "my set", {"rose": 12, "leaf": 4, "sky": 2})
    )
    assert dataset.class_names == ("leaf", "rose", "sky") and dataset.classes == 3
    assert dataset.name == "my set (15 + 3 images in 3 classes)"
    assert dataset.train_images.shape == (15, 3, 32, 32) and dataset.train_images.dtype == np.uint8
    assert np.bincount(dataset.test_labels).tolist() == [1, 1, 1]
    images = [*dataset.train_images, *dataset.test_images]
    for image, label in zip(images, [*dataset.train_labels, *dataset.test_labels]):
        assert (image == np.array(COLOURS[dataset.class_names[label]]).reshape(3, 1, 1)).all()


def test_fingerprint_is_of_pictures_and_labels(tmp_path):
    first = class_folders(tmp_path / "one", {"rose": 3, "sky": 3})
    before = image_folders.load(first).fingerprint
    assert image_folders.load(first).fingerprint == before
    Image.new("RGB", (40, 61), (1, 2, 3)).save(first / "sky" / "01.png")
    assert image_folders.load(first).fingerprint != before


def test_image_size_is_any_multiple_of_four(tmp_path):
    folder = class_folders(tmp_path / "set", {"rose": 3, "sky": 3})
    assert image_folders.load(folder, 48).test_images.shape == (2, 3, 48, 48)
    for size in (30, 4, 0, -8):
        words = (f"--image-size {size}", "multiple of 4")
        refusal(lambda: image_folders.load(folder, size), *words)  # noqa: B023


def test_what_is_no_picture_is_named(tmp_path):
    folder = class_folders(tmp_path / "set", {"rose": 3, "sky": 3})
    (folder / "sky" / "notes.txt").write_text("not a picture")
    refusal(lambda: image_folders.load(folder), "1 files", "sky/notes.txt", "--skip-unreadable")
    refusal(
        lambda: image_folders.load(tmp_path / "nowhere"), tmp_path / "nowhere", "does not exist"
    )
    refusal(lambda: image_folders.load(None), "--data-dir", "DATA=")


def test_unreadable_files_are_left_out_when_asked(tmp_path, capsys):
    folder = class_folders(tmp_path / "set", {"rose": 3, "sky": 3})
    (folder / "sky" / "a.txt").write_text("not an image")
    (folder / "sky" / "b.heic").write_bytes(b"ftypheic" + bytes(100))
    refusal(lambda: image_folders.load(folder), "a.txt: not an image", "pillow-heif")
    dataset = image_folders.load(folder, skip_unreadable=True)
    assert "2 files" in capsys.readouterr().out
    assert np.bincount(dataset.train_labels).tolist() == [2, 3]
    (folder / "fog").mkdir()
    (folder / "fog" / "1.png").write_bytes(b"")
    (folder / "fog" / "2.png").write_bytes(b"")
    refusal(lambda: image_folders.load(folder, skip_unreadable=True), "no train image of fog")


def test_transparent_images_are_counted_once(tmp_path, capsys):
    folder = class_folders(tmp_path / "set", {"rose": 3, "sky": 3})
    for number in range(2):
        Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(folder / "sky" / f"0{number}.png")
    images = image_folders.load(folder).train_images
    assert (images == 255).all(axis=(1, 2, 3)).sum() == 2
    assert capsys.readouterr().out == "2 transparent images composited on white\n"


@pytest.mark.parametrize("counts, test", [((50, 51, 3), 37), ((7,), 2), ((20,) * 12, 8)])
def test_own_set_in_the_binary_layout_has_any_number_of_pictures_and_classes(
    tmp_path, counts, test
):
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
    "labels as an array": lambda data, labels: {b"data": data, b"labels": labels.astype("i8")},
    "big-endian labels": lambda data, labels: {b"data": data, b"labels": labels.astype(">i4")},
    "labels as NumPy's scalars": lambda data, labels: {
        "data": data.copy(),
        "labels": list(labels.astype(np.int32)),
    },
    "data in Fortran's order": lambda data, labels: {
        "data": np.asfortranarray(data),
        "labels": labels,
    },
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", FORMS)
def test_pickle_that_is_written_today_is_read(tmp_path, form, protocol):
    rows = {"data_batch_1": records(30, 3, 0), "test_batch": records(9, 3, 1)}
    for name, written in rows.items():
        (tmp_path / name).write_bytes(
            pickle.dumps(FORMS[form](written[:, 1:], written[:, 0]), protocol)
        )
    names = pickle.dumps({"label_names": ["ant", "bee", "fly"]}, protocol)
    (tmp_path / "batches.meta").write_bytes(names)
    dataset = image_folders.load(tmp_path)
    assert np.array_equal(dataset.train_images.reshape(30, -1), rows["data_batch_1"][:, 1:])
    assert np.array_equal(dataset.test_labels, rows["test_batch"][:, 0])
    assert dataset.class_names == ("ant", "bee", "fly")


def test_own_set_taken_for_cifar10_is_told_the_way_and_never_to_delete(tmp_path):
    for number in range(1, 6):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(records(20, 3).tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records(9, 3).tobytes())
    words = ("--dataset pictures", "make pictures-NETWORK")
    assert "delete" not in refusal(lambda: cifar.load("cifar10", tmp_path), *words)
    (tmp_path / "test_batch.bin").write_bytes(records(20, 12).tobytes())
    assert "delete" not in refusal(lambda: cifar.load("cifar10", tmp_path), "label 10", words[0])


def test_own_set_without_test_pictures_or_with_one_class_is_refused(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(records(20, 1).tobytes())
    refusal(lambda: image_folders.load(tmp_path), "lacks test_batch.bin")
    (tmp_path / "test_batch.bin").write_bytes(b"")
    refusal(lambda: image_folders.load(tmp_path), "test_batch.bin", "no images")
    (tmp_path / "test_batch.bin").write_bytes(records(4, 1).tobytes())
    refusal(lambda: image_folders.load(tmp_path), "one class only")


def test_network_is_trained_on_class_folders(tmp_path):
    folder = class_folders(tmp_path / "set", {"rose": 24, "leaf": 24, "sky": 24})
    options = ["--dataset", "pictures", "--image-size", "16", "--output", tmp_path / "run"]
    process = start(*SMALL, *options, "--data-dir", folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and "set (66 + 6 images in 3 classes)" in out, err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["dataset"] == "pictures"
    process = start("--dataset", "pictures", *SMALL, "--output", tmp_path / "other")
    out, err = process.communicate(timeout=300)
    assert refused((process.returncode, out, err), "--data-dir")


def test_run_on_own_pictures_is_scored_on_them(tmp_path):
    folder = class_folders(tmp_path / "set", {"rose": 3, "sky": 3})
    settings = {"dataset": "pictures", "image_size": 16}
    assert test_set.load(settings, folder).class_names == ("rose", "sky")
    refusal(lambda: test_set.load(settings, None), "--data-dir")
