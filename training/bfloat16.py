"""Any network in bfloat16: convolutions of half the bytes at twice the speed, on CPUs that multiply in it.

Parameters, their gradients and momenta, BN's statistics and the loss stay float32: a converted symbol takes and gives the same.
"""
import json

import mxnet as mx

BFLOAT16, FLOAT32 = "bfloat16", "float32"
# The one rule, measured: a convolution takes bfloat16; these operators, which oneDNN has in bfloat16 too, take it where all
# that they work on comes in it; all others, a user's own too, take float32. MXNet's own operators are up to 20 times slower in
# bfloat16 (scalars, products, sigmoid, mean) or lack it (Dropout), and a cast to and fro for an addition costs what it saves.
CONVERTED = "Convolution"
FOLLOWING = ("BatchNorm", "Activation", "elemwise_add", "Pooling", "Concat", "slice", "zeros_like")


def bound(symbol, dtype):
    """What is bound to train or test a symbol in a type."""
    return converted(symbol) if dtype == BFLOAT16 else symbol


def converted(symbol):
    """The symbol with casts between its operators; arguments, their types, and outputs are the same.

    Not mx.contrib.amp's, which leaves an operator that it does not know, or a product, to whatever type comes.
    """
    saved = json.loads(symbol.tojson())
    nodes, types, moved, casts = [], [], [], {}

    def add(node, type):
        nodes.append(node)
        types.append(type)
        return len(nodes) - 1

    def cast(entry, type):
        """The entry in a type; it is cast once for all who read it."""
        i, output = entry[:2]
        if types[i] == type:
            return entry
        if (i, output, type) not in casts:
            casts[i, output, type] = add({"op": "amp_cast", "name": f"{nodes[i]['name']}_{output}_{type}",
                                          "attrs": {"dtype": type}, "inputs": [entry]}, type)
        return [casts[i, output, type], 0, 0]

    for node in saved["nodes"]:
        inputs = [[moved[i], *rest] for i, *rest in node["inputs"]]
        working = 1 if node["op"] == "BatchNorm" else len(inputs)  # the others are BN's parameters, always float32
        narrow = node["op"] == CONVERTED or (_follows(node) and all(types[i] == BFLOAT16 for i, *_ in inputs[:working]))
        inputs = [cast(entry, BFLOAT16 if narrow and k < working else FLOAT32) for k, entry in enumerate(inputs)]
        if node["op"] == "null":  # Module tells the types of data and labels; none is inferred through a cast to a parameter
            node = {**node, "attrs": {"__dtype__": "0", **node.get("attrs", {})}}  # MXNet's number of float32
        moved.append(add({**node, "inputs": inputs}, BFLOAT16 if narrow else FLOAT32))
    heads = [cast([moved[i], *rest], FLOAT32) for i, *rest in saved["heads"]]
    return mx.sym.load_json(json.dumps({**saved, "nodes": nodes, "heads": heads, "arg_nodes": [], "node_row_ptr": []}))


def _follows(node):
    attributes = node.get("attrs", {})
    # of the activations relu alone: it rounds nothing, and a sigmoid's output near 0 or 1 is what its gradient comes from
    return node["op"] in FOLLOWING and attributes.get("act_type", "relu") == "relu"
