"""Colours and markers of networks.

As in the paper: dark yellow for the original, blue for the proposed unit, purple for BN after
addition, green for a shortcut's variant; and a plain net is black in every picture. They differ in
lightness too, and each curve has a marker of its own, for readers who see no colours and printers
that print none.
"""

from paper import run_files

COLOURS = {
    "original": "#bfa500",
    "preact": "#0000ff",
    "bn_after_addition": "#a000a0",
    "plain": "#202020",
}
OTHERS = ("#007f3f", "#b03a00", "#00a0d0", "#c05080", "#806040", "#90b000")
MARKERS = "osD^v<>pX"
# 1512.03385, Figure 6 tells depths apart, plain and residual nets in panels of their own
DEPTHS = {
    20: ("#bfa500", "o"),
    32: ("#00a0d0", "D"),
    44: ("#007f3f", "^"),
    56: ("#c02020", "s"),
    110: ("#202020", "v"),
    1202: ("#806040", "p"),
}
DASHES = (0, (5, 2))


def styles(recipes):
    """[(colour, marker)] for networks in one figure; recipes have their activation and shortcut."""
    own = dict(COLOURS)
    others = iter(OTHERS * len(recipes))
    chosen = []
    for recipe, marker in zip(recipes, MARKERS * len(recipes)):
        kind = recipe["activation"] if recipe["shortcut"] == "identity" else recipe["shortcut"]
        # a second depth or recipe of one kind has a colour of its own
        chosen.append((own.pop(kind, None) or next(others), marker))
    return chosen


def of_depths(depths):
    """[(colour, marker)] for networks that differ in depth: the same depth, the same colour."""
    others = dict(zip(sorted(set(depths) - set(DEPTHS)), zip(OTHERS, MARKERS)))
    return [DEPTHS.get(depth) or others.get(depth, ("#202020", "X")) for depth in depths]


def line_style(curve, colour, marker):
    """A solid line; the markers of a user's own run are hollow."""
    return dict(
        linewidth=1.8,
        marker=marker,
        markersize=4,
        markerfacecolor="white" if run_files.is_own(curve.runs[0]) else colour,
    )
