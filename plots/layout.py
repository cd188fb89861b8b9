"""The places and texts of a residual unit's parts in its diagram, from the symbol's graph."""

import re

import symbols
from common.graph import Graph

DEPTH = 26  # of the networks that are drawn
ALONE = 0.8  # the column of F where nothing is between F and the shortcut
BRANCH = 0.6  # extra rows between the end of a common path and the box of a branch
# Operators that join two paths, and the text in their circles.
MEETINGS = {
    "elemwise_add": "+",
    "broadcast_add": "+",
    "elemwise_sub": "\u2212",
    "broadcast_sub": "\u2212",
    "elemwise_mul": "\u00d7",
    "broadcast_mul": "\u00d7",
}
SCALARS = {
    "_mul_scalar": "\u00d7 {}",
    "_plus_scalar": "+ {}",
    "_minus_scalar": "\u2212 {}",
    "_rminus_scalar": "{} \u2212 \u00b7",
    "_div_scalar": "/ {}",
    "_rdiv_scalar": "{} / \u00b7",
}


def of_network(activation, shortcut, first=2, last=2, is_paper_form=False):
    """Return the Layout of units first to last of a network's first stage.

    is_paper_form: the shortcut is as the paper writes it (plots/paper_form.py), not as it is
    computed. Raises UserError for a variant that cannot be built.
    """
    if is_paper_form:
        from .paper_form import network  # imports MXNet

        symbol = network(shortcut, DEPTH)
    else:
        symbol = symbols.get_symbol(DEPTH, activation, shortcut)
    units = [f"stage1_unit{number}_" for number in range(first, last + 1)]
    return Layout(Graph(symbol), units)


class Layout:
    """The places and texts of the nodes of consecutive residual units.

    graph: the network's. units: the prefixes of the units' names. The input of the first unit is
    called "x".

    inputs  {node: the nodes that it reads}, in topological order; variables are left out
    before  {node: all nodes on which it depends}
    words   {node: its text}
    kind    {node: weight, BN, ReLU, meeting (a circle, in which two paths meet) or other}
    """

    def __init__(self, graph, units):
        self.units = units
        self.inputs = {}
        self.before = {}
        self.words = {}
        self.kind = {}
        inside = [
            node
            for node in graph.nodes
            if not node.is_variable and node.name.startswith(tuple(units))
        ]
        for node in inside:
            sources = [source for source, _ in node.inputs if not source.is_variable]
            names = [source.name if source in inside else "x" for source in sources]
            variables = [source.name for source, _ in node.inputs if source.is_variable]
            variables = [re.sub(f"^({'|'.join(units)})", "", name) for name in variables]
            self.inputs[node.name] = list(dict.fromkeys(names))
            self.before[node.name] = {source.name for source in graph.ancestors(node)}
            text, kind = describe(node, len(self.inputs[node.name]), variables)
            self.words[node.name] = text
            self.kind[node.name] = kind

    def members(self, unit):
        """Return the names of a unit's nodes."""
        return [name for name in self.inputs if name.startswith(unit)]

    def places(self):
        """Return {node: (column, row)}, columns to the right and rows downwards, in fractions too.

        Column 0 is the shortcut, with all nodes that every path passes. The last column is the
        residual function F. Gates and other branches are between them.
        """
        columns = {"x": 0}
        start = "x"
        for unit in self.units:
            members = self.members(unit)
            columns.update(self._columns(start, members, f"{unit}conv1"))
            start = members[-1]
        rows = {"x": 0}
        for name, sources in self.inputs.items():
            below = [rows[source] + self._branch_rows(source, name, columns) for source in sources]
            rows[name] = 1 + max(below, default=0)
        return {name: (columns[name], rows[name]) for name in columns}

    def _branch_rows(self, source, name, columns):
        """Return the extra rows between a node and a box to the right of it that reads it."""
        branches = columns[source] < columns[name] and self.kind[name] != "meeting"
        return BRANCH if branches and source != "x" else 0

    def _columns(self, start, members, weight):
        """Return {node: column} of one unit. weight: its first weight, by which F is found."""
        residual = {name for name in members if name == weight or weight in self.before[name]}
        # the nodes that every path passes
        trunk = {name for name in members if not self._path(start, members[-1], {name})}
        shortcut = self._path(start, members[-1], residual - trunk)
        columns = dict.fromkeys(trunk | set(shortcut or []) - {start}, 0)
        rest = [name for name in members if name not in columns]
        chains = []
        while rest:
            chains.append(self._longest_chain(rest, weight))
            rest = [name for name in rest if name not in chains[-1]]
        if len(chains) == 1:  # F only
            return {**columns, **dict.fromkeys(chains[0], ALONE)}
        for number, chain in enumerate(chains):
            # F, the first chain, is the last column
            column = len(chains) if number == 0 else number
            columns.update(dict.fromkeys(chain, column))
        return columns

    def _longest_chain(self, names, weight):
        """Return the longest chain of nodes in which each reads the one before it.

        A chain that contains the weight is preferred.
        """

        def rank(chain):
            return weight in chain, len(chain)

        best = {}
        for name in names:
            chains = [best[source] for source in self.inputs[name] if source in best]
            best[name] = [*max(chains, key=rank, default=[]), name]
        return max(best.values(), key=rank)

    def _path(self, start, end, closed):
        """Return the nodes of the shortest path from end to start without closed ones, or None."""
        paths = [[end]] if end not in closed else []
        seen = {end, *closed}
        while paths:
            path = paths.pop(0)
            if path[-1] == start:
                return path
            for source in self.inputs.get(path[-1], []):
                if source not in seen:
                    seen.add(source)
                    paths.append([*path, source])
        return None


def describe(node, inputs, variables):
    """Return (text, kind) of a node. inputs: number of drawn inputs. variables: their names."""
    op = node.op
    attributes = node.attributes
    act_type = attributes.get("act_type")
    if op in MEETINGS and inputs > 1:
        return MEETINGS[op], "meeting"
    if op == "Convolution":
        size = attributes["kernel"].strip("()").split(",")[0]
        return f"{size}x{size} {'conv' if size == '1' else 'weight'}", "weight"
    if op == "FullyConnected":
        return f"fc {attributes['num_hidden']}", "weight"
    if op == "BatchNorm":
        return "BN", "BN"
    if "relu" in (op, act_type):
        return "ReLU", "ReLU"
    if op in MEETINGS and node.inputs[0][0].is_variable:
        text = f"{variables[0]} {MEETINGS[op]} \u00b7"
    elif op in MEETINGS:
        text = f"{MEETINGS[op]} {variables[0] if variables else 'itself'}"
    elif op in SCALARS:
        text = SCALARS[op].format(f"{float(attributes['scalar']):g}")
    elif op == "Dropout":
        text = f"dropout {float(attributes.get('p', 0.5)):.2g}"
    elif op == "Pooling":
        text = f"{attributes.get('pool_type', 'max')} pool"
    else:
        text = act_type or op.lower().strip("_").replace("_", " ")
    return text, "other"
