"""The most probable classes of photographs, as a PNG with the photographs or as CSV."""

import math
import os

import matplotlib.pyplot as plt

from common.files import write_whole

from . import measured
from .confusion import csv_text
from .figure_files import plain, save, write_below

COLUMNS = 2
MOST = 12  # photographs in the figure; the terminal lists all
SHOWN_SIDE = 240  # pixels of a photograph's shorter side, at least


@measured.STYLE
def draw(predictions, count, path, note):
    """Write the PNG.

    predictions: [(name, Pillow image, [(class, %), ...])], the first MOST of `count` photographs.
    note: text below the figure.
    """
    if count > len(predictions):
        note += f"; the first {len(predictions)} of {count:,} photographs"
    columns = min(COLUMNS, len(predictions))
    rows = math.ceil(len(predictions) / columns)
    size = (measured.WIDTH / COLUMNS * columns, 2.1 * rows)
    figure, axes = plt.subplots(rows, 2 * columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    pairs = axes.reshape(-1, 2)
    for (photograph, chart), (name, image, classes) in zip(pairs, predictions):
        photograph.imshow(image)
        photograph.set_title(plain(name))
        bars(chart, classes)
    write_below(figure, note)
    save(figure, path)
    plt.close(figure)


def write_csv(path, predictions):
    """Write path, class and probability. predictions: [(path, [(class, %), ...])]."""
    rows = [
        (name, kind, f"{share / 100:.6f}")
        for name, classes in predictions
        for kind, share in classes
    ]
    write_whole(path, csv_text([("path", "class", "probability"), *rows]))
    print(os.path.relpath(path))


def bars(axes, classes):
    """Classes as bars, the most probable on top, with names and percentages."""
    axes.set_axis_on()
    places = range(len(classes))
    axes.barh(places, [share for _, share in classes], color="#0000ff", alpha=0.35)
    for place, (name, share) in enumerate(classes):
        axes.text(2, place, plain(f"{name} {share:.1f} %"), va="center")
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_xlabel("probability, %")
