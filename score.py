#!/usr/bin/env python
"""Test or use a trained network: error by the papers' rules, photographs' classes, export.

    make score RUN=runs/desk/cifar10-preact56/seed0            # a run, or one of its checkpoints
    make score RUN=runs/full/imagenet-preact200/seed0 CROP=224,320,ten       # P2 Table 5
    make predict RUN=results/desk/cifar10-preact56/seed0 PHOTO="a.jpg folder"
    make export RUN=runs/desk/cifar10-preact56/seed0 FORMAT=onnx
    python score.py some.params preact110 --dataset cifar10    # weights alone: say of which network
    python score.py --pretrained resnet50_v1                   # gluoncv's, on ImageNet

A run's errors are kept in its test.json; top-5 errors where there are more than five classes.
"""

import json
import os

from common.command import Parser, folder, new_folder
from common.errors import UserError, run_main
from common.files import FIGURES, ROOT, RUNS, write_whole
from symbols import network_options
from training import options
from training.recipe import setting

CROPS = {
    "224": "center crop 224 of 256",  # P1 3.4, P2 5
    "320": "center crop 320 of 320",
    "ten": "ten crops 224 of 256",
}
WHOLE = "whole"  # CIFAR's pictures are tested as they are
DATASETS = ("cifar10", "cifar100", "pictures", "imagenet")
LIKELIEST = 5  # classes that are told of a photograph
BATCH = 128  # pictures in a test's batch, over all devices


def parser():
    made = Parser(__doc__)
    made.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        type=folder,
        help="folder of a run or of a checkpoint, or a .params file",
    )
    group = made.add_argument_group("network, of weights without a run")
    network_options.of_network(group.add_argument, 110)
    group.add_argument("--dataset", choices=DATASETS, help="what they were trained on (imagenet)")
    group.add_argument(
        "--image-size", type=int, help="the pictures' side (32; ImageNet's training crops 224)"
    )
    group.add_argument(
        "--pretrained",
        metavar="NAME",
        help="gluoncv's weights, as resnet50_v1: from its cache, or downloaded, " "and checked",
    )
    add = made.add_argument_group("what is done: a test, or").add_argument
    add(
        "--predict",
        nargs="+",
        metavar="PHOTO",
        help="tell the classes of photographs: files, or folders of some",
    )
    add(
        "--export",
        choices=("mxnet", "onnx"),
        help="write network-symbol.json and network-0000.params, or network.onnx",
    )
    add = made.add_argument_group("how").add_argument
    add(
        "--crop",
        help=f"ImageNet: {', '.join(CROPS)}, or several with commas between them "
        "(224: P2 Table 5)",
    )
    add("--data-dir", type=folder, help="the set; by default where the train scripts look for it")
    add("--skip-unreadable", action="store_true", help="leave unreadable image files out")
    add("--gpus", type=options.gpu_numbers, default=[], help="as 0,1; without it on the CPU")
    add(
        "--output",
        type=new_folder,
        help="--export: folder (the weights' own); --predict: file (predictions.png in "
        "plots/figures)",
    )
    made.set_defaults(cpus=1)
    return made


def main():
    arguments = parser().parse_args()
    if (arguments.run is None) == (arguments.pretrained is None):
        raise UserError(
            "name a run, a checkpoint or a .params file (make score RUN=folder), or "
            "gluoncv's weights by --pretrained"
        )
    if arguments.crop and (arguments.predict or arguments.export):
        raise UserError("--crop is for a test: leave it out")
    symbol, weights, settings = trained(arguments)
    if arguments.export:
        return export(symbol, weights, settings, arguments)
    if arguments.predict:
        return predict(symbol, weights, settings, arguments)
    return score(symbol, weights, settings, arguments)


def trained(arguments):
    """(symbol, weights, settings): what was named.

    symbol: float32. settings: dataset, image_size, dtype and the like, as in a recipe.
    """
    from training.weights import Weights, read

    if arguments.pretrained:
        from symbols import pretrained

        symbol, (blocks, states), mean = pretrained.load(arguments.pretrained)
        weights = Weights(blocks, states, f"gluoncv's {arguments.pretrained}")
        return symbol, weights, {"dataset": "imagenet", "image_size": 224, "mean": mean}
    weights = read(arguments.run)
    if weights.config:
        settings = weights.config["recipe"]
        try:
            symbol = network_options.symbol_of(
                settings, weights.classes, _family(settings["dataset"])
            )
        except KeyError as error:
            raise UserError(
                f"{weights.run / 'config.json'} is damaged: move it away, and name the "
                "network, as preact110"
            ) from error
    else:
        dataset = arguments.dataset or "imagenet"
        size = 224 if dataset == "imagenet" else 32
        settings = {"dataset": dataset, "image_size": arguments.image_size or size}
        family = _family(dataset)
        symbol = network_options.network(arguments, family, 110).symbol(weights.classes, family)
    return symbol, weights, settings


def _family(dataset):
    return "imagenet" if dataset == "imagenet" else "cifar"


def score(symbol, weights, settings, arguments):
    """Test by each rule; print the errors, and keep them beside the run that they are of."""
    from training import bfloat16, fit
    from training.evaluate import evaluate

    rules = _rules(arguments.crop, settings["dataset"])
    dataset = load(settings, arguments.data_dir)
    if weights.classes != dataset.classes:
        raise UserError(
            f"{weights.name} tells {weights.classes:,} classes apart, and "
            f"{dataset.name} has {dataset.classes:,}"
        )
    if settings.get("data", dataset.fingerprint) != dataset.fingerprint:
        print(f"{weights.name} was trained on {weights.config['data']}, and these are other files")
    dtype = options.type_here(settings.get("dtype"))
    network = bfloat16.bound(probabilities(symbol), dtype)
    top = 5 if dataset.classes > 5 else None
    results = {}
    for rule in rules:
        pictures = test_pictures(dataset, settings, rule, options.devices(arguments))
        module = bound(network, weights, pictures.provide_data, fit.contexts(arguments))
        _, error, *more = evaluate(module, pictures, top=top)
        result = {
            "top1": error,
            "images": len(dataset.test_images),
            "data": dataset.name,
            "of": weights.name,
        }
        if top:
            result["top5"] = more[0]
        if weights.iteration is not None:
            result["iteration"] = weights.iteration
        results[rule] = result
        print(
            f"{weights.name}{', ' + CROPS[rule] if rule in CROPS else ''}: "
            f"top-1 error {error:.2f} %"
            + (f", top-5 error {more[0]:.2f} %" if top else "")
            + f" on {len(dataset.test_images):,} images of {dataset.name}",
            flush=True,
        )
    if weights.run:
        keep(weights.run / "test.json", results)
    return 0


def _rules(crop, dataset):
    if dataset != "imagenet":
        if crop:
            raise UserError(f"--crop {crop} is ImageNet's: CIFAR's pictures are tested whole")
        return [WHOLE]
    rules = (crop or "224").split(",")
    if not set(rules) <= set(CROPS):
        raise UserError(f"--crop {crop}: there are {', '.join(CROPS)}")
    return rules


def export(symbol, weights, settings, arguments):
    """Write the network in MXNet's own files, or as ONNX, with inputs.json beside it."""
    from training import export as files
    from training import onnx_file

    place = arguments.output or (
        RUNS / arguments.pretrained
        if arguments.run is None
        else arguments.run
        if arguments.run.is_dir()
        else arguments.run.parent
    )
    inputs = wanted(weights, settings, arguments)
    if arguments.export == "onnx":
        content = onnx_file.content(
            symbol, weights.arguments, weights.states, settings["image_size"]
        )
        paths = [place / "network.onnx", place / files.INPUTS]
        write_whole(paths[0], content)
        write_whole(paths[1], json.dumps(inputs) + "\n")
    else:
        paths = files.write(place, symbol, weights.arguments, weights.states, inputs)
    for path in paths:
        print(os.path.relpath(path))
    return 0


def wanted(weights, settings, arguments):
    """What the network wants to see: its inputs.json, or else what its data set says."""
    from data import batches, inputs
    from training.export import INPUTS

    if weights.run and (weights.run / INPUTS).is_file():
        try:
            described = json.loads((weights.run / INPUTS).read_text())
            if len(described["classes"]) == weights.classes and described["shape"][2]:
                return described
        except (ValueError, KeyError, TypeError, IndexError):
            pass
        raise UserError(f"{weights.run / INPUTS} is damaged: delete it, and the data set is asked")
    dataset = load(settings, arguments.data_dir)
    if settings["dataset"] == "imagenet":
        mean = dataset.mean
    else:
        mean = batches.mean_of(dataset.train_images, setting(settings, "input"))
    return inputs.describe(dataset, settings["dataset"], settings["image_size"], mean)


def predict(symbol, weights, settings, arguments):
    """Print the likeliest classes of photographs, and draw them beside the pictures."""
    import numpy as np

    from data import inputs
    from plots import predictions
    from training import fit

    described = wanted(weights, settings, arguments)
    paths = inputs.photographs(arguments.predict)
    side = inputs.side(described)
    arrays = np.stack([inputs.array(inputs.read(path, side), described) for path in paths])
    rows = computed(probabilities(symbol), weights, arrays, fit.contexts(arguments)[:1])
    told = []
    for path, row in zip(paths, rows):
        order = np.argsort(-row, kind="stable")[:LIKELIEST]
        likeliest = [(described["classes"][k], 100 * float(row[k])) for k in order]
        told.append((path, likeliest))
        print(f"{path}: " + ", ".join(f"{name} {share:.1f} %" for name, share in likeliest))
    drawn = [
        (path.name, inputs.read(path, inputs.SHOWN_SIDE), likeliest)
        for path, likeliest in told[: predictions.MOST]
    ]
    predictions.draw(
        drawn,
        len(told),
        arguments.output or FIGURES / "predictions.png",
        f"{weights.name}, trained on {described['data']}",
    )
    return 0


def computed(network, weights, arrays, contexts):
    """A network's outputs, float32 (n, classes), for its inputs (n, 3, height, width)."""
    import mxnet as mx

    batch = min(len(arrays), BATCH)
    pictures = mx.io.NDArrayIter(arrays, batch_size=batch, last_batch_handle="pad")
    module = bound(network, weights, pictures.provide_data, contexts)
    return module.predict(pictures).asnumpy()


def load(settings, folder):
    """The data set that settings name; with the mean that gluoncv's weights want, if settings have
    one."""
    if settings["dataset"] == "imagenet":
        from data import imagenet

        dataset = imagenet.load(folder or ROOT / "data" / "imagenet")
        return dataset._replace(mean=settings["mean"]) if "mean" in settings else dataset
    from data import cifar, download, image_folders

    if settings["dataset"] == "pictures":
        dataset = image_folders.load(folder, settings["image_size"])
    else:
        place = folder or download.fetch(settings["dataset"], ROOT / "data")
        dataset = cifar.load(settings["dataset"], place, settings["image_size"])
    if settings.get("validation"):
        return cifar.split_validation(dataset, settings["seed"])
    return dataset


def test_pictures(dataset, settings, rule, devices):
    """An iterator over the test set, as a rule shows its pictures."""
    size = BATCH // devices * devices
    if rule == WHOLE:
        from data import batches

        mean = batches.mean_of(dataset.train_images, setting(settings, "input"))
        return batches.test_batches(dataset.test_images, dataset.test_labels, mean, size)
    from data.crops import RULES, TestCrops

    return TestCrops(
        dataset.test_images,
        dataset.mean,
        size if RULES[rule].crops == 1 else 16 * devices,
        settings["image_size"],
        rule,
    )


def probabilities(symbol):
    """The network without the labels that SoftmaxOutput wants: of ten crops there is one label."""
    import mxnet as mx

    return mx.sym.softmax(symbol.get_internals()["fc_output"])


def bound(network, weights, shapes, contexts):
    """A module of the network with the weights, for an iterator's batches."""
    import mxnet as mx

    from common.environment import without_notes

    module = mx.mod.Module(network, label_names=None, context=contexts)
    with without_notes():
        module.bind(shapes, for_training=False)
    parameters = [set(network.list_arguments()) - {"data"}, set(network.list_auxiliary_states())]
    try:
        if parameters != [set(weights.arguments), set(weights.states)]:
            raise ValueError  # set_params takes those of a deeper network without a word
        module.set_params(weights.arguments, weights.states)
    except (ValueError, RuntimeError, mx.MXNetError) as error:
        raise UserError(f"{weights.name} is of another network: name it, as preact110") from error
    return module


def keep(path, results):
    """Add results to a run's test.json."""
    try:
        before = {**json.loads(path.read_text())} if path.exists() else {}
    except (ValueError, TypeError):
        print(f"{path} was damaged: only these tests are in it now")
        before = {}
    write_whole(path, json.dumps({**before, **results}, indent=2) + "\n")


if __name__ == "__main__":
    run_main(main)
