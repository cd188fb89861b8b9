"""Photographs, and beside each the classes that a network takes it for: one PNG."""

import math

import matplotlib.pyplot as plt

from .figure_files import save, write_below

COLUMNS = 3
MOST = 12  # pictures that are drawn; the lines tell of all


def draw(predictions, count, path, note):
    """Write the PNG. predictions: [(name, Pillow image, [(class, %), ...])], the first MOST of
    `count`; note: a line below."""
    if count > len(predictions):
        note += f"; the first {len(predictions)} of {count:,} pictures"
    columns = min(COLUMNS, len(predictions))
    rows = math.ceil(len(predictions) / columns)
    figure, axes = plt.subplots(
        rows, 2 * columns, figsize=(5.2 * columns, 2.4 * rows), squeeze=False, layout="constrained"
    )
    for pair in axes.flat:
        pair.set_axis_off()
    for k, (name, image, likeliest) in enumerate(predictions):
        row = axes[k // columns]
        column = 2 * (k % columns)
        row[column].imshow(image)
        row[column].set_title(name, fontsize=8)
        bars(row[column + 1], likeliest)
    write_below(figure, note)
    save(figure, path)
    plt.close(figure)


def bars(axes, likeliest):
    """Classes as bars, the likeliest on top; names and percentages as text."""
    axes.set_axis_on()
    places = range(len(likeliest))
    axes.barh(places, [share for _, share in likeliest], color="#0000ff", alpha=0.35)
    for place, (name, share) in enumerate(likeliest):
        axes.text(2, place, f"{name} {share:.1f} %", va="center", fontsize=8)
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_xlabel("probability (%)", fontsize=7)
    axes.tick_params(labelsize=7)
