"""A network's graph, cut into its residual units and edited: no network is built in another way to
be measured.

symbols/resnet.py names each node of a unit stage<s>_unit<u>_..., gives the unit one input x_l, and
calls the weights of F conv1, conv2, ...; nothing else is known here of a variant, so a user's own
is cut like the paper's.
"""

import json
import re
from collections import defaultdict

import mxnet as mx

from common.errors import UserError

UNIT = re.compile(r"stage\d+_unit\d+(?=_)")


class Graph:
    """The graph of a symbol from get_symbol.

    An entry (node, output) is a value; symbol() is the graph as edits have left it.

    units: their prefixes in order, as stage1_unit1.
    """

    def __init__(self, symbol):
        self._saved = json.loads(symbol.tojson())
        self._nodes = self._saved["nodes"]
        self._readers = defaultdict(
            list
        )  # {entry: nodes that compute with it}; parameters and data are no entries
        self._weights = defaultdict(list)  # {unit: nodes of F's weight layers}
        incoming, outgoing = defaultdict(set), defaultdict(set)
        for i, node in enumerate(self._nodes):
            if re.fullmatch(UNIT.pattern + r"_conv\d+", node["name"]):
                self._weights[self._unit(i)].append(i)
            for entry in self.inputs(i):
                self._readers[entry].append(i)
                if self._unit(i) != self._unit(entry[0]):
                    incoming[self._unit(i)].add(entry)
                    outgoing[self._unit(entry[0])].add(entry)
        self.units = [unit for unit in outgoing if unit]
        self._input, self._output = (
            {unit: _only(found[unit], unit, word) for unit in self.units}
            for found, word in ((incoming, "input"), (outgoing, "output"))
        )

    def _unit(self, i):
        match = UNIT.match(self._nodes[i]["name"])
        return match.group() if match and self._nodes[i]["op"] != "null" else None

    def inputs(self, i):
        """The entries that a node computes with."""
        return [(j, k) for j, k, *_ in self._nodes[i]["inputs"] if self._nodes[j]["op"] != "null"]

    def input(self, unit):
        """x_l"""
        return self._input[unit]

    def output(self, unit):
        """x_{l+1}"""
        return self._output[unit]

    def entrances(self, unit):
        """The nodes where x_l enters F: its weight layers that stand behind no other."""
        return [
            weight
            for weight in self._weights[unit]
            if not self._before(weight, unit) & set(self._weights[unit])
        ]

    def has_shortcut(self, unit):
        """Whether there is a way from x_l to x_{l+1} past F."""
        closed, end = set(self.entrances(unit)), self.output(unit)[0]
        return any(
            self.input(unit) in self.inputs(node)
            for node in (self._before(end, unit, closed) | {end}) - closed
        )

    def _before(self, node, unit, closed=frozenset()):
        """The nodes of a unit that one of them depends on; what is behind closed ones is not looked
        at.
        """
        found, ahead = set(), [node] if node not in closed else []
        while ahead:
            come = {j for j, _ in self.inputs(ahead.pop()) if self._unit(j) == unit} - found
            found |= come
            ahead += come - closed
        return found

    def residual(self, unit):
        """F(x_l): what follows the last weight until another path meets it, or until the unit ends,
        as in a plain net.
        """
        entry = (self._weights[unit][-1], 0)
        while entry != self.output(unit) and len(self._readers[entry]) == 1:
            reader = self._readers[entry][0]
            if len(self.inputs(reader)) > 1:
                break
            entry = (reader, 0)
        return entry

    def responses(self):
        """[(name of a 3x3 layer, entry that it puts out)]: behind its BN, if one follows it at
        once, else the layer's own.
        """
        found = []
        for i, node in enumerate(self._nodes):
            if node["op"] == "Convolution" and node["attrs"]["kernel"] == "(3, 3)":
                readers = self._readers[i, 0]
                normalised = len(readers) == 1 and self._nodes[readers[0]]["op"] == "BatchNorm"
                found.append((node["name"], (readers[0] if normalised else i, 0)))
        return found

    def name(self, entry):
        """What get_internals() calls it."""
        return f"{self._nodes[entry[0]]['name']}_output"

    def replace(self, entry, other, readers=None):
        """Let the readers of an entry (by default all) read another one in its place."""
        for i in list(self._readers[entry]) if readers is None else readers:
            self._readers[entry].remove(i)
            self._readers[other].append(i)
            self._nodes[i]["inputs"] = [
                [*other, 0] if tuple(come[:2]) == entry else come
                for come in self._nodes[i]["inputs"]
            ]

    def insert(self, entry, op, name, *others, readers=None, **attributes):
        """Let the readers of an entry (by default all) read op(entry, *others) in its place.

        others: entries, or names of new variables. Returns the new entry; its symbol has the name
        `name`.
        """
        readers = list(self._readers[entry]) if readers is None else readers
        new = self.add(op, name, entry, *others, **attributes)
        self.replace(entry, new, readers)
        return new

    def add(self, op, name, *inputs, **attributes):
        """A new node; inputs: entries, or names of new variables."""
        inputs = [self.add("null", each) if isinstance(each, str) else each for each in inputs]
        self._nodes.append(
            {
                "op": op,
                "name": name,
                "inputs": [[*entry, 0] for entry in inputs],
                "attrs": attributes,
            }
        )
        for entry in inputs:
            self._readers[entry].append(len(self._nodes) - 1)
        return len(self._nodes) - 1, 0

    def shapes(self, entries, data):
        """Their shapes for data of a shape."""
        internals = self.symbol().get_internals()
        found = dict(zip(internals.list_outputs(), internals.infer_shape(data=data)[1]))
        return [found[self.name(entry)] for entry in entries]

    def symbol(self):
        # nodes need not stand in their order, and MXNet counts arguments anew when it loads a graph
        return mx.sym.load_json(json.dumps({**self._saved, "arg_nodes": [], "node_row_ptr": []}))


def _only(entries, unit, word):
    if len(entries) != 1:
        raise UserError(
            f"{unit} has {len(entries)} {word}s, and a residual unit has one {word}: let the file"
            " under symbols/ read x alone and return one symbol"
        )
    return next(iter(entries))
