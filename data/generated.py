"""Generate a set in CIFAR-10's binary layout, whose classes are combinations of shape and colour.

Ten classes: five shapes (disc, square, triangle, cross, ring) in a warm and a cool colour, with
random position, size and angle, on a coloured background, with clutter of both colours and noise.
The set needs no download; `make demo` and the tests use it. Errors on it say nothing about CIFAR.

    .venv/bin/python -m data.generated data/generated  # 10,000 + 2,000 images, 37 MB, a few seconds
"""

from pathlib import Path

import numpy as np

from common.command import Parser, new_folder
from common.errors import UserError, run_main
from common.files import write_whole

from .layouts import BINARY, LAYOUTS

SHAPES = ("disc", "square", "triangle", "cross", "ring")
CLASSES = [f"{colour} {shape}" for shape in SHAPES for colour in ("warm", "cool")]


def _inside(shape, u, v):
    """Return the points (u, v) around the centre that belong to a shape. All have similar areas."""
    return {
        "disc": u * u + v * v < 0.56,
        "square": np.maximum(abs(u), abs(v)) < 0.66,
        "triangle": (v < 0.62) & (v > 1.9 * abs(u) - 1.0),
        "cross": (np.minimum(abs(u), abs(v)) < 0.27) & (np.maximum(abs(u), abs(v)) < 0.95),
        "ring": abs(np.sqrt(u * u + v * v) - 0.66) < 0.22,
    }[shape]


def _colour(hue, value, saturation):
    """Return RGB (n, 3) from 0 to 255 of hue, value and saturation from 0 to 1."""
    sector = (hue[:, None] * 6 + np.array([0, 4, 2])) % 6
    share = 1 - saturation[:, None] * (1 - np.clip(abs(sector - 3) - 1, 0, 1))
    return 255 * value[:, None] * share


def draw(count, state):
    """Return images uint8 (count, 3, 32, 32) and labels uint8 (count,) of balanced classes."""
    labels = state.permutation(np.arange(count) % 10).astype(np.uint8)
    y, x = np.mgrid[0:32, 0:32] - 15.5

    def uniform(low, high):
        return state.uniform(low, high, count)

    def hues(warm):
        return np.where(warm, state.normal(0.06, 0.045, count), state.normal(0.56, 0.06, count)) % 1

    def coordinates(radius, reach):
        """Return (u, v) around a random centre, turned at random, in units of the radius."""
        centre_x, centre_y = state.uniform(-reach, reach, (2, count, 1, 1))
        angle = state.uniform(0, 2 * np.pi, (count, 1, 1))
        dx, dy = x - centre_x, y - centre_y
        u = (np.cos(angle) * dx - np.sin(angle) * dy) / radius
        return u, (np.sin(angle) * dx + np.cos(angle) * dy) / radius

    def paint(image, mask, colour):
        return np.where(mask[:, None], colour[:, :, None, None], image)

    # background: a gradient between two muted colours
    u, _ = coordinates(np.full((count, 1, 1), 40.0), 8)
    blend = np.clip(u + 0.5, 0, 1)[:, None]
    first = _colour(uniform(0, 1), uniform(0.3, 0.8), uniform(0.1, 0.5))
    second = _colour(uniform(0, 1), uniform(0.3, 0.8), uniform(0.1, 0.5))
    image = first[:, :, None, None] * (1 - blend) + second[:, :, None, None] * blend
    # clutter: bars of both colours
    for _ in range(3):
        u, v = coordinates(state.uniform(3, 6, (count, 1, 1)), 14)
        colour = _colour(hues(state.randint(0, 2, count)), uniform(0.4, 1.0), uniform(0.5, 1.0))
        image = paint(image, (abs(u) < 0.95) & (abs(v) < 0.22), colour)
    # the shape itself
    u, v = coordinates(state.uniform(7, 12, (count, 1, 1)), 5)
    mask = np.choose(labels[:, None, None] // 2, [_inside(name, u, v) for name in SHAPES])
    colour = _colour(hues(labels % 2 == 0), uniform(0.45, 1.0), uniform(0.45, 1.0))
    image = paint(image, mask, colour)
    image = image + state.normal(0, 1, image.shape) * state.uniform(10, 40, (count, 1, 1, 1))
    return np.clip(image, 0, 255).round().astype(np.uint8), labels


def write(folder, images=12000, seed=0):
    """Write a set: five sixths of the images for training, one sixth for testing."""
    if images < 6:
        raise UserError(f"--images {images}: must be at least 6, one for each file")
    folder = Path(folder)
    layout = LAYOUTS["cifar10"]
    about = folder / "generated.txt"
    if (folder / f"{layout.test}{BINARY}").exists() and not about.exists():
        raise UserError(f"{folder} has another set: name a new folder")
    title = f"generated shapes ({images // 6 * 5:,} + {images // 6:,} images, seed {seed})"
    write_whole(about, f"{title}\n")  # first: an interrupted call can be repeated
    for k, name in enumerate([*layout.train, layout.test]):
        pixels, labels = draw(images // 6, np.random.RandomState([seed, k]))
        records = np.concatenate([labels[:, None], pixels.reshape(len(pixels), -1)], axis=1)
        write_whole(folder / f"{name}{BINARY}", records.tobytes())
    write_whole(folder / layout.names[0], "\n".join(CLASSES) + "\n")


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("folder", type=new_folder)
    parser.add_argument("--images", type=int, default=12000, help="number; a sixth is for testing")
    write(**vars(parser.parse_args()))


if __name__ == "__main__":
    run_main(main)
