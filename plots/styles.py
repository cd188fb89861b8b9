"""Colours and markers of curves.

The paper's colours: dark yellow for the original network, blue for the proposed unit, purple for BN
after addition, green for a shortcut; plain networks are black. Any two colours differ for readers
with deuteranopia or protanopia, and all have a contrast of at least 3:1 on white
(tests/plots/test_styles.py).
"""

from common.errors import UserError

COLOURS = {
    "original": "#9e8600",
    "preact": "#0000ff",
    "bn_after_addition": "#a000a0",
    "plain": "#202020",
}
# Kinds without an entry in COLOURS take these from the left, repeated kinds from the right.
OTHERS = (
    "#007f3f",
    "#961e00",
    "#1e96ff",
    "#c36996",
    "#5a1e5a",
    "#4b5aff",
    "#4b00a5",
    "#ff2d5a",
)
MARKERS = "osD^v<>pXP*h"
MOST = len(MARKERS)  # curves in one figure
# Networks that differ in depth; plain and residual networks have separate panels.
DEPTHS = {
    20: "#9e8600",
    32: "#1e96ff",
    44: "#007f3f",
    56: "#961e00",
    110: "#202020",
    1202: "#5a1e5a",
}
DASHES = (0, (5, 2))


def styles(recipes):
    """[(colour, marker)] for the curves of one figure, no two alike.

    recipes: each with its activation and shortcut. Raises UserError for more than MOST.
    """
    kinds = [
        recipe["activation"] if recipe["shortcut"] == "identity" else recipe["shortcut"]
        for recipe in recipes
    ]
    return _assign(kinds, COLOURS)


def of_depths(depths):
    """The same for networks that differ in depth."""
    return _assign(depths, DEPTHS)


def _assign(kinds, colours):
    """colours: {kind: its colour in all figures}"""
    if len(kinds) > MOST:
        raise UserError(
            f"{len(kinds)} curves: at most {MOST} can be told apart in a figure; draw fewer runs"
        )
    used = {colours[kind] for kind in kinds if kind in colours}

    def unused(order):
        colour = next(colour for colour in order if colour not in used)
        used.add(colour)
        return colour

    assigned = []
    for i, kind in enumerate(kinds):
        if kind in kinds[:i]:  # a second recipe, or a user's own run
            assigned.append(unused((*reversed(OTHERS), *COLOURS.values())))
        else:
            assigned.append(colours.get(kind) or unused((*OTHERS, *COLOURS.values())))
    return list(zip(assigned, MARKERS))
