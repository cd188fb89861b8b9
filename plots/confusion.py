"""The accuracy of each class and the confusion matrix of a test: two CSV files and a PNG."""

import csv
import io
import os

import matplotlib.pyplot as plt
import numpy as np

from common.files import write_whole

from .figure_files import check_free, save, use_fonts_for, write_below

HEAD = ("class", "images", "correct", "accuracy (%)")  # of classes.csv
MARK = "plots.confusion"  # in the PNG, by which a later test of the same name recognizes it
NAMED = 40  # classes whose names fit beside the matrix
COUNTED = 20  # classes whose percentages fit into the cells


def write(folder, suffix, names, counts, note):
    """Write classes{suffix}.csv, confusion{suffix}.csv and confusion{suffix}.png into a folder.

    counts: int (classes, classes), images of a class (row) by predicted class (column). note: the
    line below the figure.
    """
    matrix = [("class", *names), *((name, *row) for name, row in zip(names, counts))]
    check_free(folder / f"classes{suffix}.csv", [as_csv([HEAD])])
    check_free(folder / f"confusion{suffix}.csv", [as_csv(matrix[:1])])
    check_free(folder / f"confusion{suffix}.png", [MARK])
    images = counts.sum(axis=1)
    percent = 100 * counts / np.maximum(images, 1)[:, None]
    accuracies = [f"{share:.2f}" if n else "" for n, share in zip(images, np.diag(percent))]
    classes = [HEAD, *zip(names, images, np.diag(counts), accuracies)]
    write_csv(folder / f"classes{suffix}.csv", classes)
    write_csv(folder / f"confusion{suffix}.csv", matrix)
    _draw(folder / f"confusion{suffix}.png", [name[:30] for name in names], percent, note)


def as_csv(rows):
    """Return rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_csv(path, rows):
    """Write rows as CSV, and print the path."""
    write_whole(path, as_csv(rows))
    print(os.path.relpath(path))


def _draw(path, names, percent, note):
    use_fonts_for("".join(names))
    count = len(names)
    side = min(4 + 0.35 * count, 12)
    figure, axes = plt.subplots(figsize=(side + 1.5, side))
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, label="share of the class (%)", shrink=0.8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("class" if count <= NAMED else "class (its row in classes.csv)")
    if count <= NAMED:
        axes.set_xticks(range(count), names, rotation=90, parse_math=False)
        axes.set_yticks(range(count), names, parse_math=False)
    for (row, column), share in np.ndenumerate(percent):
        if share >= 0.5 and count <= COUNTED:
            colour = "white" if share > 50 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour)
    write_below(figure, note)
    save(figure, path, MARK)
