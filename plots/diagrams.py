"""The units of Figures 1 (left), 2, 4 and 5, drawn from the symbols' own graphs, so that they show
what is trained.

    python -m plots.diagrams                         # make diagrams: all, and your own variants
    python -m plots.diagrams figure2                 # make figure2
    python -m plots.diagrams preact-exclusive_gating # any network without its depth
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
from .layout import of_network
from .routes import COLUMN, HALF_BOX, HALF_CIRCLE, Router

# units: the numbers of those in the first stage. frames: what is drawn as one unit, see _frames.
Panel = namedtuple("Panel", "title activation shortcut units frames", defaults=((2, 2), None))
FIGURES = {
    "figure1-units": (
        "1603.05027, Figure 1 left",
        [
            Panel("(a) original", "original", "identity"),
            Panel("(b) proposed", "preact", "identity"),
        ],
    ),
    "figure2": (
        "1603.05027, Figure 2: shortcuts (with BN, which the paper's drawing leaves out;\n"
        "(b), (c) and (d) in the order in which they are computed)",
        [
            Panel("(a) original", "original", "identity"),
            Panel("(b) constant scaling", "original", "constant_scaling"),
            Panel("(c) exclusive gating", "original", "exclusive_gating"),
            Panel("(d) shortcut-only gating", "original", "shortcut_only_gating"),
            Panel("(e) conv shortcut", "original", "convolution"),
            Panel("(f) dropout shortcut", "original", "dropout"),
        ],
    ),
    "figure4": (
        "1603.05027, Figure 4: activations",
        [
            Panel("(a) original", "original", "identity"),
            Panel("(b) BN after\naddition", "bn_after_addition", "identity"),
            Panel("(c) ReLU before\naddition", "relu_before_addition", "identity"),
            Panel("(d) ReLU-only\npre-activation", "relu_only_preact", "identity"),
            Panel("(e) full\npre-activation", "preact", "identity"),
        ],
    ),
    "figure5": (
        "1603.05027, Figure 5: from post- to pre-activation; dashed: one residual unit",
        [
            Panel("(a) original", "original", "identity", (2, 3), "whole"),
            Panel(
                "(b) asymmetric: the activation\non the weight path alone",
                "preact",
                "identity",
                (2, 3),
                "shifted",
            ),
            Panel(
                "(c) the same graph, grouped\nas pre-activation units",
                "preact",
                "identity",
                (2, 3),
                "whole",
            ),
        ],
    ),
}
COLOURS = {"weight": "#cfe3f5", "BN": "#fbe5c8", "ReLU": "#d9efd2", "other": "#eeeeee"}
INCHES = (0.62, 0.45)  # of one unit of a diagram
GREY = "0.55"


def draw_unit(axes, panel, graph):
    """Draw a graph, from x_l at the top to what comes out at the bottom; the axes need no size."""
    places = graph.places()
    router = Router(
        places, {name: HALF_CIRCLE if graph.is_meeting(name) else HALF_BOX for name in graph.inputs}
    )
    for name, inputs in graph.inputs.items():
        for one in inputs:
            # the way that the paper draws as a grey arrow: straight down the shortcut
            points = router.way(one, name)
            easiest = places[one][0] == places[name][0] == 0 and len(points) == 2
            _arrow(axes, points, easiest)
    for name in graph.inputs:
        _box(axes, *router.at[name], graph.words[name], graph.kind[name])
    last = list(graph.inputs)[-1]
    x, y = router.at[last]
    end = y + 1.3
    _arrow(axes, [(x, y + router.half[last][1]), (x, end)], True)
    axes.text(-0.25, -0.1, "$x_l$", ha="right", va="center", fontsize=11)
    axes.text(
        x - 0.25, end - 0.15, f"$x_{{l+{len(graph.units)}}}$", ha="right", va="center", fontsize=11
    )
    if panel.frames:
        for members in _frames(graph, panel.frames):
            _frame(axes, [router.at[name] for name in members])
    axes.set_title(panel.title, fontsize=10)
    return end


def _box(axes, x, y, text, kind):
    if kind == "meeting":
        axes.text(x, y, text, ha="center", va="center", fontsize=11, zorder=4)
        wide, high = HALF_CIRCLE
        axes.add_patch(
            Ellipse(
                (x, y),
                2 * wide,
                2 * high,
                facecolor="white",
                edgecolor="black",
                linewidth=0.9,
                zorder=3,
            )
        )
        return
    wide, high = HALF_BOX
    axes.add_patch(
        FancyBboxPatch(
            (x - wide + 0.05, y - high + 0.05),
            2 * wide - 0.1,
            2 * high - 0.1,
            linewidth=0.8,
            boxstyle="round,pad=0.05",
            facecolor=COLOURS[kind],
            edgecolor="black",
            zorder=3,
        )
    )
    lines = textwrap.wrap(text, 14) if len(text) > 18 else [text]
    size = 8 * min(1, 14 / max(map(len, lines)), 1.7 / len(lines))
    axes.text(x, y, "\n".join(lines[:2]), ha="center", va="center", fontsize=size, zorder=4)


def _arrow(axes, points, easiest=False):
    """A line with a head at its end, in front of everything; grey and broad for the easiest way."""
    colour = GREY if easiest else "black"
    width = 4 if easiest else 1.1
    axes.plot(*zip(*points[:-1]), color=colour, linewidth=width, zorder=1, solid_joinstyle="miter")
    axes.annotate(
        "",
        points[-1],
        points[-2],
        zorder=5,
        arrowprops=dict(
            arrowstyle="-|>,head_width=0.28,head_length=0.5" if easiest else "-|>",
            color=colour,
            linewidth=width,
            mutation_scale=9,
            shrinkA=0,
            shrinkB=0,
            capstyle="butt",
        ),
    )


def _frames(graph, kind):
    """The nodes of each frame. whole: a unit as its file has it; shifted: from its first weight to
    the next unit's activation, Figure 5(b)."""
    members = [graph.members(unit) for unit in graph.units]
    if kind == "whole":
        return members
    early = [
        [name for name in nodes if name in graph.before(f"{unit}conv1")]
        for unit, nodes in zip(graph.units, members)
    ]
    following = [*early[1:], []]
    return [
        [name for name in nodes if name not in first] + later
        for nodes, first, later in zip(members, early, following)
    ]


def _frame(axes, points):
    left = min(x for x, _ in points) - HALF_BOX[0] - 0.15
    right = max(x for x, _ in points) + HALF_BOX[0] + 0.15
    top = min(y for _, y in points) - 0.42
    bottom = max(y for _, y in points) + 0.42
    axes.add_patch(
        Rectangle(
            (left, top),
            right - left,
            bottom - top,
            fill=False,
            zorder=0,
            edgecolor="#a000a0",
            linewidth=1,
            linestyle=(0, (4, 3)),
        )
    )


def figure(panels, path, title, columns=3):
    """Draw panels, those of one figure in one size, under plots/figures/."""
    graphs = [of_network(panel.activation, panel.shortcut, *panel.units) for panel in panels]
    columns = len(panels) if len(panels) == 5 else min(columns, len(panels))
    rows = -(-len(panels) // columns)
    places = [place for graph in graphs for place in graph.places().values()]
    wide = COLUMN * max(column for column, _ in places) + 2.9
    high = max(row for _, row in places) + 2.1
    drawn, axes = plt.subplots(
        rows,
        columns,
        layout="constrained",
        squeeze=False,
        figsize=(max(4.5, INCHES[0] * wide * columns), (INCHES[1] * high + 0.45) * rows + 0.5),
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, panel, graph in zip(axes.flat, panels, graphs):
        draw_unit(axis, panel, graph)
        axis.set(xlim=(-1.4, wide - 1.4), ylim=(high - 0.5, -0.5), aspect=INCHES[1] / INCHES[0])
        for part in [*axis.patches, *axis.texts]:
            part.set_in_layout(False)  # they lie within the axes, and are slow to measure
    drawn.suptitle(title, fontsize=11)
    figure_files.save(drawn, files.FIGURES / path)
    plt.close(drawn)


def draw_network(name):
    """The unit of a network that is named without its depth."""
    activation, shortcut, _ = names.parse(f"{name}26")
    figure(
        [Panel(name.replace("_", " "), activation, shortcut)],
        f"unit-{name}.png",
        "one unit, as it is trained",
    )


def own_variants():
    """The names of the variants that no figure of the paper has."""
    papers = {"plain"}
    for _, panels in FIGURES.values():
        for panel in panels:
            papers |= {panel.activation, panel.shortcut}
    variants = [*names.variants("shortcuts"), *names.variants("activations")]
    return [name for name in variants if name not in papers]


def paths():
    """Where draw_all() puts its pictures."""
    names_of_files = [*FIGURES, *(f"unit-{name}" for name in own_variants())]
    return [files.FIGURES / f"{name}.png" for name in names_of_files]


def draw_all():
    """All figures and each variant of the user's own; a file that cannot be built is named, left
    out."""
    for name, (title, panels) in FIGURES.items():
        _or_leave_out(figure, panels, f"{name}.png", title)
    for name in own_variants():
        _or_leave_out(draw_network, name)


def _or_leave_out(drawing, *arguments):
    try:
        drawing(*arguments)
    except UserError as error:
        print(f"left out: {error}")


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(FIGURES)}, or a network without its depth",
    )
    typed = parser.parse_args().names
    for name in typed:
        if name in FIGURES:
            title, panels = FIGURES[name]
            figure(panels, f"{name}.png", title)
        else:
            draw_network(name)
    if not typed:
        draw_all()


if __name__ == "__main__":
    run_main(main)
