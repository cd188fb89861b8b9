"""The units of Figures 1 (left), 2, 4 and 5, drawn from the symbols' own graphs, so that they show what is trained.

    python -m plots.diagrams                             # make diagrams: all four, and each variant that is not the paper's
    python -m plots.diagrams preact-exclusive_gating      # any network without its depth
"""
import json
import sys

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from common import files
from common.errors import run as run_main
from symbols import get_symbol, names

from . import pictures

FIGURE_2 = [("(a) original", "original", "identity", {}), ("(b) constant scaling", "original", "constant_scaling", {}),
            ("(c) exclusive gating", "original", "exclusive_gating", {}),
            ("(d) shortcut-only gating", "original", "shortcut_only_gating", {}),
            ("(e) conv shortcut", "original", "convolution", {}), ("(f) dropout shortcut", "original", "dropout", {})]
FIGURE_4 = [("(a) original", "original", "identity", {}), ("(b) BN after addition", "bn_after_addition", "identity", {}),
            ("(c) ReLU before addition", "relu_before_addition", "identity", {}),
            ("(d) ReLU-only pre-activation", "relu_only_preact", "identity", {}),
            ("(e) full pre-activation", "preact", "identity", {})]
MEETINGS = {"+": "+", "-": "\u2212", "x": "\u00d7"}  # where two paths meet, as they are drawn
COLOURS = {"weight": "#cfe3f5", "BN": "#fbe5c8", "ReLU": "#d9efd2", "other": "#eeeeee"}


class Graph:
    """Some units of a network's first stage: nodes in topological order, their words, what comes into each."""

    def __init__(self, activation, shortcut, constants, first=2, last=2):
        nodes = json.loads(get_symbol(26, activation, shortcut, shortcut_args=constants).tojson())["nodes"]
        prefixes = tuple(f"stage1_unit{number}_" for number in range(first, last + 1))
        inside = {node["name"]: node for node in nodes if node["op"] != "null" and node["name"].startswith(prefixes)}
        self.words, self.inputs, self.kind = {}, {}, {}
        for name, node in inside.items():
            come = [nodes[i]["name"] for i, *_ in node["inputs"] if nodes[i]["op"] != "null"]
            self.inputs[name] = [each if each in inside else "x" for each in come]
            self.words[name], self.kind[name] = _words(node)

    def before(self, name):
        """Everything that a node depends on."""
        found = set()
        for each in self.inputs.get(name, []):
            found |= {each} | self.before(each)
        return found

    def places(self):
        """{node: (column, row)}; rows go down. Column 0 is the shortcut and what all paths pass, 1 gates, 2 the residual F."""
        place, start = {"x": (0, 0)}, "x"
        for unit in sorted({name[:name.index("_", 7) + 1] for name in self.inputs}):
            mine = [name for name in self.inputs if name.startswith(unit)]
            first = f"{unit}conv1"
            residual = {name for name in mine if first in self.before(name) | {name} or name in self.before(first)}
            trunk = {name for name in mine if not self._way(start, mine[-1], {name})}
            spine = self._way(start, mine[-1], residual - trunk) or []
            for name in mine:
                column = 0 if name in trunk or name in spine else 2 if name in residual else 1
                place[name] = (column, 1 + max(place[each][1] for each in self.inputs[name]))
            start = mine[-1]
        return place

    def _way(self, start, end, closed):
        """The shortest way from start to end that avoids some nodes, or None."""
        ways = [[end]] if end not in closed else []
        while ways:
            way = ways.pop(0)
            if way[-1] == start:
                return way
            ways += [[*way, each] for each in self.inputs.get(way[-1], []) if each not in closed]
        return None


def _words(node):
    """(what a box says, its kind) of an operator."""
    op, attributes = node["op"], node.get("attrs", {})
    if op == "Convolution":
        size = attributes["kernel"].strip("()").split(",")[0]
        return f"{size}x{size} {'conv' if size == '1' else 'weight'}", "weight"
    if op == "BatchNorm":
        return "BN", "BN"
    if op == "Activation":
        return ("ReLU", "ReLU") if attributes["act_type"] == "relu" else (attributes["act_type"], "other")
    scalar = f"{float(attributes['scalar']):g}" if "scalar" in attributes else ""
    words = {"elemwise_add": "+", "elemwise_sub": "-", "elemwise_mul": "x", "_mul_scalar": f"x {scalar}",
             "_plus_scalar": f"+ {scalar}", "_rminus_scalar": f"{scalar} - g", "Dropout": f"dropout {attributes.get('p', '')}"}
    return words.get(op, op.lstrip("_")), "other"


def draw_unit(axes, title, graph, rows):
    """Draw a graph into axes that have room for so many rows, from x_l at the top to what comes out at the bottom."""
    place = graph.places()
    last = max(row for _, row in place.values())

    def box(x, y, text, kind):
        if text in MEETINGS:
            axes.text(x, y, MEETINGS[text], ha="center", va="center", fontsize=12, zorder=3,
                      bbox=dict(boxstyle="circle,pad=0.15", facecolor="white", edgecolor="black"))
            return
        axes.add_patch(FancyBboxPatch((x - 0.8, y - 0.3), 1.6, 0.6, boxstyle="round,pad=0.02", facecolor=COLOURS[kind],
                                      edgecolor="black", linewidth=0.8, zorder=2))
        axes.text(x, y, text.replace("x ", "\u00d7 ") if text.startswith("x ") else text, ha="center", va="center", fontsize=8,
                  zorder=3)

    def arrow(start, end, colour, width, meets=False):
        (x0, y0), (x1, y1) = start, end
        if x1 == x0:
            points = [(x0, y0), (x1, y1 + 0.38)]
        elif x1 < x0:  # down, then to where the paths meet
            points = [(x0, y0), (x0, y1), (x1 + 0.35, y1)]
        elif x0 > 0:  # a gate to the residual function: between their columns
            points = [(x0, y0), (x0 + 1.05, y0), (x0 + 1.05, y1), (x1 - 0.35, y1)]
        elif meets:  # from the shortcut's line to where another path meets it
            points = [(x0, y1), (x1 - 0.35, y1)]
        else:  # the shortcut branches, below what came in there
            y0 -= 0.5 if y0 else 0
            points = [(x0, y0), (x1, y0), (x1, y1 + 0.38)]
        axes.plot(*zip(*points[:-1]), color=colour, linewidth=width, zorder=1, solid_joinstyle="round")
        axes.annotate("", points[-1], points[-2], zorder=1,
                      arrowprops=dict(arrowstyle="-|>", color=colour, linewidth=width, shrinkA=0, shrinkB=0))

    at = {name: (2.1 * column, -row) for name, (column, row) in place.items()}
    for name, come in graph.inputs.items():
        for each in come:
            # the way that the paper draws as a grey arrow: straight down the shortcut
            easiest = place[each][0] == place[name][0] == 0
            arrow(at[each], at[name], "0.55" if easiest else "black", 4 if easiest else 1.2, graph.words[name] in MEETINGS)
    for name in graph.inputs:
        box(*at[name], graph.words[name], graph.kind[name])
    final = list(graph.inputs)[-1]
    arrow(at[final], (at[final][0], -last - 1.3), "0.55", 4)
    axes.text(-0.2, 0.1, "$x_l$", ha="right", va="bottom", fontsize=11)
    units = len({name[:name.index("_", 7)] for name in graph.inputs})
    axes.text(at[final][0] - 0.25, -last - 0.95, f"$x_{{l+{units}}}$", ha="right", va="bottom", fontsize=11)
    axes.plot([0, 0], [0.4, 0], color="0.55", linewidth=4, zorder=1)
    axes.set(xlim=(-1.3, 5.3), ylim=(-rows - 1, 0.7), aspect="equal")
    axes.set_title(title, fontsize=10)
    axes.axis("off")


def figure(units, path, title):
    """Units side by side. units: (title, activation, shortcut, constants[, first, last])."""
    graphs = [(words, Graph(*rest)) for words, *rest in units]
    tallest = max(row for _, graph in graphs for _, row in graph.places().values())
    columns = min(3, len(graphs))
    lines = -(-len(graphs) // columns)
    drawn, axes = plt.subplots(lines, columns, figsize=(3.1 * columns, lines * (0.5 * tallest + 1.1) + 0.5), layout="constrained",
                               squeeze=False)
    for axis in axes.flat[len(graphs):]:
        axis.axis("off")
    for axis, (words, graph) in zip(axes.flat, graphs):
        draw_unit(axis, words, graph, tallest)
    drawn.suptitle(title)
    pictures.save(drawn, files.FIGURES / path)
    plt.close(drawn)


def main():
    if sys.argv[1:]:
        for name in sys.argv[1:]:
            activation, shortcut, _ = names.parse(f"{name}26")
            figure([(name, activation, shortcut, {})], f"unit-{name}.png", "one unit, as it is trained")
        return
    draw_all()


def draw_all():
    figure([FIGURE_4[0], ("(b) proposed", "preact", "identity", {})], "figure1-units.png", "1603.05027, Figure 1 left")
    figure(FIGURE_2, "figure2.png", "1603.05027, Figure 2: shortcuts (with BN, which the paper's drawing leaves out;\n"
           "(b), (c) and (d) in the order in which they are computed)")
    figure(FIGURE_4, "figure4.png", "1603.05027, Figure 4: activations")
    figure([("(a) original, two units", "original", "identity", {}, 2, 3),
            ("(b), (c) activation on the weight path alone:\npre-activation, two units", "preact", "identity", {}, 2, 3)],
           "figure5.png", "1603.05027, Figure 5: from post- to pre-activation")
    drawn = {"plain"} | {shortcut for _, _, shortcut, _ in FIGURE_2} | {activation for _, activation, _, _ in FIGURE_4}
    for name in names.variants("shortcuts") + names.variants("activations"):
        if name not in drawn:
            activation, shortcut, _ = names.parse(f"{name}26")
            figure([(name.replace("_", " "), activation, shortcut, {})], f"unit-{name}.png", "one unit, as it is trained")


if __name__ == "__main__":
    run_main(main)
