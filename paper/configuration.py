"""config.json of a run, as figures need it: one that was edited or damaged is left out, and stops
nothing.
"""

import json

from common.errors import UserError

# What figures ask of a config.json, and of its parts.
SHAPES = {"name": str, "data": str, "scale": str, "recipe": dict, "host": dict}
RECIPE_SHAPES = {
    "iterations": int,
    "image_size": int,
    "batch_size": int,
    "seed": int,
    "depth": int,
    "activation": str,
    "shortcut": str,
    "shortcut_args": dict,
}
HOST_SHAPES = {"devices": str, "cores": int}
OPTIONAL_SHAPES = {"versions": dict, "command": str}
WORDS = {int: "whole number", str: "text", dict: "object"}
LARGEST = 10**12  # what a number of iterations or pixels can be


def read(folder):
    """config.json of a run, whose parts are what figures take them for. Raises UserError."""
    try:
        config = json.loads((folder / "config.json").read_text())
        given = {key: shape for key, shape in OPTIONAL_SHAPES.items() if key in config}
        _check(config, {**SHAPES, **given})
        _check(config["recipe"], RECIPE_SHAPES)
        _check(config["host"], HOST_SHAPES)
        for option, value in config["recipe"].items():
            parts = value if isinstance(value, list) else [value]
            parts = list(value.values()) if isinstance(value, dict) else parts
            for part in parts:
                if isinstance(part, (list, dict)):
                    raise ValueError(f"{option} holds a {type(part).__name__}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{folder} holds no run (config.json: {type(error).__name__}: {str(error)[:200]})"
        ) from error
    return config


def _check(values, shapes):
    """Raise KeyError or ValueError if {name: value} lacks one, or has one of another type."""
    for name, shape in shapes.items():
        value = values[name]
        if not isinstance(value, shape) or isinstance(value, bool):
            raise ValueError(f"{name} is {json.dumps(value)[:100]}, no {WORDS[shape]}")
        if shape is int and not 0 <= value < LARGEST:
            raise ValueError(f"{name} is {value}")
