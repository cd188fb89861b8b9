#!/usr/bin/env python
"""Use a trained network: measure its test error, predict the classes of photographs, export it.

    make score RUN=runs/desk/cifar10-preact56/seed0            # a run, or one of its checkpoints
    make score RUN=runs/full/imagenet-preact200/seed0 CROP=224,320,ten       # P2 Table 5
    make predict RUN=runs/desk/cifar10-preact56/seed0 PHOTO="a.jpg folder" OUTPUT=classes.csv
    make export RUN=runs/desk/cifar10-preact56/seed0 FORMAT=onnx
    .venv/bin/python score.py some.params preact110 --dataset cifar10    # weights and their network
    .venv/bin/python score.py --pretrained resnet50_v1                   # gluoncv's, on ImageNet

A test adds its errors to the run's test.json (top-5 too for more than five classes), and writes the
accuracy of each class (classes.csv) and the confusion matrix (confusion.csv, confusion.png). A
run's test on other images, or of an older checkpoint, has its own entry and its own file names.
"""

import os
import sys

import common  # noqa: F401 (before packages from outside)  # isort: skip

from common import class_names, files
from common.command import Parser, folder, new_folder
from common.errors import UserError, run_main
from paper import run_files
from paper.scales import SCALES
from symbols import names, network_options
from training import devices

DATASETS = ("cifar10", "cifar100", "pictures", "imagenet")
PHOTOGRAPHS = 16  # in memory at once


def parser():
    command_line = Parser(__doc__)
    text = "folder of a run or a checkpoint, or a .params file"
    command_line.add_argument("run", nargs="?", metavar="RUN", type=folder, help=text)
    add = command_line.add_argument_group("network of weights without a run").add_argument
    network_options.add_network_options(add)
    add("--dataset", choices=DATASETS, help="the training set")
    add(
        "--image-size",
        type=int,
        help=f"side of the training images ({network_options.by_family(names.IMAGE_SIZE)})",
    )
    add("--pretrained", metavar="NAME", help="gluoncv's weights, such as resnet50_v1, downloaded")
    group = command_line.add_argument_group("action (default: a test)")
    add = group.add_mutually_exclusive_group().add_argument
    add("--predict", nargs="+", metavar="PHOTO", help="files, folders or patterns of photographs")
    add(
        "--export",
        choices=("mxnet", "onnx"),
        help="write network-symbol.json and network-0000.params, or network.onnx",
    )
    add = command_line.add_argument_group("options").add_argument
    add("--crop", help="ImageNet: some of 224,320,ten, with commas (224: P2 Table 5)")
    add("--data-dir", type=folder, help="the set (default: as for the training scripts)")
    add("--skip-unreadable", action="store_true", help="leave unreadable image files out")
    add("--gpus", type=devices.gpu_numbers, default=[], help="such as 0,1 (default: the CPU)")
    add(
        "--output",
        type=new_folder,
        help="folder for a test or an export (default: the run folder); for --predict, a .csv file "
        "or a figure (default: plots/figures/predictions.png)",
    )
    command_line.set_defaults(cpus=1)
    return command_line


def main():
    arguments = parser().parse_intermixed_args()
    if (arguments.run is None) == (arguments.pretrained is None):
        raise UserError(
            "name a run, a checkpoint or a .params file (make score RUN=folder), or gluoncv's "
            "weights with --pretrained"
        )
    if arguments.crop and (arguments.predict or arguments.export):
        raise UserError("--crop is for a test: leave it out")
    if arguments.gpus and arguments.export:
        raise UserError("--gpus is for a test or --predict: leave it out")
    symbol, weights, settings = trained(arguments)
    if arguments.skip_unreadable and (arguments.predict or settings["dataset"].startswith("cifar")):
        raise UserError("--skip-unreadable is for tests on folders of images: leave it out")
    action = export if arguments.export else predict if arguments.predict else score
    return action(symbol, weights, settings, arguments)


def trained(arguments):
    """Return (float32 symbol, weights, settings) of the network that the options name.

    settings: dataset, image_size, dtype and others, as in a recipe.
    """
    from training.weights import Weights, read

    if arguments.pretrained:
        from symbols import pretrained

        origin = f"gluoncv's {arguments.pretrained}"
        network_options.refuse(arguments, parser(), origin)
        symbol, (blocks, states), mean, synset = pretrained.load(arguments.pretrained)
        weights = Weights(blocks, states, origin, class_names=synset)
        settings = {"dataset": "imagenet", "image_size": names.IMAGE_SIZE["imagenet"], "mean": mean}
        return symbol, weights, settings
    weights = read(arguments.run)
    if not weights.config:
        return _without_run(weights, arguments)
    network_options.refuse(arguments, parser(), weights.name)
    return weights.symbol(network_options.symbol_of), weights, weights.config["recipe"]


def _without_run(weights, arguments):
    """Return the result of trained() for weights without a config.json, whose network is described
    by network-symbol.json or by the options.
    """
    from training.export import INPUTS, SYMBOL, read_inputs, read_symbol

    described = read_inputs(weights)
    dataset = arguments.dataset or _dataset_of(weights, described)
    family = names.family(dataset)
    known = described["shape"][-1] if described else arguments.image_size
    size = known or names.IMAGE_SIZE[family]
    if arguments.image_size not in (None, size):
        raise UserError(
            f"--image-size {arguments.image_size}: {weights.name} is for {size} pixels ({INPUTS}); "
            "leave it out"
        )
    settings = {"dataset": dataset, "image_size": size}
    exported = read_symbol(weights)
    if exported is not None and not network_options.typed(arguments, parser()):
        return exported, weights, settings
    network = network_options.network(arguments, family, size)
    symbol = network.symbol(weights.classes, family, image_size=size)
    if exported is not None and exported.tojson() != symbol.tojson():
        raise UserError(
            f"{SYMBOL} beside {weights.name} describes another network than the options: leave the "
            "network's name and options out"
        )
    return symbol, weights, settings


def _dataset_of(weights, described):
    """Return the training set of weights without a run. described: their inputs.json, or None."""
    if described:
        family = described["family"]
    else:  # ImageNet's networks begin with a 7x7 convolution
        stem = weights.arguments.get("conv1_weight")
        family = "cifar" if stem is not None and stem.shape[-1] == 3 else "imagenet"
    if family == "cifar":  # a user's set in CIFAR's layout has any number of classes
        return {10: "cifar10", 100: "cifar100"}.get(weights.classes, "pictures")
    return family


def _dataset(weights, settings, arguments):
    """Return the data set that the options name, with the labels of the network's classes."""
    from data import test_set

    scale = SCALES.get((weights.config or {}).get("scale"))
    place = arguments.data_dir or (scale and scale.data)
    dataset = test_set.load(settings, place, arguments.skip_unreadable)
    return test_set.for_classes(dataset, weights.class_names, weights.classes, weights.name)


def score(symbol, weights, settings, arguments):
    """Test by each rule. Print the errors, and write them beside the run."""
    from data import test_set
    from training import bfloat16, checkpoint, inference
    from training.export import read_inputs

    run_files.check_output(arguments.output, weights.run)
    rules = test_set.rules(arguments.crop, settings["dataset"])
    dataset = _dataset(weights, settings, arguments)
    is_same = test_set.is_training_set(dataset, settings)
    if not is_same:
        print(f"{weights.name} was trained on {weights.config['data']}; this test uses other files")
    mean = test_set.mean(dataset, settings, weights, read_inputs(weights))
    network = inference.probabilities(symbol)
    network = bfloat16.bound(network, devices.testing_dtype(settings.get("dtype"), arguments))
    qualifier = "" if is_same else test_set.qualifier(dataset, arguments.data_dir)
    checkpoints = checkpoint.paths(weights.run) if weights.run else []
    if checkpoints and weights.iteration != checkpoint.iteration_of(checkpoints[-1]):
        exported = weights.iteration is None
        qualifier += " with exported weights" if exported else f" at iteration {weights.iteration}"
    run_files.check_tests(arguments.output, [rule + qualifier for rule in rules], weights, dataset)
    for rule in rules:
        iterator = test_set.iterator(dataset, settings, rule, mean, devices.count(arguments))
        _test(network, weights, dataset, iterator, rule, qualifier, arguments)
    return 0


def _test(network, weights, dataset, iterator, rule, qualifier, arguments):
    """Test by one rule. Add the result to the run's test.json; write the classes' accuracy beside it.

    qualifier: what distinguishes the test from that of the run's last iteration on its own images.
    """
    from data import test_set
    from plots import confusion
    from training import inference
    from training.evaluate import Confusion, evaluate

    top = 5 if weights.classes > 5 else None
    counted = Confusion(weights.classes)
    module = inference.bound_module(
        network, weights, iterator.provide_data, devices.contexts(arguments)
    )
    _, error, *more = evaluate(module, iterator, top=top, confusion=counted)
    images = int(counted.counts.sum())
    result = {"top1": error, "images": images, "data": dataset.name, "of": weights.name}
    errors = f"top-1 error {error:.2f} %"
    if top:
        result["top5"] = more[0]
        errors += f", top-5 error {more[0]:.2f} %"
    if weights.iteration is not None:
        result["iteration"] = weights.iteration
    where = weights.name if rule == test_set.WHOLE else f"{weights.name}, {iterator.description}"
    summary = f"{where}: {errors} on {images:,} images of {dataset.name}"
    place = arguments.output or weights.run
    print(summary + ("" if place else "; not saved: name a folder (make: OUTPUT=)"), flush=True)
    if place:  # at once: a later test can take hours
        run_files.add_tests(place / "test.json", {rule + qualifier: result})
        names = dataset.class_names or class_names.placeholders(weights.classes)
        confusion.write(place, test_set.suffix(rule, qualifier), names, counted.counts, summary)


def export(symbol, weights, settings, arguments):
    """Write the network in MXNet's own files, or as ONNX, with inputs.json beside it."""
    import training.export
    from training import onnx_file

    run = arguments.run
    place_of_weights = run if run is None or run.is_dir() else run.parent
    place = arguments.output or place_of_weights or files.RUNS / arguments.pretrained
    run_files.check_output(place, weights.run)
    training.export.check_free(place, arguments.export, weights, bool(arguments.output))
    inputs = _inputs(weights, settings, arguments)
    weights.check(symbol, (1, *inputs["shape"]))
    write = onnx_file.write if arguments.export == "onnx" else training.export.write
    for path in write(place, symbol, weights.arguments, weights.states, inputs):
        print(os.path.relpath(path))
    return 0


def _inputs(weights, settings, arguments):
    """Return the content of inputs.json, from the run or from its data set."""
    from data import inputs, test_set
    from training.export import read_inputs

    described = read_inputs(weights)
    if arguments.pretrained and not arguments.data_dir:  # everything is known without the images
        dataset = test_set.imagenet_without_images(weights.class_names)
    elif arguments.data_dir or not described:  # a named folder must have the same classes
        dataset = _dataset(weights, settings, arguments)
    if described:
        return described
    mean = test_set.mean(dataset, settings, weights, described)
    return inputs.describe(dataset, settings["image_size"], mean)


def predict(symbol, weights, settings, arguments):
    """Print the likeliest classes of photographs while they are read; draw or write them."""
    from data import image_files, inputs
    from plots import figure_files, predictions
    from training import inference

    output = arguments.output or files.FIGURES / "predictions.png"
    if output.suffix != ".csv":
        figure_files.check_ending(output)
    if arguments.output:
        figure_files.check_free(output, predictions.MARKS)
    paths, folders = inputs.photographs(arguments.predict)
    described = _inputs(weights, settings, arguments)
    shapes = [("data", (min(PHOTOGRAPHS, len(paths)), *described["shape"]))]
    network = inference.probabilities(symbol)
    module = inference.bound_module(network, weights, shapes, [devices.context(arguments)])
    for path in folders:
        print(f"{path}: skipped (a subfolder)", file=sys.stderr)
    reader = inputs.Reader(described)
    predicted = inference.predictions(module, paths, reader)
    rows = predictions.print_likeliest(predicted, described["classes"])
    if reader.transparent:
        print(image_files.composited(len(reader.transparent)), file=sys.stderr)
    if not rows:
        raise UserError(f"none of {len(paths):,} files can be read: convert or repair them")
    if output.suffix == ".csv":
        named = [(image_files.printable(path), likeliest) for path, likeliest in rows]
        predictions.write_csv(output, named)
        return 0
    drawn = [
        (
            image_files.printable(path.name),
            image_files.enlarged(path, predictions.SHOWN_SIDE, reader.side),
            likeliest,
        )
        for path, likeliest in rows[: predictions.MOST]
    ]
    note = f"{weights.name}, trained on {described['data']}"
    predictions.draw(drawn, len(rows), output, note)
    return 0


if __name__ == "__main__":
    run_main(main)
