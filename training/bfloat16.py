"""Convert any network to bfloat16, for CPUs that multiply in it: convolutions move half the bytes.

Parameters, gradients, momenta, BN's statistics and the loss stay float32: a converted symbol has
the same arguments and outputs.
"""

from common.graph import Graph

BFLOAT16 = "bfloat16"
FLOAT32 = "float32"
# These rules are from measurements. Convolutions compute in bfloat16. The operators in FOLLOWING,
# which oneDNN also has in bfloat16, do so if all their inputs are bfloat16. All other operators,
# also a user's own, compute in float32: MXNet's operators are up to 20 times slower in bfloat16
# (scalars, products, sigmoid, mean) or do not support it (Dropout), and casting for an addition
# costs as much as the addition saves. The first convolution and the chain of operators after it
# stay float32: in bfloat16 oneDNN would return plain layout, and the stem's BN would then take a
# tenth of ResNet-20's step.
CONVERTED = "Convolution"
FOLLOWING = ("BatchNorm", "Activation", "elemwise_add", "Pooling", "Concat", "slice", "zeros_like")
FLOAT32_NUMBER = "0"  # MXNet's number of the type, in attributes of variables


def bound(symbol, dtype):
    """Return the symbol to bind for training or testing in a type: converted for bfloat16."""
    return converted(symbol) if dtype == BFLOAT16 else symbol


def converted(symbol):
    """Return the symbol with casts between its operators; arguments and outputs keep their types.

    mx.contrib.amp leaves operators that it does not know, and products, in the type of their
    inputs; here they work in float32.
    """
    casting = _Casting(symbol)
    for node in list(casting.graph.nodes):
        # BN's other inputs are its parameters, which are always float32
        working = 1 if node.op == "BatchNorm" else len(node.inputs)
        dtype = casting.working_type(node, [source for source, _ in node.inputs[:working]])
        types = [dtype] * working + [FLOAT32] * (len(node.inputs) - working)
        node.inputs = [casting.cast(entry, type_) for entry, type_ in zip(node.inputs, types)]
        if node.is_variable:
            # Module gives MXNet the types of data and labels only, and MXNet infers none through
            # a cast to a parameter
            node.attributes.setdefault("__dtype__", FLOAT32_NUMBER)
    casting.graph.heads = [casting.cast(entry, FLOAT32) for entry in casting.graph.heads]
    return casting.graph.symbol()


class _Casting:
    """A graph, the type of each node's outputs, and the casts between them."""

    def __init__(self, symbol):
        self.graph = Graph(symbol)
        self._types = {}  # {node: type}
        self._casts = {}  # {(entry, type): entry}
        self._first = set()  # the first convolution, and the chain of nodes that follows it

    def working_type(self, node, sources):
        """Return the type in which a node works on the outputs of its sources."""
        if node.op == CONVERTED:
            narrow = True
            is_first = sources[0].is_variable
        else:
            narrow = _follows(node) and all(
                self._types[source] == BFLOAT16 or source in self._first for source in sources
            )
            is_first = narrow and len(sources) == 1 and sources[0] in self._first
        if is_first:
            self._first.add(node)
        self._types[node] = BFLOAT16 if narrow and not is_first else FLOAT32
        return self._types[node]

    def cast(self, entry, dtype):
        """Return an entry, cast to a type if necessary. All readers of an entry share its cast."""
        node, output = entry
        if self._types[node] == dtype:
            return entry
        if (entry, dtype) not in self._casts:
            name = f"{node.name}_{output}_{dtype}"
            cast = self.graph.add("amp_cast", name, entry, dtype=dtype)
            self._types[cast[0]] = dtype
            self._casts[entry, dtype] = cast
        return self._casts[entry, dtype]


def _follows(node):
    # ReLU is the only such activation, because it rounds nothing. A sigmoid's gradient is computed
    # from its distance to 0 and 1, which bfloat16 rounds.
    return node.op in FOLLOWING and node.attributes.get("act_type", "relu") == "relu"
