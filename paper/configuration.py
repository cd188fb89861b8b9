"""Read a run's config.json for figures and tables, and check the types of its values.

An edited or corrupt file raises UserError, so that the caller can leave that run out. Resuming or
scoring a run needs other values; training/run.py checks them.
"""

import json

from common.errors import UserError
from training.recipe import CIFAR, LARGEST

# The values that figures need, and their types.
SHAPES = {**dict.fromkeys(("name", "data", "scale", "command"), str), "recipe": dict, "host": dict}
HOST_SHAPES = {"devices": str, "cores": int, "processor": str}
RECIPE_SHAPES = {
    **dict.fromkeys(("iterations", "image_size", "batch_size", "seed", "depth"), int),
    **dict.fromkeys(("dataset", "activation", "shortcut"), str),
    "shortcut_args": dict,
}
# An option that a config.json of another version lacks has its default.
SETTINGS = json.loads(json.dumps(CIFAR.settings()))
DEFAULTS = {**SETTINGS, "activation_args": None, "widths": None}


def read(folder):
    """Return config.json of a run as a dictionary with a complete recipe.

    Raises UserError if the file is missing, is not JSON, or has values of other types than figures
    need.
    """
    if not (folder / "config.json").exists():
        raise UserError(f"{folder} is not a run folder: it has no config.json")
    try:
        config = json.loads((folder / "config.json").read_text())
        _check(config, SHAPES)
        _check(config["recipe"], RECIPE_SHAPES)
        _check(config["host"], HOST_SHAPES)
        for option, value in config["recipe"].items():
            parts = value.values() if isinstance(value, dict) else value
            for part in parts if isinstance(value, (list, dict)) else []:
                if isinstance(part, (list, dict)):
                    raise ValueError(f"{option} contains a {type(part).__name__}")
        for option in ("shortcut_args", "activation_args"):
            for name, value in (config["recipe"].get(option) or {}).items():
                if not isinstance(value, (int, float)):
                    raise ValueError(f"{option} has {name} {json.dumps(value)[:100]}")
        for change in config.get("continued", []):
            _check({"recipe": {}, **change}, {"recipe": dict})
            _check(change.get("host", config["host"]), HOST_SHAPES)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{folder} is not a run folder (config.json: {type(error).__name__}: {str(error)[:200]})"
        ) from error
    config["recipe"] = {**DEFAULTS, **config["recipe"]}
    return config


def _check(values, shapes):
    """Raise KeyError or ValueError if {name: value} lacks a name or has another type for it."""
    for name, shape in shapes.items():
        value = values[name]
        if not isinstance(value, shape) or isinstance(value, bool):
            raise ValueError(f"{name} is {json.dumps(value)[:100]}, not {shape.__name__}")
        if shape is int and not 0 <= value < LARGEST:
            raise ValueError(f"{name} is {value}")
