"""Any network in bfloat16: convolutions of half the bytes, for CPUs that multiply in it.

Parameters, their gradients and momenta, BN's statistics and the loss stay float32: a converted
symbol takes and gives the same.
"""

import json

import mxnet as mx

BFLOAT16 = "bfloat16"
FLOAT32 = "float32"
# The one rule, measured: a convolution takes bfloat16; FOLLOWING, which oneDNN has in bfloat16 too,
# take it where all that they work on comes in it; all others, a user's own too, take float32.
# MXNet's own operators are up to 20 times slower in bfloat16 (scalars, products, sigmoid, mean) or
# lack it (Dropout), and a cast to and fro for an addition costs what it saves. Alone a convolution
# of the pictures themselves stays float32, and what follows it alone: in bfloat16 oneDNN gives it
# in plain order, in which ResNet-20 spends a tenth of its step on the stem's BN.
CONVERTED = "Convolution"
FOLLOWING = ("BatchNorm", "Activation", "elemwise_add", "Pooling", "Concat", "slice", "zeros_like")
FLOAT32_NUMBER = "0"  # MXNet's, in attributes of variables


def bound(symbol, dtype):
    """What is bound to train or test a symbol in a type."""
    return converted(symbol) if dtype == BFLOAT16 else symbol


def converted(symbol):
    """The symbol with casts between its operators; arguments, their types, and outputs are the
    same.

    Not mx.contrib.amp's, which leaves an operator that it does not know, or a product, to whatever
    type comes.
    """
    saved = json.loads(symbol.tojson())
    graph = _Graph()
    entries = []  # of each saved node: where the new graph has it
    first = set()  # nodes that give the pictures' convolution, or what follows it alone
    for node in saved["nodes"]:
        inputs = [[entries[i], *rest] for i, *rest in node["inputs"]]
        # BN's other inputs are its parameters, which are always float32
        working = 1 if node["op"] == "BatchNorm" else len(inputs)
        sources = [i for i, *_ in inputs[:working]]
        if node["op"] == CONVERTED:
            converts = True
            is_first = graph.nodes[sources[0]]["op"] == "null"
        else:
            converts = _follows(node) and all(
                graph.types[i] == BFLOAT16 or i in first for i in sources
            )
            is_first = converts and len(sources) == 1 and sources[0] in first
        narrow = converts and not is_first
        working_type = BFLOAT16 if narrow else FLOAT32
        inputs = [
            graph.cast(entry, working_type if k < working else FLOAT32)
            for k, entry in enumerate(inputs)
        ]
        attributes = node.get("attrs", {})
        if node["op"] == "null":
            # Module tells MXNet the types of data and labels alone, and none is inferred
            # through a cast to a parameter
            attributes = {"__dtype__": FLOAT32_NUMBER, **attributes}
        entries.append(graph.add({**node, "attrs": attributes, "inputs": inputs}, working_type))
        if is_first:
            first.add(entries[-1])
    heads = [graph.cast([entries[i], *rest], FLOAT32) for i, *rest in saved["heads"]]
    return mx.sym.load_json(
        json.dumps(
            {**saved, "nodes": graph.nodes, "heads": heads, "arg_nodes": [], "node_row_ptr": []}
        )
    )


def _follows(node):
    # of the activations relu alone: it rounds nothing, and a sigmoid's output near 0 or 1 is what
    # its gradient comes from
    relu = node.get("attrs", {}).get("act_type", "relu") == "relu"
    return node["op"] in FOLLOWING and relu


class _Graph:
    """A symbol's nodes in MXNet's JSON, the type that each gives, and the casts among them."""

    def __init__(self):
        self.nodes = []
        self.types = []
        self._casts = {}

    def add(self, node, dtype):
        """The new node's number."""
        self.nodes.append(node)
        self.types.append(dtype)
        return len(self.nodes) - 1

    def cast(self, entry, dtype):
        """An entry [node, output, version] in a type; it is cast once for all who read it."""
        i, output = entry[:2]
        if self.types[i] == dtype:
            return entry
        key = i, output, dtype
        if key not in self._casts:
            self._casts[key] = self.add(
                {
                    "op": "amp_cast",
                    "name": f"{self.nodes[i]['name']}_{output}_{dtype}",
                    "attrs": {"dtype": dtype},
                    "inputs": [entry],
                },
                dtype,
            )
        return [self._casts[key], 0, 0]
