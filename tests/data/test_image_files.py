"""An image file of any kind becomes an upright image of 8 bits."""

import numpy as np
import pytest
from PIL import Image

from data import image_files, prepare


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P"])
def test_colours_survive_grey_and_cmyk(tmp_path, mode):
    image = Image.new("RGB", (90, 70), (200, 100, 50)).convert(mode)
    image.save(tmp_path / "a.img", "JPEG" if mode in ("RGB", "L", "CMYK") else "PNG")
    (_, mean), *_ = image_files.attempt(tmp_path / "a.img", 64, lambda i: prepare.encode(i, 64))
    expected = [200, 100, 50] if mode != "L" else 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    assert np.allclose(mean, expected, atol=12 if mode == "P" else 4)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(
    "name, dtype", [("I;16.png", np.uint16), ("I;16B.tif", ">u2"), ("I.tif", np.int32)]
)
def test_white_is_the_largest_value_of_the_depth_in_use(tmp_path, name, dtype, bits):
    values = np.linspace(0, 2**bits - 1, 64)[None].repeat(64, axis=0)
    Image.fromarray(values.astype(dtype)).save(tmp_path / name)
    pixels = np.asarray(image_files.read(tmp_path / name, 64))
    assert abs(pixels - (values * 255 / (2**bits - 1))[:, :, None]).max() < 2


def test_values_outside_16_bits_are_rejected(tmp_path):
    values = np.linspace(0, 60000, 64)[None].repeat(64, axis=0)
    for floats in (values.astype(np.float32), values.astype(np.int32) - 1, values.astype("i4") * 2):
        Image.fromarray(floats).save(tmp_path / "deep.tif")
        with pytest.raises(ValueError, match="bits"):
            image_files.read(tmp_path / "deep.tif", 64)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(tmp_path, mode):
    image = Image.new("RGBA", (40, 20), (0, 0, 0, 0))  # a black sign on hidden black
    image.paste((0, 0, 0, 255), (10, 5, 30, 15))
    image.convert(mode).save(tmp_path / "sign.png")
    read = image_files.read(tmp_path / "sign.png", 16)
    assert read.getpixel((0, 0)) == (255, 255, 255) and read.getpixel((20, 10)) == (0, 0, 0)
    assert read.info[image_files.COMPOSITED]
    Image.new("RGBA", (40, 20), (9, 9, 9, 255)).save(tmp_path / "opaque.png")
    assert not image_files.read(tmp_path / "opaque.png", 16).info[image_files.COMPOSITED]


def test_transparent_grey_of_a_png_of_16_bits_becomes_white(tmp_path):
    values = np.full((20, 40), 60000, np.uint16)
    values[:, :20] = 0
    Image.fromarray(values).save(tmp_path / "sign.png", transparency=0)
    read = image_files.read(tmp_path / "sign.png", 16)
    assert read.getpixel((0, 0)) == (255, 255, 255) and read.getpixel((39, 0))[0] < 240
    assert read.info[image_files.COMPOSITED]


def test_narrow_image_is_rejected_before_it_is_enlarged(tmp_path):
    Image.new("RGB", (2, 2000)).save(tmp_path / "narrow.png")
    with pytest.raises(ValueError, match="2x2000"):
        image_files.read(tmp_path / "narrow.png", 480)


# {EXIF's orientation: what a camera stores of an upright image}
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize(
    "kind", ["png", "png of 16 bits", "tif", "tif of 16 bits", "jpg", "jpg of twice the size"]
)
@pytest.mark.parametrize("orientation", STORED)
def test_each_orientation_of_a_camera_is_turned_upright(tmp_path, orientation, kind):
    colours = np.random.RandomState(0).randint(0, 256, (3, 4, 3))
    if kind.endswith("16 bits"):
        colours[:] = colours[:, :, :1]
    block = 128 if kind.endswith("twice the size") else 32
    upright = np.kron(colours, np.ones((block, block, 1), int)).astype(np.uint8)
    stored = np.ascontiguousarray(STORED[orientation](upright))
    if kind.endswith("16 bits"):
        stored = stored[:, :, 0].astype(np.uint16) * 257
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"photo.{kind[:3]}"
    options = {"quality": 95, "subsampling": 0} if kind[:3] == "jpg" else {}
    Image.fromarray(stored).save(path, exif=exif, **options)
    pixels = np.asarray(image_files.read(path, 96)).astype(int)
    block = pixels.shape[0] // 3
    assert pixels.shape == (3 * block, 4 * block, 3)
    centres = pixels[block // 2 :: block, block // 2 :: block]
    assert abs(centres - colours).max() <= (6 if kind[:3] == "jpg" else 0)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"junk", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff"])
def test_corrupt_exif_leaves_the_image_as_it_is(tmp_path, exif):
    Image.new("RGB", (40, 20), (200, 0, 0)).save(tmp_path / "photo.jpg", exif=b"Exif\0\0" + exif)
    assert image_files.read(tmp_path / "photo.jpg", 16).size == (40, 20)


def test_square_is_the_centre_and_leaves_an_image_of_that_size_alone():
    pixels = np.random.RandomState(0).randint(0, 256, (32, 32, 3), dtype=np.uint8)
    square = image_files.square(Image.fromarray(pixels), 32)
    assert np.array_equal(square, pixels.transpose(2, 0, 1))
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = (10, 200, 30)
    for centred in (wide, wide.transpose(1, 0, 2)):
        square = image_files.square(Image.fromarray(centred), 32)
        assert square.shape == (3, 32, 32)
        assert (square[:, 4:28, 4:28] == np.array([10, 200, 30]).reshape(3, 1, 1)).all()
