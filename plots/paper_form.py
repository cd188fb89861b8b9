"""The joins of Figure 2 (1603.05027) in the paper's own form, for its diagrams.

The files of symbols/shortcuts/ compute the same sums with fewer operators. Each rule here replaces
a sum by an algebraically equal one; a test compares their outputs.
"""

from common.graph import Graph


def in_paper_form(symbol):
    """Return the symbol with the joins of its units as the paper draws them."""
    graph = Graph(symbol)
    for node in list(graph.nodes):
        scale_both_paths(graph, node)
        gate_both_paths(graph, node)
        gate_shortcut(graph, node)
    return graph.symbol()


def scale_both_paths(graph, node):
    """Replace c (x + f) by c x + c f."""
    if node.op == "_mul_scalar" and node.inputs[0][0].op == "elemwise_add":
        paths = [
            graph.add("_mul_scalar", f"{node.name}_path{number}", path, **node.attributes)
            for number, path in enumerate(node.inputs[0][0].inputs)
        ]
        graph.replace((node, 0), graph.add("elemwise_add", f"{node.name}_sum", *paths))


def gate_both_paths(graph, node):
    """Replace x + g (f - x) by (1 - g) x + g f."""
    if node.op != "elemwise_add" or node.inputs[1][0].op != "elemwise_mul":
        return
    x, product = node.inputs
    gate, difference = product[0].inputs
    if difference[0].op == "elemwise_sub" and difference[0].inputs[1] == x:
        f = difference[0].inputs[0]
        gated = graph.add("elemwise_mul", f"{node.name}_gated", f, gate)
        graph.replace(x, _carried(graph, node, x, gate), readers=[node])
        graph.replace(product, gated, readers=[node])


def gate_shortcut(graph, node):
    """Replace x - g x by (1 - g) x."""
    if node.op != "elemwise_sub" or node.inputs[1][0].op != "elemwise_mul":
        return
    x, product = node.inputs
    gate, gated = product[0].inputs
    if gated == x:
        graph.replace((node, 0), _carried(graph, node, x, gate))


def _carried(graph, node, x, gate):
    """Return the entry (1 - g) x."""
    rest = graph.add("_rminus_scalar", f"{node.name}_rest", gate, scalar="1")
    return graph.add("elemwise_mul", f"{node.name}_carried", x, rest)
