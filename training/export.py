"""A trained network in MXNet's own files, which every program with MXNet reads.

    network-symbol.json, network-0000.params    for mx.model.load_checkpoint("network", 0),
                                                mx.mod.Module.load and gluon's SymbolBlock.imports
    inputs.json                                 the form of the images (data/inputs.py)

The network is float32 in any case, because its weights are.
"""

import json
import tempfile
from pathlib import Path

import mxnet as mx
import numpy as np

from common.errors import UserError
from common.files import write_whole, writing

from .checkpoint import write_arrays

PREFIX = "network"
SYMBOL = f"{PREFIX}-symbol.json"
PARAMETERS = f"{PREFIX}-0000.params"
ONNX = f"{PREFIX}.onnx"
INPUTS = "inputs.json"


def write(folder, symbol, arguments, states, inputs):
    """Write the three files into a folder, each completely or not at all, and return their paths.

    symbol: float32, with inputs `data` and `softmax_label`. arguments, states: {name: NDArray}.
    inputs: the content of inputs.json. Raises UserError if the disk is full.
    """
    folder = Path(folder)
    arrays = {f"arg:{name}": array for name, array in arguments.items()}
    arrays.update({f"aux:{name}": array for name, array in states.items()})
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            content = write_arrays(Path(partial) / PARAMETERS, arrays)
    files = {SYMBOL: symbol.tojson(), PARAMETERS: content, INPUTS: json.dumps(inputs) + "\n"}
    for name, text in files.items():
        write_whole(folder / name, text)
    return [folder / name for name in files]


def check_free(folder, form, weights, is_named):
    """Raise UserError if a folder has an exported network, which may be another one.

    form: mxnet or onnx. A run's own folder has its own network, unless the user names the folder
    (is_named). A .params file without a run can have another one beside it.
    """
    is_bare = weights.folder and not weights.run and Path(weights.name).name != PARAMETERS
    path = folder / (PARAMETERS if form == "mxnet" else ONNX)
    if (is_named or is_bare) and path.exists():
        raise UserError(f"{path} exists: name another folder by --output (make: OUTPUT=)")


def read_symbol(weights):
    """Return the symbol in network-symbol.json beside exported weights; None for other weights.

    Raises UserError for a corrupt file.
    """
    path = weights.folder / SYMBOL
    if Path(weights.name).name != PARAMETERS or not path.is_file():
        return None
    try:
        symbol = mx.sym.load_json(path.read_text())
        symbol.get_internals()["fc_output"]
        return symbol
    except (ValueError, mx.MXNetError) as error:
        raise UserError(f"{path} is corrupt: delete it, and name the network") from error


def read_inputs(weights):
    """Return the content of inputs.json in the weights' run folder or beside their file, or None.

    Raises UserError for a corrupt file.
    """
    folder = weights.run or weights.folder
    path = folder / INPUTS if folder else None
    if not path or not path.is_file():
        return None
    try:
        inputs = json.loads(path.read_text())
        _, _, side = inputs["shape"]
        count = len(inputs["classes"])
        if np.shape(inputs["mean"]) not in ((3,), (3, side, side)) or not inputs["family"]:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is corrupt: delete it, and name the training set with --data-dir (make: DATA=)"
        ) from error
    if count != weights.classes:
        raise UserError(
            f"{path} describes a network of {count:,} classes, and {weights.name} has "
            f"{weights.classes:,}: move one of them to another folder"
        )
    return inputs
