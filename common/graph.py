"""The graph of a symbol, read and rewritten. Only this module parses a symbol's JSON."""

import json
from collections import defaultdict

INPUTS = ("data", "softmax_label")  # arguments of a network that are not learnt


class Node:
    """One operator or variable of a graph.

    op          MXNet's name of the operator, for example Convolution; "null" for a variable
    name        the node's name
    inputs      the entries that it reads, as [(node, number of that node's output)]
    attributes  {name: text}, for example {"kernel": "(3, 3)"}
    """

    def __init__(self, op, name, inputs=(), attributes=None, **others):
        self.op = op
        self.name = name
        self.inputs = list(inputs)
        self.attributes = dict(attributes or {})
        self.others = others  # what MXNet saves besides, for example the subgraphs of a loop

    @property
    def is_variable(self):
        """Whether the node is a parameter, an auxiliary state or the network's input."""
        return self.op == "null"


class Graph:
    """The nodes of a symbol, which can be rewritten.

    An entry is a pair (node, output number): one array that the graph computes.

    nodes   all nodes; those of the symbol are in topological order, added nodes follow them
    heads   the entries that the symbol returns
    """

    def __init__(self, symbol):
        self._saved = json.loads(symbol.tojson(remove_amp_cast=False))
        self._readers = defaultdict(list)
        self.nodes = []
        for saved in self._saved["nodes"]:
            others = dict(saved)
            node = Node(
                others.pop("op"),
                others.pop("name"),
                self._entries(others.pop("inputs")),
                others.pop("attrs", None),
                **others,
            )
            self._append(node)
        self.heads = self._entries(self._saved["heads"])

    def _entries(self, saved):
        return [(self.nodes[number], output) for number, output, *_ in saved]

    def _append(self, node):
        self.nodes.append(node)
        for entry in node.inputs:
            self._readers[entry].append(node)

    def readers(self, entry):
        """Return the nodes that read an entry."""
        return list(self._readers[entry])

    def ancestors(self, node, closed=frozenset()):
        """Return the nodes on which a node depends. Paths end at the nodes of the set `closed`."""
        nodes = set()
        waiting = set() if node in closed else {node}
        while waiting:
            sources = {source for source, _ in waiting.pop().inputs} - nodes
            nodes |= sources
            waiting |= sources - closed
        return nodes

    def add(self, op, name, *inputs, **attributes):
        """Add a node and return its entry. inputs: entries, or names of new variables."""
        entries = [self.add("null", x) if isinstance(x, str) else x for x in inputs]
        node = Node(op, name, entries, attributes)
        self._append(node)
        return node, 0

    def replace(self, entry, other, readers=None):
        """Make the readers of an entry read another one. readers: by default all, and the heads."""
        if readers is None:
            readers = [node for node in self._readers[entry] if node is not other[0]]
            self.heads = [other if head == entry else head for head in self.heads]
        for node in readers:
            self._readers[entry].remove(node)
            self._readers[other].append(node)
            node.inputs = [other if source == entry else source for source in node.inputs]

    def insert(self, entry, op, name, *others, readers=None, **attributes):
        """Let the readers of an entry read op(entry, *others) instead, and return the new entry.

        others: entries, or names of new variables. readers: by default all, and the heads.
        """
        new = self.add(op, name, entry, *others, **attributes)
        self.replace(entry, new, readers)
        return new

    def arrays(self, entries, shapes):
        """Return [(shape, type)] of entries. shapes: {input: shape}; inputs are float32."""
        symbol = self.symbol(entries)
        known = {name: shapes[name] for name in symbol.list_arguments() if name in shapes}
        _, inferred, _ = symbol.infer_shape(**known)
        _, types, _ = symbol.infer_type(**dict.fromkeys(known, "float32"))
        return list(zip(inferred, types))

    def symbol(self, heads=None):
        """Return the graph as a symbol. heads: the entries that it returns; None: its own."""
        import mxnet as mx  # not needed to read a graph

        numbers = {node: number for number, node in enumerate(self.nodes)}

        def saved(entries):
            return [[numbers[node], output, 0] for node, output in entries]

        nodes = [
            {
                **node.others,
                "op": node.op,
                "name": node.name,
                "attrs": node.attributes,
                "inputs": saved(node.inputs),
            }
            for node in self.nodes
        ]
        # MXNet accepts nodes in any order, and counts the arguments again when it loads a graph
        rewritten = {"nodes": nodes, "heads": saved(heads or self.heads)}
        unused = {"arg_nodes": [], "node_row_ptr": []}
        return mx.sym.load_json(json.dumps({**self._saved, **rewritten, **unused}))
