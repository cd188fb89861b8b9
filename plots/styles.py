"""Colours, markers and widths of figures.

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
OTHERS = "#007f3f #961e00 #1e96ff #c36996 #5a1e5a #4b5aff #4b00a5 #ff2d5a".split()
MARKERS = "osD^v<>pXP*h"
# Networks that differ in depth; plain and residual networks have separate panels.
DEPTHS = {20: "#9e8600", 56: "#961e00", 110: "#202020"}
DASHES = (0, (5, 2))
WIDTH = 8.8  # inches; the default of figures


def styles(recipes):
    """Return [(colour, marker)] for the curves of one figure, no two alike.

    recipes: each with its activation and shortcut. Raises UserError for more curves than markers.
    """
    kinds = [
        recipe["activation"] if recipe["shortcut"] == "identity" else recipe["shortcut"]
        for recipe in recipes
    ]
    return _assign(kinds, COLOURS)


def of_depths(depths):
    """Return [(colour, marker)] for networks that differ in depth."""
    return _assign(depths, DEPTHS)


def _assign(kinds, colours):
    """Return [(colour, marker)] of kinds of networks. colours: {kind: colour in all figures}."""
    if len(kinds) > len(MARKERS):
        raise UserError(
            f"{len(kinds)} curves: at most {len(MARKERS)} can be told apart in a figure; draw "
            "fewer runs"
        )
    used = {colours[kind] for kind in kinds if kind in colours}
    assigned = []
    for i, kind in enumerate(kinds):
        repeated = kind in kinds[:i]  # a second recipe, or a user's own run
        if kind in colours and not repeated:
            assigned.append(colours[kind])
            continue
        order = [*(reversed(OTHERS) if repeated else OTHERS), *COLOURS.values()]
        assigned.append(next(colour for colour in order if colour not in used))
        used.add(assigned[-1])
    return list(zip(assigned, MARKERS))


def legend_above(axes, title=None, columns=1):
    """Place the legend above the axes, where it hides nothing."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), title=title, ncols=columns)


def stage_borders(axes, places, stages):
    """Draw a vertical line at each place where another stage begins."""
    for place, before, stage in zip(places[1:], stages, stages[1:]):
        if stage != before:
            axes.axvline(place, color="0.8", linewidth=0.8, zorder=0)
