"""A network's graph by residual units. Measurements rewrite the graph of the trained network.

symbols/resnet.py names the nodes of a unit stage<s>_unit<u>_..., each unit reads one array x_l, and
the weight layers of F are called conv1, conv2, ... Nothing else is assumed, so a user's own variant
works as the paper's do.
"""

import re

from common.errors import UserError
from common.graph import Graph

UNIT = re.compile(r"stage\d+_unit\d+(?=_)")


class UnitGraph(Graph):
    """The graph of a symbol from get_symbol.

    units          the names of its residual units in order, for example stage1_unit1
    input, output  {unit: the entry x_l}, {unit: the entry x_{l+1}}, in this order

    Raises UserError for a unit with several inputs or outputs.
    """

    def __init__(self, symbol):
        super().__init__(symbol)
        self._weights = {}  # {unit: nodes of F's weight layers}
        incoming = {}
        outgoing = {}
        for node in self.nodes:
            unit = unit_of(node)
            if re.fullmatch(UNIT.pattern + r"_conv\d+", node.name):
                self._weights.setdefault(unit, []).append(node)
            for entry in computed_inputs(node):
                source = unit_of(entry[0])
                if source != unit:
                    incoming.setdefault(unit, set()).add(entry)
                    outgoing.setdefault(source, set()).add(entry)
        self.units = [unit for unit in outgoing if unit]
        self.input = {unit: _only(incoming[unit], unit, "input") for unit in self.units}
        self.output = {unit: _only(outgoing[unit], unit, "output") for unit in self.units}

    def _weights_of(self, unit):
        """Return F's weight layers. Raises UserError if no layer has the name of one."""
        if unit not in self._weights:
            raise UserError(
                f"{unit} has no layer called conv1: build the layers of F with unit.weights, or "
                "name them conv1, conv2, ..."
            )
        return self._weights[unit]

    def entrances(self, unit):
        """Return the nodes where x_l enters F: weight layers that depend on no other weight."""
        weights = self._weights_of(unit)
        boundary = {self.input[unit][0]}
        return [node for node in weights if not self.ancestors(node, boundary) & set(weights)]

    def has_shortcut(self, unit):
        """Return whether a path leads from x_l to x_{l+1} that does not pass F."""
        start = self.input[unit][0]
        return start in self.ancestors(self.output[unit][0], {start, *self.entrances(unit)})

    def residual(self, unit):
        """Return the entry F(x_l).

        It is the end of the path from F's last weight layer: after it a path joins that leads from
        x_l around F, or the unit ends.
        """
        entry = (self._weights_of(unit)[-1], 0)
        start = self.input[unit][0]
        entrances = set(self.entrances(unit))

        def is_around(node):
            around = {start, *entrances}
            return node not in entrances and (
                node is start or start in self.ancestors(node, around)
            )

        while entry != self.output[unit] and len(self.readers(entry)) == 1:
            (reader,) = self.readers(entry)
            if any(is_around(source) for source, _ in computed_inputs(reader)):
                break
            entry = (reader, 0)
        return entry

    def responses(self):
        """Return [(3x3 convolution, entry of its response)], after a BN that follows it."""
        pairs = []
        for node in self.nodes:
            if node.op == "Convolution" and node.attributes["kernel"] == "(3, 3)":
                readers = self.readers((node, 0))
                normalised = len(readers) == 1 and readers[0].op == "BatchNorm"
                pairs.append((node, (readers[0] if normalised else node, 0)))
        return pairs


def unit_of(node):
    """Return the name of the unit that computes a node; None for variables and outside units."""
    match = UNIT.match(node.name)
    return match.group() if match and not node.is_variable else None


def computed_inputs(node):
    """Return the entries that a node reads, without variables."""
    return [entry for entry in node.inputs if not entry[0].is_variable]


def _only(entries, unit, word):
    if len(entries) != 1:
        raise UserError(
            f"{unit} has {len(entries)} {word}s, and a residual unit has one {word}: let the file"
            " under symbols/ read x only and return one symbol"
        )
    return next(iter(entries))
