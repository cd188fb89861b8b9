"""One picture file of any kind -> an upright picture of 8 bits a colour: what is prepared, trained
on and predicted."""

import os
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile, ImageOps

LONGEST = 65500  # pixels of a JPEG's longer side, as libjpeg has it


def read(path, side):
    """A picture file of any kind and colour space -> a Pillow image in RGB whose shorter side is
    not made smaller than `side`.

    A camera's orientation (EXIF) is followed, as MXNet's own im2rec.py does: docs/DEVIATIONS.md.
    Raises ValueError and others for what is no whole picture, or too narrow.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # which gluoncv.data turns on for everybody
    # from an open file, because Pillow maps a TIFF that it is given by its path, and turns that one
    # wrongly
    with open(path, "rb") as file, Image.open(file) as image:
        if max(image.size) * side / min(image.size) > LONGEST:
            raise ValueError(
                f"{image.size[0]}x{image.size[1]} pixels are too narrow for a shorter "
                f"side of {side}"
            )
        # a JPEG of more than twice the size is decoded at half of it
        image.draft(None, (side, side))
        image.load()
        return plain(image)


def decoded(content):
    """The bytes of a picture file -> a Pillow image in RGB, as MXNet's ImageRecordIter decodes it.

    Raises ValueError and others for what is no whole picture.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with Image.open(BytesIO(content)) as image:
        image.load()
        return plain(image)


def plain(image):
    """A Pillow image upright, in RGB."""
    return eight_bits(upright(image)).convert("RGB")


def upright(image):
    """The picture as its camera was held: for EXIF's orientations 2 to 8, turned or mirrored."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF can raise anything, and says nothing of the pixels
        return image


def eight_bits(image):
    """Pillow's modes I and I;16 are pictures of 16 bits, which convert() would cut off at 255; F
    does not say what white is."""
    if image.mode[0] not in "IF":
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("neither 8 nor 16 bits a colour")
    return Image.fromarray((values >> 8).astype(np.uint8))


def resized(image, side):
    """The image with its shorter side resized to `side` pixels, by bicubic interpolation."""
    width, height = image.size
    short = min(width, height)
    return image.resize((round(width * side / short), round(height * side / short)), Image.BICUBIC)


def square(image, side):
    """uint8 (3, side, side): the shorter side resized, then the centre; a picture of that size
    stays as it is."""
    image = resized(image, side)
    width, height = image.size
    left = (width - side) // 2
    top = (height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side)))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def reason(error, path):
    """Why a file cannot be read, in one line without its folder."""
    return " ".join(f"{type(error).__name__}: {error}".split()).replace(str(path), path.name)


def printable(name):
    """A file's name as text that any file and terminal in UTF-8 takes, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")
