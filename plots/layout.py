"""Where the parts of a residual unit stand in its diagram: read off the symbol's graph, whatever it
is."""

import symbols
from common.graph import Graph

ALONE = 1.5  # the column of F where nothing stands between it and the shortcut
BRANCH = 0.6  # extra rows between a place where paths part and the box that one of them enters
# What joins two paths, as it is drawn: in a circle.
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


def of_network(activation, shortcut, first=2, last=2):
    """The Layout of units first to last of a network's first stage.

    Raises UserError for a variant that cannot be built.
    """
    units = [f"stage1_unit{number}_" for number in range(first, last + 1)]
    return Layout(Graph(symbols.get_symbol(26, activation, shortcut)), units)


class Layout:
    """The places and texts of the nodes of consecutive residual units.

    graph: the network's. units: the prefixes of the units' names. The input of the first unit is
    called "x".

    inputs  {node: the nodes that it reads}, in topological order; variables are left out
    words   {node: its text}
    kind    {node: weight, BN, ReLU, meeting or other}
    """

    def __init__(self, graph, units):
        self.units = units
        self.inputs = {}
        self.words = {}
        self.kind = {}
        self._ancestors = {}
        inside = [
            node
            for node in graph.nodes
            if not node.is_variable and node.name.startswith(tuple(units))
        ]
        for node in inside:
            sources = [source for source, _ in node.inputs if not source.is_variable]
            self.inputs[node.name] = list(
                dict.fromkeys(source.name if source in inside else "x" for source in sources)
            )
            self._ancestors[node.name] = {source.name for source in graph.ancestors(node)}
            variables = [
                _without(units, source.name) for source, _ in node.inputs if source.is_variable
            ]
            inputs = len(self.inputs[node.name])
            self.words[node.name], self.kind[node.name] = describe(node, inputs, variables)

    def members(self, unit):
        return [name for name in self.inputs if name.startswith(unit)]

    def before(self, name):
        """The names of all nodes on which a node depends."""
        return self._ancestors[name]

    def is_meeting(self, name):
        return self.kind.get(name) == "meeting"

    def places(self):
        """{node: (column, row)}; rows go down, and need not be whole.

        Column 0 is the shortcut and what all paths pass, the last the residual function F; between
        them stand gates and whatever else there is.
        """
        columns = {"x": 0}
        start = "x"
        for unit in self.units:
            members = self.members(unit)
            columns.update(self._columns(start, members, f"{unit}conv1"))
            start = members[-1]
        rows = {"x": 0}
        for name, inputs in self.inputs.items():
            rows[name] = 1 + max(
                (
                    rows[one]
                    + (
                        BRANCH
                        if one != "x" and columns[one] < columns[name] and not self.is_meeting(name)
                        else 0
                    )
                    for one in inputs
                ),
                default=0,
            )
        return {name: (columns[name], rows[name]) for name in columns}

    def _columns(self, start, members, weight):
        """{node: column} of one unit; weight: its first one, which tells F from the rest."""
        residual = {name for name in members if name == weight or weight in self.before(name)}
        trunk = {name for name in members if not self._way(start, members[-1], {name})}
        spine = self._way(start, members[-1], residual - trunk)
        columns = dict.fromkeys(trunk | set(spine or []) - {start}, 0)
        rest = [name for name in members if name not in columns]
        chains = []
        while rest:
            through = [weight] if weight in rest else []
            chain = self._longest(rest, through)
            rest = [name for name in rest if name not in chain]
            chains.append(chain)
        if len(chains) == 1:  # F alone
            return {**columns, **dict.fromkeys(chains[0], ALONE)}
        for number, chain in enumerate(chains):
            columns.update(dict.fromkeys(chain, number or len(chains)))
        return columns

    def _longest(self, among, through):
        """The longest chain of nodes, each the next one's input; if it can be, through a given
        node."""
        best = {}
        for name in among:
            ways = [best[one] for one in self.inputs[name] if one in best]
            best[name] = max(
                ways, key=lambda way: (set(through) <= set(way), len(way)), default=[]
            ) + [name]
        return max(best.values(), key=lambda way: (set(through) <= set(way), len(way)))

    def _way(self, start, end, closed):
        """The shortest way from start to end that avoids some nodes, or None."""
        ways = [[end]] if end not in closed else []
        seen = {end}
        while ways:
            way = ways.pop(0)
            if way[-1] == start:
                return way
            for one in self.inputs.get(way[-1], []):
                if one not in closed and one not in seen:
                    seen.add(one)
                    ways.append([*way, one])
        return None


def _without(units, name):
    for unit in units:
        if name.startswith(unit):
            return name[len(unit) :]
    return name


def describe(node, inputs, variables):
    """(what a box says, its kind) of an operator with so many drawn inputs and these variables."""
    op = node.op
    attributes = node.attributes
    if op in MEETINGS and inputs > 1:
        return MEETINGS[op], "meeting"
    if op in MEETINGS:  # by a learnt variable, or by itself
        return f"{MEETINGS[op]} {variables[0] if variables else 'itself'}", "other"
    if op in SCALARS:
        return SCALARS[op].format(f"{float(attributes['scalar']):g}"), "other"
    if op == "Convolution":
        size = attributes["kernel"].strip("()").split(",")[0]
        return f"{size}x{size} {'conv' if size == '1' else 'weight'}", "weight"
    if op == "BatchNorm":
        return "BN", "BN"
    if op == "Activation" and attributes["act_type"] == "relu" or op == "relu":
        return "ReLU", "ReLU"
    named = {
        "Activation": attributes.get("act_type"),
        "LeakyReLU": attributes.get("act_type"),
        "Dropout": f"dropout {float(attributes.get('p', 0.5)):.2g}",
        "Concat": "concat",
        "FullyConnected": f"fc {attributes.get('num_hidden', '')}",
        "Pooling": f"{attributes.get('pool_type', 'max')} pool",
    }
    text = named.get(op) or op.lstrip("_").replace("_", " ")
    return text, "weight" if op == "FullyConnected" else "other"
