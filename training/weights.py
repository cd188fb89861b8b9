"""Weights from wherever they lie: a run, one of its checkpoints, or a bare .params file."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mxnet as mx

from common.errors import UserError
from common.files import ROOT

from . import checkpoint
from .export import INPUTS, PARAMETERS
from .state import parameters


@dataclass(frozen=True)
class Weights:
    """arguments, states: {name: NDArray}, float32. name: in words. run: their run's folder, or
    None. config: its config.json.
    """

    arguments: dict
    states: dict
    name: str
    run: Path = None
    config: dict = None
    iteration: int = None
    class_names: tuple = ()  # in the order of the outputs; () if they are unknown

    @property
    def classes(self):
        return len(self.arguments["fc_bias"])


def read(place):
    """The weights in a run's folder (its newest sound checkpoint, or what was exported there), in a
    checkpoint's, or in a
    .params file.

    Such a file is a checkpoint's or MXNet's own (arg:, aux:). Raises UserError for what holds none,
    or damaged ones.
    """
    place = Path(place)
    checkpoints = checkpoint.paths(place)
    if not checkpoints and (place / PARAMETERS).is_file():
        place = place / PARAMETERS
    if not place.exists() or (
        place.is_dir() and not checkpoints and not (place / "arrays.params").is_file()
    ):
        published = (place / "log.csv").is_file()
        raise UserError(
            f"{place} has no checkpoint"
            + (
                ": its log alone is published; train it first"
                if published
                else ": name a run, a checkpoint or a .params file"
            )
        )
    state = {}
    try:
        if checkpoints:
            arrays, state = checkpoint.newest_checkpoint(place)
            place = place / f"checkpoint-{state['iteration']:07d}"
        elif place.is_dir():
            arrays, state = checkpoint.load(place)
        else:
            arrays = _load_file(place)
        arguments, states = parameters(arrays)
        arguments["fc_bias"]  # noqa: B018 (a network of ours has it)
    except (
        checkpoint.Damaged,
        mx.MXNetError,
        AttributeError,
        KeyError,
        ValueError,
        TypeError,
    ) as error:
        raise UserError(
            f"{place} is damaged, or holds no weights of a network from here"
        ) from error
    run = next(
        (folder for folder in (place, place.parent) if (folder / "config.json").is_file()), None
    )
    config = _config(run)
    return Weights(
        arguments,
        states,
        os.path.relpath(place),
        run,
        config,
        state.get("iteration"),
        _class_names(config, place if place.is_dir() else place.parent),
    )


def _class_names(config, folder):
    """Return the class names in a run's config.json, or in inputs.json of an exported network."""
    if config:
        return tuple(config.get("classes", ()))
    try:
        names = tuple(json.loads((folder / INPUTS).read_text())["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    numbered = tuple(f"class {k}" for k in range(len(names)))  # for a set without names
    return () if names == numbered else names


def _config(run):
    if run is None:
        return None
    try:
        config = json.loads((run / "config.json").read_text())
        config["recipe"]["depth"], config["recipe"]["dataset"], config["recipe"]["image_size"]
        return config
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{run / 'config.json'} is damaged: move it away, and name the network, as preact110"
        ) from error


def _load_file(file):
    """The arrays of a bare .params file.

    MXNet believes its lengths, and damaged ones end a process: another one tries first.
    """
    attempt = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        "import sys, training, mxnet; mxnet.nd.load(sys.argv[1])",
        file.resolve(),
    ]
    if subprocess.run(attempt, cwd=ROOT, capture_output=True).returncode:
        raise checkpoint.Damaged
    return mx.nd.load(str(file))
