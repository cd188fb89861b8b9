"""Where a run begins if not from random weights, and layers that it leaves as they are.

--initial names a run, a checkpoint or a .params file of the same network, for as many classes or
for others. --freeze names layers by the beginnings of their names, as stage1 or stage2_unit3_conv1.
"""

from dataclasses import dataclass

from common.errors import UserError
from common.graph import Graph

from .weights import read

CLASSIFIER = ("fc_weight", "fc_bias")
ALL = "all"  # to freeze: all but the classifier
INPUTS = ("data", "softmax_label")


@dataclass(frozen=True)
class Initial:
    """arguments, states: {name: NDArray}, float32; what lacks begins anew. words: what is said."""

    arguments: dict
    states: dict
    words: str


def initial(recipe, symbol):
    """The Initial of a symbol from the weights that a recipe names.

    Raises UserError where there are none, and unless all but the classifier is there in the same
    shape, and nothing besides.
    """
    place = recipe.initial
    weights = read(place)
    given = {**weights.arguments, **weights.states}
    wanted = _shapes(symbol, recipe.image_size)
    anew = [name for name in CLASSIFIER if name in wanted]
    if all(name in given and given[name].shape == wanted[name] for name in anew):
        anew = []
    for name in sorted(given.keys() | wanted.keys()):
        shape = given[name].shape if name in given else "nothing"
        if name not in anew and shape != wanted.get(name):
            raise UserError(
                f"--initial {place} is of another network: its {name} is {shape}, and "
                f"here it is {wanted.get(name, 'nothing')}; name its own network, as "
                "preact110"
            )
    begins = ""
    if anew:
        begins = (
            f"; {' and '.join(anew)} begin anew, for {wanted['fc_bias'][0]:,} classes in "
            f"place of {weights.classes:,}"
        )
    words = (
        f"begins from {weights.name}: {len(wanted) - len(anew)} of {len(wanted)} arrays taken"
        f"{begins}"
    )
    if recipe.freeze:
        words += (
            f"; {len(frozen_names(symbol, recipe.freeze))} parameters of {recipe.freeze} "
            "stay as they are, and so do BN's moving averages there"
        )
    return Initial(
        {name: array for name, array in weights.arguments.items() if name not in anew},
        weights.states,
        words,
    )


def _shapes(symbol, image_size):
    """{name: shape} of all that a network learns or averages."""
    arguments, _, states = symbol.infer_shape(data=(1, 3, image_size, image_size))
    shapes = dict(zip(symbol.list_arguments(), arguments))
    shapes.update(zip(symbol.list_auxiliary_states(), states))
    return {name: shape for name, shape in shapes.items() if name not in INPUTS}


def frozen_names(symbol, freeze):
    """The names of the parameters that --freeze means: [] for None.

    Raises UserError for a beginning that no name has, and if nothing is left to train.
    """
    learned = [name for name in symbol.list_arguments() if name not in INPUTS]
    frozen = set()
    for beginning in freeze.split(",") if freeze else ():
        meant = {name for name in learned if _begins(name, beginning)}
        if not meant:
            first = dict.fromkeys(name.split("_")[0] for name in learned)
            raise UserError(
                f"--freeze {freeze}: no layer's name begins with {beginning!r}; there "
                f"are {', '.join(first)} and their parts, as stage1_unit1, and {ALL}"
            )
        frozen |= meant
    if learned and len(frozen) == len(learned):
        raise UserError(f"--freeze {freeze}: nothing is left to train")
    return [name for name in learned if name in frozen]


def _begins(name, beginning):
    if beginning == ALL:
        return name not in CLASSIFIER
    return name == beginning or name.startswith(f"{beginning}_")


def with_frozen(symbol, names):
    """The symbol in which the BNs of these parameters use their moving averages, and keep them.

    Otherwise a frozen layer would still follow the images.
    """
    if not names:
        return symbol
    graph = Graph(symbol)
    for node in graph.nodes:
        if node.op == "BatchNorm" and node.inputs[1][0].name in names:
            node.attributes["use_global_stats"] = "True"
    return graph.symbol()
