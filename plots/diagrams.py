"""The units of Figures 1 (left), 2, 4 and 5, drawn from the symbols that are trained; Figure 2(b) to
(d) in the paper's form (paper_form.py).

    .venv/bin/python -m plots.diagrams           # make diagrams: all, and your own variants
    .venv/bin/python -m plots.diagrams figure2   # make figure2
    .venv/bin/python -m plots.diagrams preact-exclusive_gating   # any network, without its depth
"""

import textwrap
from collections import namedtuple

import matplotlib.pyplot as plt
from matplotlib.patches import Ellipse, FancyBboxPatch, Rectangle

from common import files
from common.command import Parser
from common.errors import UserError, run_main
from symbols import names

from . import figure_files
from .layout import DEPTH, MEETINGS, of_network
from .routes import HALF_BOX, HALF_CIRCLE, Router

# units: the numbers of the first and the last unit, in the first stage. frames: as for _frames().
# is_paper_form: as for layout.of_network.
Panel = namedtuple(
    "Panel",
    "title activation shortcut units frames is_paper_form",
    defaults=((2, 2), None, False),
)
# fmt: off
FIGURES = {
    "figure1-units": ("1603.05027, Figure 1 left", [
        Panel("(a) original", "original", "identity"),
        Panel("(b) proposed", "preact", "identity"),
    ]),
    "figure2": ("1603.05027, Figure 2: shortcuts (with BN, which the paper's drawing leaves out)", [
        Panel("(a) original", "original", "identity"),
        Panel("(b) constant scaling", "original", "constant_scaling", is_paper_form=True),
        Panel("(c) exclusive gating", "original", "exclusive_gating", is_paper_form=True),
        Panel("(d) shortcut-only gating", "original", "shortcut_only_gating", is_paper_form=True),
        Panel("(e) conv shortcut", "original", "convolution"),
        Panel("(f) dropout shortcut", "original", "dropout"),
    ]),
    "figure2-as-computed": ("Figure 2 (b) to (d) as they are computed: algebraically equal, and faster", [
        Panel("(b) constant scaling", "original", "constant_scaling"),
        Panel("(c) exclusive gating", "original", "exclusive_gating"),
        Panel("(d) shortcut-only gating", "original", "shortcut_only_gating"),
    ]),
    "figure4": ("1603.05027, Figure 4: activations", [
        Panel("(a) original", "original", "identity"),
        Panel("(b) BN after addition", "bn_after_addition", "identity"),
        Panel("(c) ReLU before addition", "relu_before_addition", "identity"),
        Panel("(d) ReLU-only\npre-activation", "relu_only_preact", "identity"),
        Panel("(e) full\npre-activation", "preact", "identity"),
    ]),
    "figure5": ("1603.05027, Figure 5: from post- to pre-activation; dashed: one residual unit", [
        Panel("(a) original", "original", "identity", (2, 3), "whole"),
        Panel("(b) asymmetric: the activation\non the weight path only", "preact", "identity", (2, 3), "shifted"),
        Panel("(c) the same graph, grouped\nas pre-activation units", "preact", "identity", (2, 3), "whole"),
    ]),
}
# fmt: on
COLUMNS = 3  # panels in a row
COLOURS = {"weight": "#cfe3f5", "BN": "#fbe5c8", "ReLU": "#d9efd2", "other": "#eeeeee"}
INCHES = (0.6, 0.45)  # one unit of a diagram
MARGIN = 0.35  # of a panel's sides, in units of a diagram
TITLE = 0.45  # height of a title in inches
GREY = "0.55"
FRAME = "#a000a0"


def draw_unit(axes, panel):
    """Draw a panel's units from x_l at the top to the last output at the bottom.

    Returns (left, right, bottom): the ends of the x axis and of the y axis, in units of a diagram.
    """
    layout = of_network(
        panel.activation, panel.shortcut, *panel.units, is_paper_form=panel.is_paper_form
    )
    router = Router(layout)
    last = list(layout.inputs)[-1]
    x, y = router.at[last]
    end = (x, y + 1.3)
    arrows = [*router.arrows, (last, None, [(x, y + router.half[last][1]), end])]
    for source, name, points in arrows:
        # the paper draws the way straight down the shortcut as a broad grey arrow
        straight = len(points) == 2 and points[0][0] == 0
        _arrow(axes, points, straight and (name is None or router.at[name][0] == 0))
        if layout.words.get(name) == MEETINGS["elemwise_sub"]:
            _sign(axes, points, "+" if source == layout.inputs[name][0] else "\u2212")
    for name in layout.inputs:
        _box(axes, *router.at[name], layout.words[name], layout.kind[name])
    style = dict(ha="right", va="center", fontsize=12)
    axes.text(-0.25, -0.1, "$x_l$", **style)
    axes.text(end[0] - 0.25, end[1] - 0.15, f"$x_{{l+{len(layout.units)}}}$", **style)
    for members in _frames(layout, panel.frames):
        _frame(axes, [router.at[name] for name in members])
    edges = [x for _, _, points in arrows for x, _ in points]
    for name, (width, _) in router.half.items():
        edges += [router.at[name][0] - width, router.at[name][0] + width]
    return min(edges) - MARGIN, max(edges) + MARGIN, end[1] + 1


def _box(axes, x, y, text, kind):
    style = dict(edgecolor="black", linewidth=0.9, zorder=3)
    label = dict(ha="center", va="center", zorder=4)
    if kind == "meeting":
        width, height = HALF_CIRCLE
        axes.text(x, y, text, fontsize=12, **label)
        axes.add_patch(Ellipse((x, y), 2 * width, 2 * height, facecolor="white", **style))
        return
    width, height = (half - 0.05 for half in HALF_BOX)
    style.update(boxstyle="round,pad=0.05", facecolor=COLOURS[kind])
    axes.add_patch(FancyBboxPatch((x - width, y - height), 2 * width, 2 * height, **style))
    lines = textwrap.wrap(text, 14) if len(text) > 16 else [text]
    size = 9.5 * min(1, 12 / max(map(len, lines)), 1.7 / len(lines))
    axes.text(x, y, "\n".join(lines[:2]), fontsize=size, **label)


def _arrow(axes, points, broad):
    """Draw a line with a head at its end; broad and grey for the way down the shortcut."""
    colour = GREY if broad else "black"
    width = 4 if broad else 1.1
    axes.plot(*zip(*points[:-1]), color=colour, linewidth=width, zorder=1, solid_joinstyle="miter")
    head = "-|>,head_width=0.28,head_length=0.5" if broad else "-|>"
    style = dict(arrowstyle=head, color=colour, linewidth=width, mutation_scale=9)
    style.update(shrinkA=0, shrinkB=0, capstyle="butt")
    axes.annotate("", points[-1], points[-2], zorder=5, arrowprops=style)


def _sign(axes, points, sign):
    """Draw a sign beside the head of an arrow that enters a subtraction."""
    (x0, y0), (x1, y1) = points[-2:]
    if x0 == x1:
        place = (x1 + (0.35 if x1 > 0 else -0.35), y1 - 0.2)
    else:
        place = (x1 + (0.25 if x0 > x1 else -0.25), y1 - 0.28)
    axes.text(*place, sign, ha="center", va="center", fontsize=11, fontweight="bold", zorder=6)


def _frames(layout, kind):
    """Return the nodes in each frame.

    whole: a unit as its file builds it. shifted: from a unit's first weight to the next unit's
    activation, as in Figure 5(b). None: no frames.
    """
    members = [layout.members(unit) for unit in layout.units]
    if kind != "shifted":
        return members if kind else []
    weights = [layout.before[f"{unit}conv1"] for unit in layout.units]
    early = [[name for name in nodes if name in first] for nodes, first in zip(members, weights)]
    following = [*early[1:], []]
    return [
        [name for name in nodes if name not in first] + later
        for nodes, first, later in zip(members, early, following)
    ]


def _frame(axes, points):
    """Draw a dashed frame around the boxes at some points."""
    x, y = zip(*points)
    left = min(x) - HALF_BOX[0] - 0.15
    top = min(y) - 0.42
    size = (max(x) + HALF_BOX[0] + 0.15 - left, max(y) + 0.42 - top)
    style = dict(fill=False, zorder=0, edgecolor=FRAME, linewidth=1, linestyle=(0, (4, 3)))
    axes.add_patch(Rectangle((left, top), *size, **style))


def draw_figure(panels, name, title):
    """Draw panels in rows of COLUMNS, under plots/figures/."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(rows, columns, squeeze=False, layout="none")
    for axes in grid.flat:
        axes.axis("off")
    ends = [draw_unit(axes, panel) for axes, panel in zip(grid.flat, panels)]
    left = min(start for start, _, _ in ends)
    right = [max(end for _, end, _ in ends[k::columns]) for k in range(columns)]
    bottom = max(end for _, _, end in ends)
    for axes, panel, (_, end, _), limit in zip(grid.flat, panels, ends, rows * right):
        axes.set(xlim=(left, limit), ylim=(bottom - 0.5, -0.5))
        axes.set_title(panel.title, fontsize=11, x=(end - left) / (limit - left) / 2)
    widths = [INCHES[0] * (end - left) for end in right]
    height = INCHES[1] * bottom
    size = (max(4.5, sum(widths)), (height + TITLE) * rows + TITLE)
    figure.set_size_inches(size)
    grid[0, 0].get_gridspec().set_width_ratios(widths)
    margin = (1 - sum(widths) / size[0]) / 2
    top = 1 - 2 * TITLE / size[1]
    figure.subplots_adjust(margin, 0, 1 - margin, top, wspace=0, hspace=TITLE / height)
    title = textwrap.fill(title, int(11 * size[0]))
    figure.suptitle(title, fontsize=12, y=1 - 0.1 / size[1], va="top")
    figure_files.save(figure, files.FIGURES / f"{name}.png")


def own_variants():
    """Return the names of the variants that no figure of the paper has."""
    papers = {"plain"}
    for _, panels in FIGURES.values():
        for panel in panels:
            papers |= {panel.activation, panel.shortcut}
    variants = [*names.variants("shortcuts"), *names.variants("activations")]
    return [name for name in variants if name not in papers]


def draw_all():
    """Draw all figures and the user's own variants. A file that cannot be built is left out."""
    for name in [*FIGURES, *own_variants()]:
        try:
            draw(name)
        except UserError as error:
            print(f"left out: {error}")


def draw(name):
    """Draw a figure of FIGURES, or the unit of a network that is named without its depth."""
    if name in FIGURES:
        title, panels = FIGURES[name]
        draw_figure(panels, name, title)
    else:
        if name[-1:].isdigit():
            known = ", ".join(FIGURES)
            raise UserError(
                f"no unit is called {name}: use {known}, or a network without its depth"
            )
        activation, shortcut, _ = names.parse(f"{name}{DEPTH}")
        panel = Panel(name.replace("_", " "), activation, shortcut)
        draw_figure([panel], f"unit-{name}", "one unit, as it is computed")


def main():
    parser = Parser(__doc__)
    names_help = f"{', '.join(FIGURES)}, or a network without its depth"
    parser.add_argument("names", nargs="*", metavar="NAME", help=names_help)
    typed = parser.parse_args().names
    for name in typed:
        draw(name)
    if not typed:
        draw_all()


if __name__ == "__main__":
    run_main(main)
