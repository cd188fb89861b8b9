"""Networks to measure: a named network with its initial weights, or a run with the weights of its
newest checkpoint or the exported ones.
"""

import hashlib
from collections import namedtuple
from pathlib import Path

import mxnet as mx
import numpy as np

from common import files
from common.command import Parser, folder, positive
from common.data_names import compared_as
from common.environment import without_notes
from common.errors import UserError
from data import batches, cifar, generated, test_set
from paper import counted_runs, run_files, words
from paper.scales import SCALES
from symbols import constants, get_symbol, names, network_options
from training import weights
from training.optimizer import initializer

from . import measurements

# name: in the names of CSV files. label: in figures. recipe: as in config.json. arguments, states:
# {name: NDArray}. weights: description of the weights. run: the RunRecord of a trained network.
MeasuredNetwork = namedtuple(
    "MeasuredNetwork", "name label symbol recipe arguments states weights run", defaults=(None,)
)
# images: float32 (n, 3, size, size), without the mean of the training set. labels: (n,).
Sample = namedtuple("Sample", "images labels description")
TITLES = [layout.title for layout in cifar.LAYOUTS.values()]


def named(activation, shortcut, depth, values=None, seed=0, classes=10, unit=None, image_size=32):
    """Return a network with the weights from which train_cifar.py starts with a seed.

    values: of the shortcut's constants, where they are not the default. image_size: with which the
    network is checked.
    """
    values = values or {}
    recipe = {
        "activation": activation,
        "shortcut": shortcut,
        "depth": depth,
        "seed": seed,
        "shortcut_args": constants("shortcuts", shortcut, values),
    }
    symbol = get_symbol(
        depth, activation, shortcut, unit, classes, shortcut_args=values, image_size=image_size
    )
    module = mx.mod.Module(symbol)
    with without_notes():
        shape = (1, 3, image_size, image_size)
        module.bind([("data", shape)], [("softmax_label", (1,))], for_training=False)
    mx.random.seed(seed)
    module.init_params(initializer("in"))
    settings = [f"{key}={value:g}" for key, value in sorted(values.items())]
    return MeasuredNetwork(
        "-".join([names.name(activation, shortcut, depth), *settings]),
        f"{depth}, {words.kind(recipe)}",
        symbol,
        recipe,
        *module.get_params(),
        f"initial weights, seed {seed}",
    )


def of_run(run_folder):
    """Return the network of a run, with its newest weights.

    Raises UserError without weights, and for a run that is not on CIFAR.
    """
    run = run_files.read(run_folder)
    recipe = run.recipe
    scale = run.config["scale"]
    if recipe["dataset"] not in cifar.LAYOUTS:
        raise UserError(f"{run_folder} is a run on {recipe['dataset']}: measure one on CIFAR")
    trained = weights.read(run_folder)
    symbol = trained.symbol(network_options.symbol_of)
    # A user's measurements do not overwrite those of the published runs, or of another folder.
    parts = ["yours"] if run_files.is_own(run) else []
    parts += [scale, run.config["name"], f"seed{recipe['seed']}"]
    place = Path(run_folder).resolve()
    usual = files.run_folder(scale, run.config["name"], recipe["seed"]).resolve()
    if run_files.is_own(run) and place != usual:
        parts.append(hashlib.sha1(str(place).encode()).hexdigest()[:6])
    iteration = trained.iteration
    if iteration is None:  # exported weights
        iteration = int(run.rows[-1]["iteration"])
    kind = counted_runs.scale_of(run)
    how = f"by its {kind}" if kind == counted_runs.OWN_RECIPE else f"at scale {kind}"
    return MeasuredNetwork(
        "-".join(part for part in parts if part not in ("full", "seed0")),
        run_files.label(run),
        symbol,
        recipe,
        trained.arguments,
        trained.states,
        f"trained for {iteration:,} iterations {how}, seed {recipe['seed']}",
        run,
    )


def images_of(network, data_dir, part="test", count=None):
    """Return a Sample: the first images of a run's own set, by default all.

    Raises UserError if the folder has other images than those of the run.
    """
    recipe = network.recipe
    trained_on = network.run.data
    remedy = "name their folder with --data-dir (make: DATA=)"
    scale = SCALES.get(network.run.config["scale"])
    data_dir = data_dir or (scale and scale.data)
    if data_dir is None and compared_as(trained_on).split(", held-out")[0] not in TITLES:
        raise UserError(f"{network.name} was trained on {trained_on}: {remedy}")
    dataset = test_set.load(recipe, data_dir)
    if not network.run.is_trained_on(dataset):
        raise UserError(
            f"{data_dir or 'data/'} has {dataset.name}, and {network.name} was trained on {trained_on}, "
            f"other files: {remedy}"
        )
    images, labels = dataset.train_images, dataset.train_labels
    if part == "test":
        images, labels = dataset.test_images, dataset.test_labels
    else:
        _check_batch(count, images, dataset.name)
    mean = batches.mean_of(dataset.train_images, recipe["input"])
    name = f"{part} images of {dataset.name}"
    return _sample(images[:count] - mean, labels[:count], name, recipe["image_size"])


def training_batch(networks, count, data_dir, image_size):
    """Return a Sample of training images: of the runs' set; without runs, of the CIFAR-10 in a
    folder, or generated ones.

    Raises UserError for runs with different inputs: images, their size, or the mean image.
    """
    trained = [network for network in networks if network.run]
    if len({_inputs(network.recipe) for network in trained}) > 1:
        raise UserError(
            "these runs were trained on different images, or with another --input or --validation: "
            "measure each separately"
        )
    if trained:
        return images_of(trained[0], data_dir, "training", count)
    if data_dir:
        dataset = cifar.load("cifar10", data_dir, image_size)
        images, labels, name = dataset.train_images, dataset.train_labels, dataset.name
    else:
        images, labels = generated.draw(1000, np.random.RandomState(0))
        images, name = cifar.block_average(images, image_size), "generated shapes"
    _check_batch(count, images, name)
    arrays = images[:count] - batches.mean_of(images, "mean"), labels[:count]
    return _sample(*arrays, f"images of {name}", image_size)


def _check_batch(count, images, name):
    if count > len(images):
        raise UserError(f"--batch-size {count}: there are only {len(images):,} images of {name}")


def _inputs(recipe):
    """Return the parts of a recipe that determine the arrays on which a network is trained."""
    held_out = recipe["seed"] if recipe["validation"] else None
    return recipe["data"], recipe["image_size"], recipe["input"], held_out


def _sample(images, labels, name, side):
    return Sample(images, labels, f"{len(images):,} {name}, {side} pixels square")


def find(texts, seed=0, unit=None, image_size=32):
    """Return {text: MeasuredNetwork}.

    A text is [activation-][shortcut]depth[:constant=number,...] or the folder of a run. unit: the
    kind of unit for depths that have several. A named network has as many classes as the runs, and
    is for images of their size.
    """
    runs = {
        text: of_run(folder(text)) for text in texts if (folder(text) / "config.json").is_file()
    }
    # the labels of the runs' images must be classes of the named networks, too
    classes = [cifar.LAYOUTS[network.recipe["dataset"]].classes for network in runs.values()]
    sizes = [network.recipe["image_size"] for network in runs.values()]
    networks = {}
    for text in texts:
        name, _, pairs = text.partition(":")
        networks[text] = runs.get(text) or named(
            *names.parse(name),
            network_options.read_constants(pairs),
            seed,
            min(classes, default=10),
            unit,
            min(sizes, default=image_size),
        )
    return networks


def measure_runs(description, kind, measure, images=500, samples=None):
    """Run the command line of a measurement of trained runs: write a CSV file for each.

    kind: beginning of the files' names. measure(network, sample, arguments) -> rows of the file.
    images, samples: defaults of --images and --samples; None: no such option.
    """
    parser = Parser(description)
    add = parser.add_argument
    add("runs", nargs="+", type=folder, help="folders of trained runs, with their checkpoints")
    add("--data-dir", type=folder, help="folder of the images on which they were trained")
    add("--images", type=positive, default=images, help=f"test images ({images})")
    if samples:
        text = f"random lesions for each number of units ({samples})"
        add("--samples", type=positive, default=samples, help=text)
    arguments = parser.parse_args()
    options = ("images", "samples") if samples else ("images",)
    changes = measurements.changes(parser, arguments, options)
    return measurements.print_paths(_measure_runs(kind, changes, measure, arguments))


def _measure_runs(kind, changes, measure, arguments):
    for network in map(of_run, arguments.runs):
        sample = images_of(network, arguments.data_dir, count=arguments.images)
        network_columns = {key: network.recipe[key] for key in ("activation", "shortcut", "depth")}
        name = network.name + changes
        first = {"name": name, "label": network.label, **network_columns}
        classes = len(network.arguments["fc_bias"])
        last = {"weights": network.weights, "images": sample.description, "classes": classes}
        rows = [{**first, **row, **last} for row in measure(network, sample, arguments)]
        yield measurements.write(f"{kind}-{name}", rows)
