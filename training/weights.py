"""Weights from a run, from one of its checkpoints, or from a .params file."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mxnet as mx

from common import class_names
from common.errors import UserError
from common.graph import INPUTS
from common.layer_names import lacks_relu, renamed

from . import checkpoint, export
from .configuration import fingerprint
from .log import read_log
from .run import read_config
from .state import parameters

# A program that loads a file as mx.nd.load does. It opens MXNet's library itself, because importing
# mxnet takes much longer.
TRIAL = """
import ctypes, os, sys
library, file = sys.argv[1:]
results = [ctypes.byref(ctypes.c_void_p()) for _ in range(4)]
os._exit(bool(ctypes.CDLL(library).MXNDArrayLoad(file.encode(), *results)))
"""


@dataclass(frozen=True)
class Weights:
    """Weights and their origin.

    arguments, states  {name: NDArray}, float32
    name               of their file or folder, for messages
    folder             of their file or checkpoint, or None
    run, config        their run's folder and its config.json, or None
    iteration          of their checkpoint, or None
    class_names        in the order of the outputs; () if they are unknown
    """

    arguments: dict
    states: dict
    name: str
    folder: Path = None
    run: Path = None
    config: dict = None
    iteration: int = None
    class_names: tuple = ()

    @property
    def classes(self):
        return len(self.arguments["fc_bias"])

    def symbol(self, build):
        """Return the float32 symbol that their run trained.

        build: (recipe of config.json, number of classes) -> symbol; it raises KeyError or TypeError
        for a wrong recipe. Raises UserError in that case, and if the network has changed since.
        """
        recipe = self.config["recipe"]
        try:
            symbol = build(recipe, self.classes)
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.run}/config.json describes no network of symbols/: if it is corrupt, move it "
                "away, and name the network, such as preact110"
            ) from error
        # the symbol of a float16 run has casts
        if recipe.get("dtype") != "float16" and fingerprint(symbol) != self.config["network"]:
            raise UserError(
                f"{self.name} was trained as another network: a file under symbols/ has changed; "
                "undo the change (config.json names the commit)"
            )
        return symbol

    def check(self, symbol, data):
        """Raise UserError if they belong to another network. data: the shape of its input."""
        difference = self.difference(symbol, data)
        if difference:
            raise UserError(
                f"{self.name} is of another network: {difference}; name its network, e.g. preact110 "
                "(make: ARGS='preact110 --dataset cifar10')"
            )

    def difference(self, symbol, data, ignored=()):
        """Return the first parameter that differs from a symbol, in words.

        None if all agree. data: the shape of the symbol's input.
        """
        shapes = shapes_of(symbol, data)
        arrays = {**self.arguments, **self.states}
        for name in sorted((arrays.keys() | shapes.keys()) - set(ignored)):
            if name not in arrays:
                return f"it has no {name}"
            if name not in shapes:
                return f"its {name} is not in this network"
            if arrays[name].shape != shapes[name]:
                return f"its {name} has the shape {arrays[name].shape}, not {shapes[name]}"
        return None


def shapes_of(symbol, data):
    """Return {name: shape} of a symbol's parameters and moving averages."""
    arguments, _, states = symbol.infer_shape(data=data)
    shapes = dict(zip(symbol.list_arguments(), arguments))
    shapes.update(zip(symbol.list_auxiliary_states(), states))
    return {name: shape for name, shape in shapes.items() if name not in INPUTS}


def read(place):
    """Return the weights in a run's folder, in a checkpoint's folder, or in a .params file.

    For a run: its newest valid checkpoint or, without checkpoints, its exported weights. A .params
    file is a checkpoint's, MXNet's or Gluon's; parameters of other code bases are renamed by
    common.layer_names. Raises UserError if the place has no weights, if they are corrupt, and if
    they belong to an unknown network.
    """
    place = Path(place)
    state = {}
    try:
        if checkpoint.paths(place):
            arrays, state = checkpoint.newest_checkpoint(place)
            place = place / checkpoint.name(state["iteration"])
        elif (place / "state.json").is_file():
            arrays, state = checkpoint.load(place)
        else:
            place = place / export.PARAMETERS if place.is_dir() else place
            arrays = _load_file(place)
    except (checkpoint.Damaged, mx.MXNetError) as error:
        raise UserError(
            f"{place} is corrupt, or not a file of parameters: copy it again, or name another file"
        ) from error
    arguments, states = parameters(arrays)
    if "fc_bias" not in arguments:
        names = ", ".join(sorted(arguments)[:3])
        raise UserError(
            f"{place} belongs to an unknown network: it has no classifier called fc, and its "
            f"parameters ({names}, ...) are not named as in this project, Gluon, or MXNet's "
            "example/image-classification; export it from one of them"
        )
    folders = [folder for folder in (place, place.parent) if (folder / "config.json").is_file()]
    run = folders[0] if folders else None
    config = read_config(run) if run else None
    name = os.path.relpath(place)
    iteration = _end(run, config) if place.name == export.PARAMETERS else state.get("iteration")
    class_names = _class_names(config, place.parent)
    return Weights(arguments, states, name, place.parent, run, config, iteration, class_names)


def _end(run, config):
    """Return the last iteration of a finished run, if its exported weights are of it, else None.

    Exported weights that are older than the newest checkpoint are from before an extension.
    """
    rows = read_log(run) if run else None
    if not rows or rows[-1]["iteration"] != config["recipe"].get("iterations"):
        return None
    times = [(path / "state.json").stat().st_mtime for path in checkpoint.paths(run)]
    is_last = (run / export.PARAMETERS).stat().st_mtime >= max(times, default=0)
    return int(rows[-1]["iteration"]) if is_last else None


def _class_names(config, folder):
    """Return the class names in a run's config.json, or in inputs.json of an exported network.

    Placeholders are no names.
    """
    if config:
        return class_names.known(config.get("classes") or ())
    try:
        return class_names.known(json.loads((folder / export.INPUTS).read_text())["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _load_file(file):
    """Return {arg:name or aux:name: array} of a .params file. Raises UserError if it is missing.

    A corrupt length in a file ends the process that loads it, so a separate process tries first.
    """
    if not file.exists():
        folder = file.parent
        runs = ", ".join(sorted(path.parent.name for path in folder.glob("*/config.json")))
        if runs:
            raise UserError(f"{folder} is not a run, but contains runs: name one of {runs}")
        if (folder / "log.csv").exists():
            raise UserError(
                f"{folder} has a log but no weights, as most published runs: train the network first"
            )
        raise UserError(
            f"{file} does not exist: name a run with a checkpoint, a checkpoint or a .params file"
        )
    attempt = [sys.executable, "-c", TRIAL, mx.libinfo.find_lib_path()[0], file]
    if subprocess.run(attempt, capture_output=True).returncode:
        raise checkpoint.Damaged
    arrays = mx.nd.load(str(file))
    if not isinstance(arrays, dict):
        raise checkpoint.Damaged  # arrays without names
    if "arg:fc_bias" in arrays:
        return arrays
    arrays = {key.split(":", 1)[-1]: array for key, array in arrays.items()}
    if lacks_relu(arrays):
        raise UserError(
            f"{file} is of another network: gluoncv's original CIFAR networks have no ReLU after the "
            "first BN, and this project's have one; train it here"
        )
    ours = renamed(arrays)
    if ours.keys() != arrays.keys():
        print(
            f"{file} has another code base's names. Here the input is pixels from 0 to 255 minus "
            "the training set's mean: scale conv1_weight if the network was trained with another "
            "input"
        )
    return {f"{'aux' if '_moving_' in name else 'arg'}:{name}": ours[name] for name in ours}
