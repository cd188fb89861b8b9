"""Read an image file of any kind as an upright RGB image with 8 bits per channel.

Training, preparation and prediction read image files through this module.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from common.environment import bar, physical_cores

LONGEST = 65500  # pixels of a JPEG's longer side, libjpeg's limit
DEPTHS = (8, 10, 12, 14, 16)  # bits per channel that cameras and scanners use
COMPOSITED = "composited"  # key of Image.info: the file has transparent pixels


def read(file, side=None):
    """Read an image file as an RGB image whose shorter side is not reduced below `side` pixels.

    file: its path, or its bytes. side: None for the full size. Follows EXIF's orientation, as
    MXNet's im2rec.py does (docs/DEVIATIONS.md). Raises ValueError and others for a corrupt or too
    narrow image.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # gluoncv.data sets it
    # Pillow maps a TIFF into memory if it is opened by its path, and then rotates it wrongly
    with BytesIO(file) if isinstance(file, bytes) else open(file, "rb") as stream:
        image = Image.open(stream)
        if side and max(image.size) * side / min(image.size) > LONGEST:
            size = "x".join(map(str, image.size))
            raise ValueError(f"{size} pixels are too narrow for a shorter side of {side}")
        if side:
            image.draft(None, (side, side))  # a large JPEG is decoded at a fraction of its size
        image.load()
        return on_white(eight_bits(upright(image)))


def enlarged(file, side, least):
    """Read an image file for a figure, with a shorter side of at least `side` pixels, or of `least`
    pixels if it is too narrow for that.
    """
    try:
        return read(file, side)
    except ValueError:
        return read(file, least)


def upright(image):
    """Return the image turned or mirrored as EXIF's orientation says."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # corrupt EXIF can raise anything, and the pixels can still be sound
        return image


def eight_bits(image):
    """Return an image of 16 bits per channel (Pillow's modes I and I;16) as one of 8.

    White is the largest value of the smallest depth in DEPTHS that fits the image: scanners store
    10 or 12 bits in files of 16. Raises ValueError for floats and for values outside 16 bits.
    """
    if image.mode[0] not in "IF":
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() >= 2 ** DEPTHS[-1]:
        raise ValueError("neither 8 nor 16 bits per channel")
    bits = next(bits for bits in DEPTHS if values.max() < 2**bits)
    grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
    if "transparency" in image.info:  # the value of transparent pixels
        opaque = values != image.info["transparency"]
        grey.putalpha(Image.fromarray((255 * opaque).astype(np.uint8)))
    return grey


def on_white(image):
    """Return the image in RGB on white; info[COMPOSITED]: whether it has transparent pixels."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    result = white.convert("RGB")
    result.info[COMPOSITED] = image.getextrema()[3][0] < 255
    return result


def resized(image, side, method=Image.BICUBIC):
    """Return the image with its shorter side resized to `side` pixels."""
    width, height = image.size
    short = min(width, height)
    return image.resize((round(width * side / short), round(height * side / short)), method)


def square(image, side):
    """Return the centre of the resized image, uint8 (3, side, side)."""
    pixels = np.asarray(resized(image, side)).transpose(2, 0, 1)
    top, left = ((length - side) // 2 for length in pixels.shape[1:])
    return np.ascontiguousarray(pixels[:, top : top + side, left : left + side])


def attempt(path, side, convert):
    """Return (convert(image), whether it has transparent pixels, None) for a file, by read().

    If this fails: (None, False, the reason).
    """
    try:
        image = read(path, side)
        is_transparent = image.info.get(COMPOSITED, False)
        return convert(image), is_transparent, None
    except Exception as error:  # a corrupt file can raise anything
        return None, False, reason(error, path)


def attempts(folder, pairs, side, convert, title):
    """Yield attempt() for the files of [(path below the folder, label)], in order, on all cores.

    title: of the progress bar.
    """
    with ThreadPoolExecutor(physical_cores()) as pool:  # Pillow decodes without Python's lock
        results = pool.map(lambda pair: attempt(folder / pair[0], side, convert), pairs)
        yield from bar(results, total=len(pairs), desc=title, unit="image", leave=False)


def reason(error, path):
    """Return why a file cannot be read, in one line without its folder."""
    if isinstance(error, UnidentifiedImageError):
        if path.suffix.lower() in (".heic", ".heif"):
            return "HEIC: convert it to JPEG"
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels: reduce it"
    return " ".join(f"{type(error).__name__}: {error}".split()).replace(str(path), path.name)


def composited(count):
    """Return the message about transparent images."""
    noun = "image" if count == 1 else "images"
    return f"{count:,} transparent {noun} composited on white"


def printable(name):
    """Return a file's name as text that any file and terminal in UTF-8 accepts."""
    return os.fsencode(name).decode("utf-8", "replace")


def title(folder, train, test, classes):
    """Return the name of a set in figures and tables. train, test: numbers of images."""
    counts = f"{train:,} + {test:,} images in {len(classes):,} classes"
    return f"{printable(folder.resolve().name)} ({counts})"
