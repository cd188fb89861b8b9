"""What is measured: a network by its name with the weights it starts from, or a run's with those of
its checkpoint.
"""

from collections import namedtuple
from pathlib import Path

import mxnet as mx
import numpy as np

from common import files
from common.errors import UserError
from data import batches, cifar, download, generated
from paper import run_files
from symbols import get_symbol, names, network_options, shortcut_constants
from training import state
from training.checkpoint import newest_checkpoint
from training.optimizer import initializer
from training.recipe import setting

# name: as results/analysis/ knows it; label: as figures do; recipe: as in config.json; arguments,
# states: {name: NDArray}; weights: what they are, in words
Network = namedtuple("Network", "name label symbol recipe arguments states weights")
# images: float32 (n, 3, size, size), the training set's mean subtracted; labels: (n,); words: what
# they are
Pictures = namedtuple("Pictures", "images labels words")


def named(activation, shortcut, depth, constants=None, seed=0, classes=10, unit=None):
    """A network with the very weights with which train_cifar.py starts from that seed."""
    given = constants or {}
    recipe = {
        "activation": activation,
        "shortcut": shortcut,
        "depth": depth,
        "seed": seed,
        "shortcut_args": shortcut_constants(shortcut, given),
    }
    symbol = get_symbol(depth, activation, shortcut, unit, classes, shortcut_args=given)
    shapes, _, state_shapes = symbol.infer_shape(data=(1, 3, 32, 32))
    mx.random.seed(seed)
    start, attributes = initializer("in"), symbol.attr_dict()
    blocks = {}
    for listed, sizes in (
        (symbol.list_arguments(), shapes),
        (symbol.list_auxiliary_states(), state_shapes),
    ):
        for name, shape in sorted(zip(listed, sizes)):  # in the order of Module.init_params
            if name not in ("data", "softmax_label"):
                blocks[name] = mx.nd.zeros(shape)
                start(mx.init.InitDesc(name, attributes.get(name)), blocks[name])
    states = {name: blocks.pop(name) for name in symbol.list_auxiliary_states()}
    name = "-".join(
        [
            names.name(activation, shortcut, depth),
            *(f"{key}={value:g}" for key, value in sorted(given.items())),
        ]
    )
    return Network(
        name,
        run_files.label(run_files.Run(None, {"recipe": recipe}, [])),
        symbol,
        recipe,
        blocks,
        states,
        f"initial weights, seed {seed}",
    )


def of_run(folder):
    """A run's network with the weights of its newest checkpoint.

    Raises UserError if it has none.
    """
    run = run_files.read(folder)
    recipe = run.config["recipe"]
    needed = (*network_options.required(recipe), "dataset", "data", "validation")
    lacking = [key for key in needed if key not in recipe]
    if lacking or recipe["dataset"] not in cifar.LAYOUTS:
        raise UserError(
            f"{folder} is no run on CIFAR, which these measurements are for (config.json: "
            + (f"{', '.join(lacking)} lacking)" if lacking else f"dataset {recipe['dataset']})")
        )
    symbol = network_options.symbol_of(recipe, cifar.LAYOUTS[recipe["dataset"]].classes)
    arrays, reached = newest_checkpoint(folder)
    if arrays is None:
        raise UserError(
            f"{folder} has no checkpoint (they are not published with the logs): train it again by"
            " the command in its config.json"
        )
    # a user's measurements do not overwrite those of the published runs
    parts = ["yours"] if run_files.is_own(run) else []
    parts += [run.config["scale"], run.config["name"], f"seed{recipe['seed']}"]
    name = "-".join(part for part in parts if part not in ("full", "seed0"))
    return Network(
        name,
        run_files.label(run),
        symbol,
        {**recipe, "pictures": run.config["data"]},
        *state.parameters(arrays),
        f"trained for {reached['iteration']:,} iterations at scale {run.config['scale']}, seed"
        f" {recipe['seed']}",
    )


def pictures_of(network, folder, part="test", count=None):
    """The first pictures of a run's own set (all by default).

    Raises UserError for others than it was trained on.
    """
    recipe = network.recipe
    official = [layout.title for layout in cifar.LAYOUTS.values()]
    if folder is None and recipe["pictures"] not in official:
        raise UserError(
            f"{network.name} was trained on {recipe['pictures']}: name their folder by --data-dir"
            " (make: DATA=)"
        )
    dataset = cifar.load(
        recipe["dataset"],
        folder or download.fetch(recipe["dataset"], files.ROOT / "data"),
        recipe["image_size"],
    )
    if dataset.fingerprint != recipe["data"]:
        raise UserError(
            f"{folder} holds {dataset.name}, and {network.name} was trained on"
            f" {recipe['pictures']}, other files: name their folder by --data-dir (make: DATA=)"
        )
    if recipe["validation"]:
        dataset = cifar.split_validation(dataset, recipe["seed"])
    images, labels = (
        (dataset.test_images, dataset.test_labels)
        if part == "test"
        else (dataset.train_images, dataset.train_labels)
    )
    return Pictures(
        images[:count] - batches.mean_of(dataset.train_images, setting(recipe, "input")),
        labels[:count],
        f"{len(images[:count]):,} {part} pictures of {dataset.name}, {recipe['image_size']} pixels"
        " square",
    )


def training_batch(networks, count, folder, image_size):
    """The first training pictures of the trained networks' set; without any, of the CIFAR-10 in a
    folder, or generated ones.
    """
    trained = [network for network in networks if "pictures" in network.recipe]
    if trained:
        if len({(network.recipe["data"], network.recipe["image_size"]) for network in trained}) > 1:
            raise UserError(
                "these runs were trained on different pictures: measure each in a figure of its own"
            )
        return pictures_of(trained[0], folder, "train", count)
    if folder:
        dataset = cifar.load("cifar10", folder, image_size)
        images, labels, words = dataset.train_images, dataset.train_labels, dataset.name
    else:
        images, labels = generated.pictures(1000, np.random.RandomState(0))
        images, words = cifar.block_average(images, image_size), "generated shapes"
    return Pictures(
        images[:count] - batches.mean_image(images),
        labels[:count],
        f"{count} pictures of {words}, {image_size} pixels square",
    )


def find(texts, seed=0, unit=None):
    """{text: Network} of what each [activation-][shortcut]depth[:constant=number,...] names, or of
    the run in a folder.

    unit: the kind, where a depth that is no paper's does not tell it. Named networks tell as many
    classes apart as the runs do.
    """
    runs = {text: of_run(text) for text in texts if (Path(text) / "config.json").is_file()}
    classes = {cifar.LAYOUTS[network.recipe["dataset"]].classes for network in runs.values()} or {
        10
    }
    found = {}
    for text in texts:
        network, _, constants = text.partition(":")
        try:
            given = {
                key: float(value)
                for key, value in (item.split("=") for item in constants.split(",") if item)
            }
        except ValueError:
            raise UserError(
                f"{text}: write constants by name, as"
                " constant_scaling110:scale=0.5,residual_scale=1"
            ) from None
        found[text] = runs.get(text) or named(
            *names.parse(network), given, seed, min(classes), unit
        )
    return found
