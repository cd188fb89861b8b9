"""The generated set: the same for a seed, in equal shares, and in need of shape and colour."""

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
