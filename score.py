#!/usr/bin/env python
"""Test a trained network: its error by the papers' rules, over exactly the pictures of the test set.

    make score RUN=runs/desk/cifar10-preact56/seed0            # a run, or one of its checkpoints
    make score RUN=runs/full/imagenet-preact200/seed0 CROP=224,320,ten      # P2 Table 5
    python score.py some.params preact110 --dataset cifar10    # weights alone: say of which network
    python score.py --pretrained resnet50_v1                   # gluoncv's, on ImageNet

A run's errors are kept in its test.json. Top-5 errors are given where there are more than five classes.
"""
import json

from common.command import Parser, folder
from common.errors import UserError, run
from common.files import ROOT, write_whole
from symbols import options as of_network
from training import options

CROPS = {"224": "center crop 224 of 256", "320": "center crop 320 of 320", "ten": "ten crops 224 of 256"}  # P1 3.4, P2 5
WHOLE = "whole"  # CIFAR's pictures are tested as they are
DATASETS = ("cifar10", "cifar100", "imagenet")


def parser():
    made = Parser(__doc__)
    made.add_argument("run", nargs="?", metavar="RUN", type=folder,
                      help="folder of a run or of a checkpoint, or a .params file")
    of_network.of_network(made.add_argument_group("network, of weights without a run").add_argument, 110)
    add = made.add_argument_group("test").add_argument
    add("--pretrained", metavar="NAME", help="gluoncv's weights, as resnet50_v1: from its cache, or downloaded, and checked")
    add("--crop", help=f"ImageNet: {', '.join(CROPS)}, or several with commas between them (224: P2 Table 5)")
    add("--dataset", choices=DATASETS, help="of weights without a run (imagenet)")
    add("--image-size", type=int, help="of weights without a run: the pictures' side (32; ImageNet's training crops 224)")
    add("--data-dir", type=folder, help="the set; by default where the train scripts look for it")
    add("--gpus", type=options.gpu_numbers, default=[], help="as 0,1; without it on the CPU")
    made.set_defaults(cpus=1)
    return made


def main():
    arguments = parser().parse_args()
    if (arguments.run is None) == (arguments.pretrained is None):
        raise UserError("name a run, a checkpoint or a .params file (make score RUN=folder), or gluoncv's weights by "
                        "--pretrained")
    return score(*tested(arguments), arguments)


def tested(arguments):
    """(symbol, weights, settings): what is to be tested. settings: dataset, image_size, dtype and the like, as in a recipe."""
    from training.weights import Weights, read
    if arguments.pretrained:
        from symbols import pretrained
        symbol, (blocks, states), mean = pretrained.load(arguments.pretrained)
        weights = Weights(blocks, states, f"gluoncv's {arguments.pretrained}")
        return symbol, weights, {"dataset": "imagenet", "image_size": 224, "mean": mean}
    weights = read(arguments.run)
    if weights.config:
        settings = weights.config["recipe"]
        names = {option: settings[option] for option in of_network.Network.__dataclass_fields__ if option in settings}
        try:
            network = of_network.Network(**names)
        except TypeError as error:
            raise UserError(f"{weights.run / 'config.json'} is damaged: move it away, and name the network, as preact110"
                            ) from error
    else:
        dataset = arguments.dataset or "imagenet"
        settings = {"dataset": dataset, "image_size": arguments.image_size or (224 if dataset == "imagenet" else 32)}
        network = of_network.network(arguments, _family(dataset), 110)
    return network.symbol(weights.classes, _family(settings["dataset"])), weights, settings


def _family(dataset):
    return "imagenet" if dataset == "imagenet" else "cifar"


def score(symbol, weights, settings, arguments):
    """Test by each rule; print the errors, and keep them beside the run that they are of."""
    from training import bfloat16, fit
    from training.evaluate import evaluate
    rules = _rules(arguments.crop, settings["dataset"])
    dataset = load(settings, arguments.data_dir)
    if weights.classes != dataset.classes:
        raise UserError(f"{weights.name} tells {weights.classes:,} classes apart, and {dataset.name} has {dataset.classes:,}")
    if settings.get("data", dataset.fingerprint) != dataset.fingerprint:
        print(f"{weights.name} was trained on {weights.config['data']}, and these are other files")
    network = bfloat16.bound(probabilities(symbol), options.type_here(settings.get("dtype")))
    results = {}
    for rule in rules:
        pictures = test_pictures(dataset, settings, rule, options.devices(arguments))
        module = bound(network, weights, pictures, fit.contexts(arguments))
        top = 5 if dataset.classes > 5 else None
        _, error, *more = evaluate(module, pictures, top=top)
        results[rule] = {"top1": error, "images": len(dataset.test_images), "data": dataset.name, "of": weights.name}
        if top:
            results[rule]["top5"] = more[0]
        if weights.iteration is not None:
            results[rule]["iteration"] = weights.iteration
        print(f"{weights.name}{', ' + CROPS[rule] if rule in CROPS else ''}: top-1 error {error:.2f} %"
              + (f", top-5 error {more[0]:.2f} %" if top else "")
              + f" on {len(dataset.test_images):,} images of {dataset.name}", flush=True)
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


def load(settings, folder):
    """The data set that settings name; with the mean that gluoncv's weights want, if settings have one."""
    if settings["dataset"] == "imagenet":
        from data import imagenet
        dataset = imagenet.load(folder or ROOT / "data" / "imagenet")
        return dataset._replace(mean=settings["mean"]) if "mean" in settings else dataset
    from data import cifar, download, pictures
    if settings["dataset"] == "pictures":
        dataset = pictures.load(folder, settings["image_size"])
    else:
        dataset = cifar.load(settings["dataset"], folder or download.fetch(settings["dataset"], ROOT / "data"),
                             settings["image_size"])
    return cifar.split_validation(dataset, settings["seed"]) if settings.get("validation") else dataset


def test_pictures(dataset, settings, rule, devices):
    """An iterator over the test set, as a rule shows its pictures."""
    size = 128 // devices * devices
    if rule == WHOLE:
        from data import batches
        return batches.test_batches(dataset.test_images, dataset.test_labels,
                                    batches.mean_of(dataset.train_images, settings.get("input") or "mean"), size)
    from data.crops import RULES, TestCrops
    return TestCrops(dataset.test_images, dataset.mean, size if RULES[rule].crops == 1 else 16 * devices,
                     settings["image_size"], rule)


def probabilities(symbol):
    """The network without the labels that SoftmaxOutput wants: of ten crops there is one label."""
    import mxnet as mx
    return mx.sym.softmax(symbol.get_internals()["fc_output"])


def bound(network, weights, pictures, contexts):
    """A module of the network with the weights, for an iterator's batches."""
    import mxnet as mx

    from common.environment import without_notes
    module = mx.mod.Module(network, label_names=None, context=contexts)
    with without_notes():
        module.bind(pictures.provide_data, for_training=False)
    wanted = [set(network.list_arguments()) - {"data"}, set(network.list_auxiliary_states())]
    try:
        if wanted != [set(weights.arguments), set(weights.states)]:
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
    run(main)
