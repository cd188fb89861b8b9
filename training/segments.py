"""A symbol cut into a chain of segments, each with one array coming in and one going out.

It may be cut where one edge alone leads on: at the articulation points of its graph. Nothing here
knows of residual units.
"""

import json
from collections import namedtuple
from itertools import accumulate

import mxnet as mx

INPUT = "recompute_input"  # the variable of a segment that stands for what the one before gives
# symbol: of the nodes between two cuts. draws: whether it may draw random numbers.
Segment = namedtuple("Segment", "symbol draws")
Cut = namedtuple("Cut", "position entry")  # after the node at position; [node, output] leads on
MOST = 100  # segments that are tried
# Measured: MXNet has an array that leads on three times, as output, for its gradient, and as input;
# and a segment that works on 1 MB takes 1.2.
COPIES = 3
WORK = 1.2
# operators that surely draw none; a segment with any other has the generator seeded before it
DRAW_NOTHING = (
    "null",
    "Convolution",
    "BatchNorm",
    "Activation",
    "FullyConnected",
    "Pooling",
    "SoftmaxOutput",
    "amp_cast",
    "elemwise_add",
    "elemwise_sub",
    "elemwise_mul",
    "_mul_scalar",
    "Concat",
    "slice",
    "zeros_like",
    "mean",
)


def graph_of(symbol):
    """The symbol's graph as MXNet writes it, bfloat16's casts too."""
    return json.loads(symbol.tojson(remove_amp_cast=False))


def symbol_of(graph, nodes, heads):
    return mx.sym.load_json(
        json.dumps({**graph, "nodes": nodes, "heads": heads, "arg_nodes": [], "node_row_ptr": []})
    )


def arrays_of(graph, entries, shapes):
    """[(shape, type)] of entries of a graph whose inputs have shapes and are float32."""
    symbol = symbol_of(graph, graph["nodes"], [[*entry, 0] for entry in entries])
    known = {name: shapes[name] for name in symbol.list_arguments() if name in shapes}
    _, made, _ = symbol.infer_shape(**known)
    _, types, _ = symbol.infer_type(**dict.fromkeys(known, "float32"))
    return list(zip(made, types))


def cuts(graph, inputs):
    """All places where a graph can be cut, in its order. inputs: variables without a gradient.

    A parameter that is read on both sides forbids the cut: its gradient would be two halves.
    """
    nodes = graph["nodes"]
    first_reader = {}
    last_reader = {}
    for reader, node in enumerate(nodes):
        for entry in node["inputs"]:
            first_reader.setdefault(tuple(entry[:2]), reader)
            last_reader[tuple(entry[:2])] = reader
    for entry in graph["heads"]:
        last_reader[tuple(entry[:2])] = len(nodes)
    variables = {i for i, node in enumerate(nodes) if node["op"] == "null"}
    free = {i for i in variables if nodes[i]["name"] in inputs}
    begins = {}
    ends = {}
    for entry in last_reader:
        if entry[0] in free:
            continue
        begin = first_reader.get(entry, 0) if entry[0] in variables else entry[0]
        begins.setdefault(begin, []).append(entry)
        ends.setdefault(last_reader[entry], []).append(entry)
    leading_on = set()
    found = []
    for position, node in enumerate(nodes):
        leading_on.update(begins.get(position, ()))
        leading_on.difference_update(ends.get(position, ()))
        if node["op"] == "null" or len(leading_on) != 1:
            continue
        entry = next(iter(leading_on))
        is_new = not found or found[-1].entry != entry
        if is_new and entry[0] not in variables and last_reader[entry] < len(nodes):
            found.append(Cut(position, entry))
    return found


def chosen(possible, kept, passed):
    """(the cuts with which training needs the least memory, its bytes).

    What leads on is kept, and for one segment at a time what its backward needs. The
    segments have as many arrays each, because one can then work in the memory of another, whose
    arrays are as many, if larger. kept: bytes that each node keeps. passed: bytes that lead on at
    each possible cut.
    """
    count = _sums(1 if size else 0 for size in kept)
    total = _sums(kept)
    size = dict(zip(possible, passed))
    best = []
    least = total[-1]
    for share in range(2, min(len(possible) + 2, MOST)):
        taken = _even(possible, count, count[-1] / share)
        edges = [0, *(total[cut.position + 1] for cut in taken), total[-1]]
        largest = max(end - begin for begin, end in zip(edges, edges[1:]))
        need = COPIES * sum(size[cut] for cut in taken) + WORK * largest
        if need < least:
            least = need
            best = taken
    return best, least


def _sums(numbers):
    return [0, *accumulate(numbers)]


def _even(possible, count, size):
    """Of the possible cuts those that leave pieces of at most a size, where that can be."""
    taken = []
    begin = 0
    for cut, following in zip(possible, [*possible[1:], None]):
        end = following.position + 1 if following else len(count) - 1
        if count[end] - begin > size:
            taken.append(cut)
            begin = count[cut.position + 1]
    return taken


def segments(graph, taken):
    """The segments of a graph between the cuts that are taken, in their order."""
    made = []
    begin = 0
    coming = None
    for cut in taken:
        made.append(_segment(graph, range(begin, cut.position + 1), coming, [[*cut.entry, 0]]))
        begin = cut.position + 1
        coming = cut.entry
    made.append(_segment(graph, range(begin, len(graph["nodes"])), coming, graph["heads"]))
    return made


def _segment(graph, inside, coming, heads):
    """The operators inside, with the variables that they read; coming: the entry that is INPUT."""
    nodes = []
    numbers = {}  # of a variable or operator: where the segment has it

    def moved(entry):
        i, output = entry[:2]
        if (i, output) == coming:
            i = INPUT
            output = 0
        if i not in numbers:
            variable = (
                {"op": "null", "name": INPUT, "inputs": []} if i == INPUT else graph["nodes"][i]
            )
            assert variable["op"] == "null", f"{variable['name']} is before the cut"
            numbers[i] = len(nodes)
            nodes.append(variable)
        return [numbers[i], output, 0]

    for i in inside:
        node = graph["nodes"][i]
        if node["op"] != "null":
            inputs = [moved(entry) for entry in node["inputs"]]
            numbers[i] = len(nodes)
            nodes.append({**node, "inputs": inputs})
    draws = any(node["op"] not in DRAW_NOTHING for node in nodes)
    return Segment(symbol_of(graph, nodes, [moved(entry) for entry in heads]), draws)
