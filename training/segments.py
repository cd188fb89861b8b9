"""A symbol as a chain of segments. Each takes one array from the segment before it.

A graph can be cut where a single entry is live: at its articulation points. This module is
independent of residual units.
"""

from collections import defaultdict, namedtuple
from itertools import accumulate

import mxnet as mx

INPUT = "recompute_input"  # the variable in a segment for the array from the segment before
# symbol: of the nodes between two cuts. draws: whether it may draw random numbers.
Segment = namedtuple("Segment", "symbol draws")
Cut = namedtuple("Cut", "position entry")  # after the node at position; the entry crosses it
MOST = 100  # best_cuts() tries fewer segments than this
# Measured: MXNet keeps three copies of an array that crosses a cut (output, gradient, input),
# and a segment whose nodes keep 1 MB takes 1.2 MB.
COPIES = 3
WORK = 1.2
# Operators that draw no random numbers. Before a segment with any other operator the generator is
# seeded.
DRAW_NOTHING = (
    "null Convolution BatchNorm Activation FullyConnected Pooling SoftmaxOutput amp_cast "
    "elemwise_add elemwise_sub elemwise_mul _mul_scalar Concat slice zeros_like mean"
).split()


def cuts(graph, inputs):
    """Return all places where a graph can be cut, in order. inputs: variables without a gradient.

    An entry is live from the node that computes it (a parameter: from its first reader) to its last
    reader; a head, to the end. A graph can be cut where a single entry is live. A parameter that is
    read on both sides prevents the cut: its gradient would be split.
    """
    positions = {node: position for position, node in enumerate(graph.nodes)}
    first = {}
    last = {}
    for node, position in positions.items():
        for entry in node.inputs:
            first.setdefault(entry, position)
            last[entry] = position
    last.update(dict.fromkeys(graph.heads, len(graph.nodes)))
    begins = defaultdict(list)
    for entry in last:
        node = entry[0]
        if node.is_variable and node.name in inputs:
            continue
        begins[first.get(entry, 0) if node.is_variable else positions[node]].append(entry)
    alive = []
    places = []
    for node, position in positions.items():
        alive = [entry for entry in alive + begins[position] if last[entry] > position]
        if node.is_variable or len(alive) != 1:
            continue
        (entry,) = alive
        is_new = not places or places[-1].entry != entry
        if is_new and not entry[0].is_variable and entry not in graph.heads:
            places.append(Cut(position, entry))
    return places


def best_cuts(possible, kept, passed):
    """Return (the cuts with which training needs the least memory, its bytes).

    Memory contains the arrays that cross cuts, and the arrays that one segment at a time keeps for
    its backward pass. All segments have about equally many arrays, so that each can reuse the
    memory of another.

    kept: bytes that each node keeps. passed: bytes that cross each possible cut.
    """
    count = list(accumulate((1 if size else 0 for size in kept), initial=0))
    total = list(accumulate(kept, initial=0))
    size = dict(zip(possible, passed))
    best = []
    least = total[-1]
    for share in range(2, min(len(possible) + 2, MOST)):
        taken = _even_cuts(possible, count, count[-1] / share)
        edges = [0, *(total[cut.position + 1] for cut in taken), total[-1]]
        largest = max(end - begin for begin, end in zip(edges, edges[1:]))
        need = COPIES * sum(size[cut] for cut in taken) + WORK * largest
        if need < least:
            least = need
            best = taken
    return best, least


def _even_cuts(possible, count, size):
    """Return cuts that leave segments with at most `size` arrays, where that is possible."""
    taken = []
    begin = 0
    for cut, following in zip(possible, [*possible[1:], None]):
        end = following.position + 1 if following else len(count) - 1
        if count[end] - begin > size:
            taken.append(cut)
            begin = count[cut.position + 1]
    return taken


def segments(graph, taken):
    """Return the segments of a graph between the cuts that are taken, in order. Rewrites the graph.

    The nodes behind a cut read a variable called INPUT in place of the cut's entry.
    """
    for cut in taken:
        graph.replace(cut.entry, graph.add("null", INPUT))
    outputs = graph.symbol([*(cut.entry for cut in taken), *graph.heads])
    last = mx.sym.Group([outputs[number] for number in range(len(taken), len(outputs))])
    symbols = [*(outputs[number] for number in range(len(taken))), last]
    edges = [0, *(cut.position + 1 for cut in taken), len(graph.nodes)]
    return [
        Segment(symbol, any(node.op not in DRAW_NOTHING for node in graph.nodes[begin:end]))
        for symbol, begin, end in zip(symbols, edges, edges[1:])
    ]
