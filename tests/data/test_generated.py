"""The generated set: the same for a seed, in equal shares, and in need of shape and colour."""

import itertools

import numpy as np
import pytest
from conftest import refusal

from data import generated


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_generated_set_is_the_same_for_the_same_seed_and_another_for_another(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        generated.write(tmp_path / name, images=120, seed=seed)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b and a.keys() == c.keys()
    binaries = [content for name, content in [*a.items(), *c.items()] if name.endswith(".bin")]
    assert len(binaries) == 12 and len(set(binaries)) == 12, "two files have the same images"


def test_another_set_is_not_overwritten(tmp_path):
    generated.write(tmp_path, images=6)
    generated.write(tmp_path, images=12)
    (tmp_path / "generated.txt").unlink()
    before = contents(tmp_path)
    refusal(lambda: generated.write(tmp_path, images=6), "another set", "new folder")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("images", [5, 0, -6])
def test_too_few_images_are_refused(tmp_path, images):
    refusal(
        lambda: generated.write(tmp_path / "set", images), f"--images {images}: must be at least 6"
    )
    assert not (tmp_path / "set").exists()


def test_generated_set_has_all_ten_classes_equally_often_in_every_file(records):
    for name, rows in records["cifar10"].items():
        assert np.bincount(rows[:, 0], minlength=10).tolist() == [10] * 10, name
        assert len({row.tobytes() for row in rows[:, 1:]}) == 100, f"{name} repeats images"


def test_generated_classes_need_both_shape_and_colour(images):
    pairs = [name.split(" ") for name in (images / "batches.meta.txt").read_text().splitlines()]
    assert sorted(map(tuple, pairs)) == sorted(
        (colour, shape) for colour in ("cool", "warm") for shape in generated.SHAPES
    )
    assert len(set(generated.SHAPES)) == 5
    images, labels = generated.draw(400, np.random.RandomState(0))
    centre = images[:, :, 12:20, 12:20].astype(int).mean((2, 3))
    redness = centre[:, 0] - centre[:, 2]
    for k in range(0, 10, 2):
        warm, cool = redness[labels == k], redness[labels == k + 1]
        assert pairs[k][0] == "warm" and pairs[k][1] == pairs[k + 1][1]
        assert warm.mean() > cool.mean() + 10, pairs[k]
    means = [
        images[labels == k].astype(int).mean((0, 1)) for k in range(0, 10, 2)
    ]  # of warm shapes
    for shape, other in itertools.combinations(means, 2):
        assert abs(shape - other).max() > 10
