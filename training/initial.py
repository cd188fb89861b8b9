"""Initial weights from a file or another run, and the layers that a run freezes.

--initial names a run, a checkpoint or a .params file of the same network, for the same number of
classes or another one. --freeze selects layers by their names, or by beginnings of names, for
example stage1 or stage2_unit3_conv1.
"""

import hashlib
from dataclasses import dataclass

from common.errors import UserError
from common.graph import INPUTS

from .weights import read, shapes_of

CLASSIFIER = ("fc_weight", "fc_bias")
ALL = "all"  # to freeze: all but the classifier


@dataclass(frozen=True)
class Initial:
    """arguments, states: {name: NDArray}, float32; missing parameters start at random.

    words: the message for the user. sha256: of all weights that --initial names.
    """

    arguments: dict
    states: dict
    words: str
    sha256: str


def read_initial(recipe, symbol, class_names=()):
    """Return the Initial of a symbol, from the weights that the recipe names.

    The classifier is random if the weights are for other classes: another number, or other names.
    class_names: of the data set; () if unknown. Raises UserError if there are no weights, if they
    differ from the symbol in more than the classifier, or if a random classifier would be frozen.
    """
    weights = read(recipe.initial)
    data = (1, 3, recipe.image_size, recipe.image_size)
    shapes = shapes_of(symbol, data)
    classes = shapes["fc_bias"][0]
    renamed = class_names and weights.class_names and weights.class_names != tuple(class_names)
    new = CLASSIFIER if renamed or weights.classes != classes else ()
    difference = weights.difference(symbol, data, ignored=new)
    if difference:
        raise UserError(
            f"--initial {recipe.initial} is of another network: {difference}; train the network of "
            "these weights, e.g. preact110"
        )
    frozen = frozen_names(symbol, recipe.freeze)
    if set(new) & set(frozen):
        raise UserError(
            f"--freeze {recipe.freeze} would keep a random classifier, because the weights of "
            "--initial are of other classes: leave fc out (make: FREEZE=)"
        )
    words = f"starts from {weights.name}: {len(shapes) - len(new)} of {len(shapes)} arrays are used"
    if new:
        words += f"; {' and '.join(new)} are random, because the weights are of other classes"
    if recipe.freeze:
        words += (
            f"; --freeze {recipe.freeze} keeps {len(frozen)} parameters unchanged, with their BN's "
            "moving averages"
        )
    arguments = {name: array for name, array in weights.arguments.items() if name not in new}
    digest = hashlib.sha256()
    for name, array in sorted({**weights.arguments, **weights.states}.items()):
        digest.update(name.encode())
        digest.update(array.asnumpy().tobytes())
    return Initial(arguments, weights.states, words, digest.hexdigest())


def frozen_names(symbol, freeze):
    """Return the names of the parameters that --freeze means; [] for None.

    Raises UserError for a beginning that no name has, and if nothing is left to train.
    """
    learned = [name for name in symbol.list_arguments() if name not in INPUTS]
    frozen = set()
    for beginning in map(str.strip, freeze.split(",") if freeze else ()):
        names = {name for name in learned if _begins(name, beginning)}
        if not names:
            layers = dict.fromkeys(name.split("_")[0] for name in learned)
            raise UserError(
                f"--freeze {freeze}: no layer's name is {beginning!r} or begins with {beginning}_: use "
                f"{', '.join(layers)}, one of their parts such as stage1_unit1, or {ALL}"
            )
        frozen |= names
    if learned and len(frozen) == len(learned):
        raise UserError(f"--freeze {freeze}: nothing is left to train; name fewer layers")
    return [name for name in learned if name in frozen]


def _begins(name, beginning):
    if beginning == ALL:
        return name not in CLASSIFIER
    return name == beginning or name.startswith(f"{beginning}_")
