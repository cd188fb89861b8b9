"""The units of Figures 1 (left), 2, 4 and 5, drawn from the graphs of the symbols that are trained.

python -m plots.diagrams                         # make diagrams: all, and your own variants
python -m plots.diagrams figure2                 # make figure2
python -m plots.diagrams preact-exclusive_gating # any network, without its depth
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
from .layout import MEETINGS, of_network
from .paper_form import in_paper_form
from .routes import HALF_BOX, HALF_CIRCLE, Router

# units: the numbers of the first and the last unit, in the first stage. frames: what is drawn as
# one unit, see _frames. form: a function that rewrites the symbol.
Panel = namedtuple(
    "Panel", "title activation shortcut units frames form", defaults=((2, 2), None, None)
)
# fmt: off
FIGURES = {
    "figure1-units": ("1603.05027, Figure 1 left", [
        Panel("(a) original", "original", "identity"),
        Panel("(b) proposed", "preact", "identity"),
    ]),
    "figure2": ("1603.05027, Figure 2: shortcuts (with BN, which the paper's drawing leaves out)", [
        Panel("(a) original", "original", "identity"),
        Panel("(b) constant scaling", "original", "constant_scaling", form=in_paper_form),
        Panel("(c) exclusive gating", "original", "exclusive_gating", form=in_paper_form),
        Panel("(d) shortcut-only gating", "original", "shortcut_only_gating", form=in_paper_form),
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


class Drawing:
    """A panel and the layout of its graph, to be drawn into axes of its size.

    left, right: the ends of the x axis, in units of a diagram. height: of the y axis.
    """

    def __init__(self, panel):
        self.panel = panel
        self._layout = of_network(panel.activation, panel.shortcut, *panel.units, form=panel.form)
        half = {
            name: HALF_CIRCLE if self._layout.is_meeting(name) else HALF_BOX
            for name in self._layout.inputs
        }
        self._router = Router(self._layout.places(), half)
        self._arrows = [
            (source, name, self._router.way(source, name))
            for name, sources in self._layout.inputs.items()
            for source in sources
        ]
        last = list(self._layout.inputs)[-1]
        x, y = self._router.at[last]
        self._end = (x, y + 1.3)
        self._arrows.append((last, None, [(x, y + half[last][1]), self._end]))
        points = [point for _, _, points in self._arrows for point in points]
        boxes = [(self._router.at[name][0], width) for name, (width, _) in half.items()]
        self.left = min(min(x for x, _ in points), *(x - width for x, width in boxes)) - MARGIN
        self.right = max(max(x for x, _ in points), *(x + width for x, width in boxes)) + MARGIN
        self.height = self._end[1] + 1

    def draw(self, axes):
        """From x_l at the top to the last unit's output at the bottom."""
        for source, name, points in self._arrows:
            # the paper draws the way straight down the shortcut as a broad grey arrow
            straight = len(points) == 2 and points[0][0] == 0
            _arrow(axes, points, straight and (name is None or self._router.at[name][0] == 0))
            if self._layout.words.get(name) == MEETINGS["elemwise_sub"]:
                _sign(axes, points, "+" if source == self._layout.inputs[name][0] else "\u2212")
        for name in self._layout.inputs:
            _box(axes, *self._router.at[name], self._layout.words[name], self._layout.kind[name])
        style = dict(ha="right", va="center", fontsize=12)
        axes.text(-0.25, -0.1, "$x_l$", **style)
        output = f"$x_{{l+{len(self._layout.units)}}}$"
        axes.text(self._end[0] - 0.25, self._end[1] - 0.15, output, **style)
        if self.panel.frames:
            for members in _frames(self._layout, self.panel.frames):
                _frame(axes, [self._router.at[name] for name in members])


def _box(axes, x, y, text, kind):
    style = dict(edgecolor="black", linewidth=0.9, zorder=3)
    label = dict(ha="center", va="center", zorder=4)
    if kind == "meeting":
        width, height = HALF_CIRCLE
        axes.text(x, y, text, fontsize=12, **label)
        axes.add_patch(Ellipse((x, y), 2 * width, 2 * height, facecolor="white", **style))
        return
    width, height = HALF_BOX
    axes.add_patch(
        FancyBboxPatch(
            (x - width + 0.05, y - height + 0.05),
            2 * width - 0.1,
            2 * height - 0.1,
            boxstyle="round,pad=0.05",
            facecolor=COLOURS[kind],
            **style,
        )
    )
    lines = textwrap.wrap(text, 14) if len(text) > 16 else [text]
    size = 9.5 * min(1, 12 / max(map(len, lines)), 1.7 / len(lines))
    axes.text(x, y, "\n".join(lines[:2]), fontsize=size, **label)


def _arrow(axes, points, broad):
    """A line with a head at its end; broad and grey for the way down the shortcut."""
    colour = GREY if broad else "black"
    width = 4 if broad else 1.1
    axes.plot(*zip(*points[:-1]), color=colour, linewidth=width, zorder=1, solid_joinstyle="miter")
    head = "-|>,head_width=0.28,head_length=0.5" if broad else "-|>"
    style = dict(arrowstyle=head, color=colour, linewidth=width, mutation_scale=9)
    style.update(shrinkA=0, shrinkB=0, capstyle="butt")
    axes.annotate("", points[-1], points[-2], zorder=5, arrowprops=style)


def _sign(axes, points, sign):
    """A sign beside the head of an arrow that enters a subtraction."""
    (x0, y0), (x1, y1) = points[-2:]
    if x0 == x1:
        place = (x1 + (0.35 if x1 > 0 else -0.35), y1 - 0.2)
    else:
        place = (x1 + (0.25 if x0 > x1 else -0.25), y1 - 0.28)
    axes.text(*place, sign, ha="center", va="center", fontsize=11, fontweight="bold", zorder=6)


def _frames(layout, kind):
    """The nodes in each frame.

    whole: a unit as its file builds it. shifted: from a unit's first weight to the next unit's
    activation, as in Figure 5(b).
    """
    members = [layout.members(unit) for unit in layout.units]
    if kind == "whole":
        return members
    early = [
        [name for name in nodes if name in layout.before(f"{unit}conv1")]
        for unit, nodes in zip(layout.units, members)
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
    style = dict(fill=False, zorder=0, edgecolor=FRAME, linewidth=1, linestyle=(0, (4, 3)))
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, **style))


def draw_figure(panels, path, title):
    """Draw panels in rows of COLUMNS, under plots/figures/."""
    drawings = [Drawing(panel) for panel in panels]
    columns = min(COLUMNS, len(drawings))
    rows = -(-len(drawings) // columns)
    left = min(drawing.left for drawing in drawings)
    right = [max(drawing.right for drawing in drawings[k::columns]) for k in range(columns)]
    widths = [INCHES[0] * (end - left) for end in right]
    height = INCHES[1] * max(drawing.height for drawing in drawings)
    title = "\n".join(textwrap.wrap(title, int(11 * max(4.5, sum(widths)))))
    size = (max(4.5, sum(widths)), (height + TITLE) * rows + TITLE)
    figure = plt.figure(figsize=size)
    for number, drawing in enumerate(drawings):
        row, column = divmod(number, columns)
        x = (size[0] - sum(widths)) / 2 + sum(widths[:column])
        y = (height + TITLE) * (rows - 1 - row)
        box = (x / size[0], y / size[1], widths[column] / size[0], height / size[1])
        axes = figure.add_axes(box)
        axes.axis("off")
        axes.set(xlim=(left, right[column]), ylim=(height / INCHES[1] - 0.5, -0.5))
        drawing.draw(axes)
        middle = (drawing.right - left) / (right[column] - left) / 2
        axes.set_title(drawing.panel.title, fontsize=11, x=middle)
    figure.suptitle(title, fontsize=12, y=1 - 0.1 / size[1], va="top")
    figure_files.save(figure, files.FIGURES / path)
    plt.close(figure)


def draw_network(name):
    """The unit of a network that is named without its depth."""
    activation, shortcut, _ = names.parse(f"{name}26")
    panel = Panel(name.replace("_", " "), activation, shortcut)
    draw_figure([panel], f"unit-{name}.png", "one unit, as it is computed")


def own_variants():
    """The names of the variants that no figure of the paper has."""
    papers = {"plain"}
    for _, panels in FIGURES.values():
        for panel in panels:
            papers |= {panel.activation, panel.shortcut}
    variants = [*names.variants("shortcuts"), *names.variants("activations")]
    return [name for name in variants if name not in papers]


def paths():
    """The files that draw_all() writes."""
    stems = [*FIGURES, *(f"unit-{name}" for name in own_variants())]
    return [files.FIGURES / f"{stem}.png" for stem in stems]


def draw_all():
    """Draw all figures and the user's own variants. A file that cannot be built is left out."""
    for name in [*FIGURES, *own_variants()]:
        try:
            draw(name)
        except UserError as error:
            print(f"left out: {error}")


def draw(name):
    """Draw a figure of FIGURES, or a network's unit."""
    if name in FIGURES:
        title, panels = FIGURES[name]
        draw_figure(panels, f"{name}.png", title)
    else:
        draw_network(name)


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
        draw(name)
    if not typed:
        draw_all()


if __name__ == "__main__":
    run_main(main)
