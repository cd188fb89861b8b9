"""Small trees of real JPEGs, and a prepared one, for the tests of ImageNet."""

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from data import prepare

SIDE = 137  # what crops of 64 need: 480 of 224
COLOURS = [(230, 40, 40), (40, 230, 40), (40, 40, 230)]


def picture(path, width, height, colour=(128, 128, 128), mode="RGB", kind="JPEG", seed=0):
    state = np.random.RandomState(seed)
    blocks = np.clip(np.array(colour) + state.randint(-50, 50, (5, 4, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(blocks).resize((width, height), Image.BICUBIC)
    image.convert(mode).save(path, kind, quality=92)


def tree(folder, classes=3, train=12, val=4):
    """train/<class>/ and val/<class>/ with images of odd sizes, kinds and names."""
    for label in range(classes):
        for split, count in (("train", train), ("val", val)):
            for i in range(count):
                path = folder / split / f"class {label}" / f"a picture {i}.JPEG"
                mode = {1: "L", 2: "CMYK"}.get(i, "RGB")
                kind = "PNG" if i == 3 else "JPEG"
                size = (60 + 17 * i, 190 - 11 * i)
                picture(path, *size, COLOURS[label], mode, kind, seed=100 * label + i)
    return folder


def touch(folder, *paths):
    """Create empty files. Returns the folder."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return tree(tmp_path_factory.mktemp("tree of pictures"))


@pytest.fixture(scope="session")
def prepared(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    return prepare.prepare(source, folder, SIDE, workers=2), folder


def decoded(records, i):
    index = records.path.with_suffix(".idx")
    reader = mx.recordio.MXIndexedRecordIO(str(index), str(records.path), "r")
    header, jpeg = mx.recordio.unpack(reader.read_idx(i))
    return header, mx.image.imdecode(jpeg).asnumpy()
