"""CIFAR's files in both versions, smaller and held-out images."""

import hashlib
import inspect
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from cifar_files import TRAIN_FILES, python2_pickle, python3_pickle, same, write
from conftest import refusal

from data import cifar


def test_generated_set_loads_with_the_pixels_and_labels_that_were_written(images, records):
    dataset = cifar.load("cifar10", images)
    train = np.concatenate([records["cifar10"][name] for name in TRAIN_FILES["cifar10"]])
    assert dataset.test_images.shape == (100, 3, 32, 32)
    assert dataset.train_images.dtype == dataset.train_labels.dtype == np.uint8
    assert np.array_equal(dataset.train_images.reshape(500, -1), train[:, 1:])
    assert np.array_equal(dataset.train_labels, train[:, 0])
    assert np.array_equal(dataset.test_labels, records["cifar10"]["test_batch"][:, 0])
    # the binary version has all red bytes first, row by row
    pixel = records["cifar10"]["test_batch"][7, 1 + 2 * 1024 + 3 * 32 + 4]
    assert dataset.test_images[7, 2, 3, 4] == pixel
    assert dataset.classes == 10 and "generated shapes" in dataset.name


def test_known_set_has_its_name(images, tmp_path, monkeypatch):
    layout = cifar.LAYOUTS["cifar10"]
    places = shutil.copytree(images, tmp_path / "copy")
    (places / "generated.txt").unlink()
    labels = np.fromfile(places / f"{layout.test}.bin", np.uint8).reshape(100, -1)[:, 0]
    assert cifar.load("cifar10", places).name.startswith("copy (500 + 100 images")
    monkeypatch.setitem(cifar.TEST_LABELS, hashlib.sha1(labels.tobytes()).hexdigest(), "by labels")
    assert cifar.load("cifar10", places).name == "by labels"
    content = (places / f"{layout.test}.bin").read_bytes()
    monkeypatch.setitem(cifar.TEST_FILES, hashlib.sha1(content).hexdigest(), "by file")
    assert cifar.load("cifar10", places).name == "by file"


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_official_sets_are_those_of_mxnet(name):
    source = inspect.getsource(getattr(mx.gluon.data.vision, name))
    (known,) = [sha1 for sha1, title in cifar.TEST_FILES.items() if title == f"CIFAR-{name[5:]}"]
    assert f"test{'_batch' * (name == 'CIFAR10')}.bin', '{known}'" in source


@pytest.mark.parametrize("dump", [python3_pickle, python2_pickle])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_binary_and_python_version_load_to_the_same_arrays(tmp_path, records, name, dump):
    write(tmp_path / "binary", "binary", name, records[name])
    write(tmp_path / "python", "python", name, records[name], dump)
    first, other = cifar.load(name, tmp_path / "binary"), cifar.load(name, tmp_path / "python")
    assert len(first.train_labels) == 500 and len(first.test_labels) == 100
    same(first, other)


@pytest.mark.parametrize("version", ["binary", "python"])
def test_class_of_a_cifar100_image_is_its_fine_label(tmp_path, records, version):
    write(tmp_path, version, "cifar100", records["cifar100"])
    dataset = cifar.load("cifar100", tmp_path)
    assert dataset.classes == 100
    assert np.array_equal(dataset.train_labels, records["cifar100"]["train"][:, 1])
    assert np.array_equal(dataset.test_labels, records["cifar100"]["test"][:, 1])
    assert np.array_equal(dataset.test_images.reshape(100, -1), records["cifar100"]["test"][:, 2:])


def test_folder_of_the_other_cifar_is_refused_with_a_name_for_both(tmp_path, records):
    folder = tmp_path / "cifar-10-batches-bin"
    write(folder, "binary", "cifar10", records["cifar10"])
    refusal(lambda: cifar.load("cifar100", folder), "or the one with cifar-100-binary/")
    write(tmp_path / "cifar-100-binary", "binary", "cifar100", records["cifar100"])
    for name in ("cifar10", "cifar100"):
        same(
            cifar.load(name, tmp_path), cifar.load(name, tmp_path / cifar.LAYOUTS[name].folders[0])
        )


@pytest.mark.parametrize(
    "name, version, inside",
    [
        ("cifar10", "binary", "cifar-10-batches-bin"),
        ("cifar10", "python", "cifar-10-batches-py"),
        ("cifar100", "binary", "cifar-100-binary"),
        ("cifar100", "python", "cifar-100-python"),
    ],
)
def test_official_folder_and_archive_are_read_directly(tmp_path, records, name, version, inside):
    write(tmp_path / inside, version, name, records[name])
    expected = cifar.load(name, tmp_path / inside)
    same(cifar.load(name, tmp_path), expected)
    archive = shutil.make_archive(tmp_path / f"my-{name}", "gztar", tmp_path, inside)
    from_archive = cifar.load(name, archive)
    same(from_archive, expected)
    assert from_archive.name.startswith(f"my-{name} (500")
    hidden = Path(archive).rename(tmp_path / f".my-{name}.tar.gz")
    assert cifar.load(name, hidden).name == from_archive.name


def test_fingerprint_changes_with_one_pixel_and_not_with_image_size(tmp_path, records):
    write(tmp_path, "binary", "cifar100", records["cifar100"])
    before = cifar.load("cifar100", tmp_path).fingerprint
    assert cifar.load("cifar100", tmp_path, image_size=8).fingerprint == before
    changed = {name: rows.copy() for name, rows in records["cifar100"].items()}
    changed["train"][123, 2000] ^= 1
    write(tmp_path, "binary", "cifar100", changed)
    assert cifar.load("cifar100", tmp_path).fingerprint != before


def test_set_in_the_working_folder_has_a_name(tmp_path, records, monkeypatch):
    write(tmp_path / "mine", "binary", "cifar10", records["cifar10"])
    monkeypatch.chdir(tmp_path / "mine")
    assert cifar.load("cifar10", ".").name.startswith("mine (500 + 100 images")


@pytest.mark.parametrize("size", [32, 16, 8, 4])
def test_smaller_image_is_the_rounded_mean_of_each_block(images, size):
    originals = cifar.load("cifar10", images).test_images.copy()
    originals[0, 0], originals[0, 1] = 255, 0  # the largest sums, the smallest
    block = 32 // size
    blocks = originals.reshape(100, 3, size, block, size, block).astype(int)
    means = np.floor(blocks.mean(axis=(3, 5)) + 0.5).astype(np.uint8)
    small = cifar.block_average(originals, size)
    assert small.dtype == np.uint8 and np.array_equal(small, means)
    assert np.array_equal(cifar.load("cifar10", images, size).test_images[1:], means[1:])


def test_held_out_tenth_and_the_rest_are_disjoint_and_together_the_training_set(images):
    dataset = cifar.load("cifar10", images)
    split = cifar.split_validation(dataset, 3)
    assert len(split.train_images) == 450 and len(split.test_images) == 50

    def rows(images, labels):
        return {(image.tobytes(), label) for image, label in zip(images, labels)}

    complete = rows(dataset.train_images, dataset.train_labels)
    kept = rows(split.train_images, split.train_labels)
    held_out = rows(split.test_images, split.test_labels)
    assert len(complete) == 500 and not kept & held_out and kept | held_out == complete
    assert split.name != dataset.name


def test_held_out_tenth_depends_on_the_seed_and_on_nothing_else(images):
    dataset = cifar.load("cifar10", images)
    same(cifar.split_validation(dataset, 3), cifar.split_validation(dataset, 3))
    others = [cifar.split_validation(dataset, seed).test_images for seed in (3, 4, 5)]
    assert not any(np.array_equal(others[a], others[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_set_too_small_to_hold_out_a_tenth_is_refused(images):
    dataset = cifar.load("cifar10", images)
    nine = dataset._replace(train_images=dataset.train_images[:9])
    refusal(lambda: cifar.split_validation(nine, 0), "--validation", "9", "leave it out")


def test_archive_of_another_set_is_rejected(tmp_path, records):
    write(tmp_path / "set", "binary", "cifar10", records["cifar10"])
    archive = shutil.make_archive(tmp_path / "set", "gztar", tmp_path / "set")
    refusal(lambda: cifar.load("cifar100", archive), archive, "no CIFAR-100")
