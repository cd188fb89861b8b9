"""The most probable classes of photographs: as text, as a PNG with the photographs, or as CSV."""

import sys

import matplotlib.pyplot as plt
import numpy as np

from . import confusion, styles
from .figure_files import save, use_fonts_for, write_below

HEAD = ("path", "class", "probability")
MARK = "score.py --predict"  # in the metadata of the figure
MARKS = (MARK, ",".join(HEAD))  # a file with one of these may be replaced
LIKELIEST = 5  # classes of a photograph
MOST = 12  # photographs in the figure; the terminal lists all
SHOWN_SIDE = 240  # pixels of a photograph's shorter side, at least


def print_likeliest(predicted, class_names):
    """Print the likeliest classes of each photograph, or why it is skipped.

    predicted: (path, probabilities of the classes, None or the reason). Returns
    [(path, [(class, %)])] of the photographs that are not skipped.
    """
    rows = []
    for path, probabilities, reason in predicted:
        if reason:
            print(f"{path}: skipped ({reason})", file=sys.stderr, flush=True)
            continue
        order = np.argsort(-probabilities, kind="stable")[:LIKELIEST]
        likeliest = [(class_names[k], 100 * float(probabilities[k])) for k in order]
        shares = ", ".join(f"{name} {share:.1f} %" for name, share in likeliest)
        print(f"{path}: {shares}", flush=True)
        rows.append((path, likeliest))
    return rows


def draw(predictions, count, path, note):
    """Write the PNG.

    predictions: [(name, Pillow image, [(class, %), ...])], the first MOST of `count` photographs.
    note: text below the figure.
    """
    if count > len(predictions):
        note += f"; the first {len(predictions)} of {count:,} photographs"
    columns = min(2, len(predictions))
    rows = -(-len(predictions) // columns)
    size = (styles.WIDTH / 2 * columns, 2.1 * rows)
    figure, axes = plt.subplots(rows, 2 * columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    texts = [text for name, _, classes in predictions for text in (name, *(c for c, _ in classes))]
    use_fonts_for("".join(texts))
    for (photograph, chart), (name, image, classes) in zip(axes.reshape(-1, 2), predictions):
        photograph.imshow(image)
        photograph.set_title(name, parse_math=False)
        bars(chart, classes)
    write_below(figure, note)
    save(figure, path, MARK)


def write_csv(path, predictions):
    """Write path, class and probability. predictions: [(path, [(class, %), ...])]."""
    rows = [
        (name, kind, f"{share / 100:.6f}")
        for name, classes in predictions
        for kind, share in classes
    ]
    confusion.write_csv(path, [HEAD, *rows])


def bars(axes, classes):
    """Draw classes as bars, the most probable on top, with names and percentages."""
    axes.set_axis_on()
    axes.barh(range(len(classes)), [share for _, share in classes], color="#0000ff", alpha=0.35)
    for place, (name, share) in enumerate(classes):
        axes.text(2, place, f"{name} {share:.1f} %", va="center", parse_math=False)
    axes.set(xlim=(0, 100), yticks=[], xlabel="probability, %")
    axes.invert_yaxis()
