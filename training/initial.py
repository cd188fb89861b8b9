"""Where a run begins if not from random weights, and layers that it leaves as they are.

--initial names a run, a checkpoint or a .params file of the same network, for as many classes or
for others. --freeze names layers by the beginnings of their names, as stage1 or stage2_unit3_conv1.
"""

import hashlib
from dataclasses import dataclass

from common.errors import UserError
from common.graph import Graph

from .weights import read

CLASSIFIER = ("fc_weight", "fc_bias")
ALL = "all"  # to freeze: all but the classifier
INPUTS = ("data", "softmax_label")


@dataclass(frozen=True)
class Initial:
    """arguments, states: {name: NDArray}, float32; the rest is random. words: a line to print.

    sha256: of all weights that --initial names.
    """

    arguments: dict
    states: dict
    words: str
    sha256: str


def initial(recipe, symbol, class_names=()):
    """Return the Initial of a symbol from the weights that a recipe names.

    The classifier is random if the weights are for other classes: another number, or other names.
    class_names: of the data set; () if unknown. Raises UserError for missing weights, and unless
    all arrays but the classifier's have the same names and shapes.
    """
    place = recipe.initial
    weights = read(place)
    given = {**weights.arguments, **weights.states}
    wanted = _shapes(symbol, recipe.image_size)
    anew = [name for name in CLASSIFIER if name in wanted]
    renamed = class_names and weights.class_names and weights.class_names != tuple(class_names)
    if not renamed and all(name in given and given[name].shape == wanted[name] for name in anew):
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
            f"; {' and '.join(anew)} are random, for {wanted['fc_bias'][0]:,} classes instead of "
            f"{weights.classes:,}"
        )
        if weights.classes == wanted["fc_bias"][0]:
            begins = f"; {' and '.join(anew)} are random, because the classes have other names"
    words = (
        f"starts from {weights.name}: {len(wanted) - len(anew)} of {len(wanted)} arrays are used"
        f"{begins}"
    )
    if recipe.freeze:
        words += (
            f"; {len(frozen_names(symbol, recipe.freeze))} parameters of {recipe.freeze} "
            "stay as they are, with their BN's moving averages"
        )
    return Initial(
        {name: array for name, array in weights.arguments.items() if name not in anew},
        weights.states,
        words,
        _sha256(given),
    )


def _sha256(arrays):
    """Return the SHA-256 of {name: NDArray}."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].asnumpy().tobytes())
    return digest.hexdigest()


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
