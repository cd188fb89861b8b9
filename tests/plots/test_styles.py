"""Colours can be told apart by all readers, and no two curves of a figure look alike."""

from itertools import combinations

import numpy as np
import pytest

from common.errors import UserError
from plots import styles

PALETTE = [*styles.COLOURS.values(), *styles.OTHERS]
# Machado, Oliveira and Fernandes 2009, severity 1, for linear sRGB
VISION = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    """Linear sRGB of '#rrggbb'."""
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE Lab of linear sRGB, white point D65."""
    ratios = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(1)
    x, y, z = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_can_be_told_apart(vision):
    seen = {colour: lab(VISION[vision] @ linear(colour)) for colour in PALETTE}
    assert len(seen) == len(styles.MARKERS)
    for pair in combinations(PALETTE, 2):
        assert np.linalg.norm(seen[pair[0]] - seen[pair[1]]) >= 10, pair


@pytest.mark.parametrize("colour", PALETTE)
def test_contrast_on_white_is_3_to_1(colour):
    assert set(styles.DEPTHS.values()) <= set(PALETTE)
    assert 1.05 / (XYZ[1] @ linear(colour) + 0.05) >= 3


def recipe(kind):
    activation = kind if kind in ("original", "preact") else "original"
    return dict(activation=activation, shortcut="identity" if kind == activation else kind)


def test_network_has_the_same_colour_beside_any_other():
    plain, scaled, original = map(recipe, ("plain", "constant_scaling", "original"))
    first, second = styles.styles([plain, scaled]), styles.styles([scaled, plain])
    assert [colour for colour, _ in first] == [colour for colour, _ in second][::-1]
    # a user's own run of the original network comes after the published one
    published = styles.styles([original, scaled])
    both = styles.styles([original, original, scaled])
    assert [both[0][0], both[2][0]] == [colour for colour, _ in published]


def test_most_curves_of_a_figure_differ_in_colour_and_marker():
    curves = styles.styles([recipe("original")] * len(styles.MARKERS))
    for looks in zip(*curves):
        assert len(set(looks)) == len(styles.MARKERS)
    with pytest.raises(UserError, match="13 curves: at most 12"):
        styles.styles([recipe("plain")] * 13)


def test_depth_has_one_colour_in_all_panels():
    assert styles.of_depths([20, 56])[0] == styles.of_depths([20, 56, 110])[0]
    assert len({colour for colour, _ in styles.of_depths([14, 20, 26, 56])}) == 4
