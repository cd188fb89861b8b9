"""The BNs of a network as a run trains them: of frozen layers, and of a batch in parts."""

from common.graph import Graph


def with_frozen(symbol, names):
    """Return the symbol with frozen BNs: they use their moving averages and do not change them.

    names: the frozen parameters. Without this, the moving averages of a frozen BN would change.
    """

    def change(node):
        if node.inputs[1][0].name in names:
            node.attributes["use_global_stats"] = "True"

    return _changed(symbol, change) if names else symbol


def with_parts(symbol, count):
    """Return the symbol for batches that are processed in parts, each of which updates the moving
    averages.

    A batch has the same weight in them as if it were processed at once.
    """

    def change(node):
        momentum = float(node.attributes.get("momentum", 0.9))  # MXNet's default
        node.attributes["momentum"] = repr(momentum ** (1 / count))

    return _changed(symbol, change) if count > 1 else symbol


def _changed(symbol, change):
    graph = Graph(symbol)
    for node in graph.nodes:
        if node.op == "BatchNorm":
            change(node)
    return graph.symbol()
