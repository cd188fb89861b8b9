#!/usr/bin/env python
"""Train a network of the papers on ImageNet, or on a set of your own, or test it; every option's default is the papers' recipe.

    make imagenet-data SOURCE=folder                          # once: see data/prepare.py
    make imagenet-preact200                                   # train, with a test of the centre crop of 224 each epoch
    make imagenet-preact200 ARGS='--test-only --crop 320'     # Table 5 of P2

What is not of ImageNet alone stands in train_cifar.py. P1 is 1512.03385, P2 is 1603.05027; docs/DEVIATIONS.md has the rest.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from common.errors import UserError, run
from common.files import ROOT
from symbols import counts, names
from symbols import options as of_network
from training import fit, options

EPOCHS = 120  # P1 3.4: "up to 60x10^4 iterations"
PAPER_ITERATIONS = 600000
RULES = ("224", "320", "ten")  # those of data.crops, which needs MXNet
NETWORK = ("depth", "activation", "shortcut", "shortcut_args", "unit", "option", "bottleneck_stride", "image_size")


def parser():
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add = made.add_argument_group("network").add_argument
    add("--depth", type=int, default=200, help=f"{', '.join(map(str, names.IMAGENET))} (200)")
    of_network.of_network(add)
    add = made.add_argument_group("data").add_argument
    add("--data-dir", type=Path, default=ROOT / "data" / "imagenet", help="a set that was prepared (data/imagenet)")
    add("--image-size", type=int, default=224, help="of the training crops; all the other sizes follow in proportion (224: P1 3.4)")
    add("--augmentation", choices=("scale", "aspect"), default="scale",
        help="scale: shorter side from [256, 480] (P1 3.4); aspect: and aspect ratio (P2 Table 5, last row)")
    add = made.add_argument_group("recipe").add_argument
    add("--iterations", type=int, help=f"in all ({EPOCHS} epochs: P1 3.4); shrinks the rest in proportion")
    add("--batch-size", type=int, default=256, help="over all devices (256: P2 section 5)")
    add("--steps", help="divide the learning rate by 10 after these iterations (those of epochs 30 and 60: P2 section 5)")
    add("--warmup-iterations", type=int, help="with the warm-up's learning rate (0: P2 section 5)")
    options.of_recipe(add)
    options.of_run(made.add_argument_group("this run").add_argument)
    add = made.add_argument_group("test").add_argument
    add("--test-only", action="store_true", help="test the run in --output, or --checkpoint, or --pretrained; train nothing")
    add("--crop", default="224", help="224 (of 256), 320 (of 320), ten (224 of 256), or several, as 224,ten (224: P2 Table 5)")
    add("--checkpoint", type=Path, help="folder of a run or of a checkpoint, or a .params file")
    add("--pretrained", metavar="NAME", help="gluoncv's weights, as resnet50_v1: from its cache, or downloaded, and checked")
    made.set_defaults(dataset="imagenet", unit=None, validation=False)
    return made


def complete(arguments, images):
    """As options.complete(), for so many training images."""
    if arguments.iterations is None:
        arguments.iterations = round(EPOCHS * images / max(arguments.batch_size, 1))
    # 5,000 iterations are an epoch of ImageNet; the paper's drops are at epochs 30 and 60 of 120
    of_network.complete(arguments, "imagenet")
    return options.complete(arguments, PAPER_ITERATIONS, (PAPER_ITERATIONS // 4, PAPER_ITERATIONS // 2), 0, 5000)


def read_options():
    """(options of the run, those of a test or None, the prepared set)."""
    arguments = parser().parse_args()
    from data import imagenet
    if arguments.scale != "full":
        raise UserError(f"SCALE={arguments.scale} is CIFAR's: for ImageNet give IMAGE_SIZE=, ITERATIONS= and BATCH=")
    if arguments.image_size < 32:
        raise UserError(f"--image-size {arguments.image_size}: at least 32, which the network makes 1")
    dataset = imagenet.load(arguments.data_dir)
    complete(arguments, len(dataset.train_images))
    rules = arguments.crop.split(",")
    if not set(rules) <= set(RULES):
        raise UserError(f"--crop {arguments.crop}: there are {', '.join(RULES)}")
    test = argparse.Namespace(rules=rules, checkpoint=arguments.checkpoint, pretrained=arguments.pretrained) \
        if arguments.test_only or arguments.checkpoint or arguments.pretrained else None
    if arguments.crop != "224" and not test:
        raise UserError(f"--crop {arguments.crop} is for a test: add --test-only (training tests by the rule 224)")
    for option in ("test_only", "crop", "checkpoint", "pretrained"):
        delattr(arguments, option)
    return arguments, test, dataset


def main():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too early to save anything
    arguments, test, dataset = read_options()
    devices = fit.contexts(arguments)
    if test:
        return evaluate(arguments, test, dataset, devices)
    symbol = of_network.network(arguments, dataset.classes, "imagenet")
    feed_of_all = batches(arguments, dataset)  # refuses pictures that are too small, before there is a folder
    if arguments.cost:
        return fit.print_cost(arguments, symbol, devices, len(dataset.test_images), feed_of_all)

    def feed(share):
        if share[0] == 0 and not any(arguments.output.glob("checkpoint-*")):
            tell_cost(arguments)
        return batches(arguments, dataset, share), tests(arguments, dataset)

    return fit.fit(arguments, dataset, symbol, devices, feed, counts.parameters(symbol, arguments.image_size))


def batches(arguments, dataset, share=(0, 1)):
    from data.crops import CropBatches
    return CropBatches(dataset.train_images, dataset.mean, arguments.batch_size, arguments.seed, arguments.image_size, dataset.side,
                       arguments.augmentation, share=share)


def tests(arguments, dataset, rule="224"):
    from data.crops import RULES, TestCrops
    size = fit.test_batch_size(arguments, dataset) if RULES[rule].crops == 1 else 16 * arguments.devices
    return TestCrops(dataset.test_images, dataset.mean, size, arguments.image_size, rule)


def tell_cost(arguments):
    """Say what the run will take, measured in a process of its own on a few of its own iterations."""
    measured = subprocess.run([sys.executable, "-W", "ignore", __file__, *sys.argv[1:], "--cost"], text=True, capture_output=True)
    if measured.returncode:
        last = (measured.stderr.strip().splitlines() or ["ended from outside: is the memory full?"])[-1]
        print(f"what the run will take cannot be measured here ({last})", flush=True)
        return
    cost = json.loads(measured.stdout.splitlines()[-1])
    gpu = f" and {cost['gpu_megabytes']:,.0f} MB on each GPU" if "gpu_megabytes" in cost else ""
    time = f"{cost['seconds'] / 86400:.1f} days" if cost["seconds"] > 2 * 86400 else f"{cost['seconds'] / 3600:.1f} h" \
        if cost["seconds"] > 5400 else f"{cost['seconds'] / 60:.1f} min"
    print(f"{arguments.iterations:,} iterations of batch {arguments.batch_size} will take about {time} here, at "
          f"{cost['images_per_second']:.1f} images/s, and {cost['megabytes']:,.0f} MB{gpu}", flush=True)


def evaluate(arguments, test, dataset, devices):
    """Test a checkpoint by each rule; print the errors, and keep them beside the run that they are of."""
    import mxnet as mx

    from common.environment import without_notes
    from common.files import write_whole
    from training.evaluate import evaluate as errors_of

    if test.pretrained:
        from symbols import pretrained
        symbol, parameters, mean = pretrained.load(test.pretrained)
        dataset, name, home = dataset._replace(mean=mean), f"gluoncv's {test.pretrained}", None
    else:
        symbol, parameters, name, home, iteration = trained(arguments, test.checkpoint, dataset)
    outputs = len(parameters[0]["fc_bias"])
    if outputs != dataset.classes:
        raise UserError(f"{name} tells {outputs:,} classes apart, and {dataset.name} has {dataset.classes:,}")
    # without the labels that SoftmaxOutput wants: of ten crops there is one label
    probabilities, results = mx.sym.softmax(symbol.get_internals()["fc_output"]), {}
    wanted = [set(probabilities.list_arguments()) - {"data"}, set(probabilities.list_auxiliary_states())]
    for rule in test.rules:
        crops = tests(arguments, dataset, rule)
        module = mx.mod.Module(probabilities, label_names=None, context=devices)
        with without_notes():
            module.bind(crops.provide_data, for_training=False)
        try:
            if wanted != list(map(set, parameters)):  # set_params takes those of a deeper network without a word
                raise ValueError
            module.set_params(*parameters)
        except (ValueError, RuntimeError, mx.MXNetError) as error:
            raise UserError(f"{name} is of another network: give its --depth, --activation and --shortcut") from error
        _, top1, top5 = errors_of(module, crops, top=min(5, outputs))
        results[rule] = {"top1": top1, "top5": top5, "images": len(dataset.test_images), "data": dataset.name, "of": name}
        if home:
            results[rule]["iteration"] = iteration
        print(f"{name}, {'ten crops' if rule == 'ten' else f'crop {rule}'}: top-1 error {top1:.2f} %, top-5 error {top5:.2f} % on "
              f"{len(dataset.test_images):,} images of {dataset.name}", flush=True)
    if home:
        path = home / "test.json"
        try:
            there = {**json.loads(path.read_text())} if path.exists() else {}
        except (ValueError, TypeError):
            print(f"{path} was damaged: only these tests are in it now")
            there = {}
        write_whole(path, json.dumps({**there, **results}, indent=2) + "\n")
    return 0


def trained(arguments, place, dataset):
    """(symbol, (arguments, auxiliary states), name, its run's folder or None, iteration or None) of a checkpoint: a run's newest
    sound one, by default."""
    import mxnet as mx

    from training import checkpoint
    from training.state import parameters
    if place is None:
        of_network.network(arguments, dataset.classes, "imagenet")  # for the run's folder
        place = arguments.output
    if not place.exists() or (place.is_dir() and not (checkpoint.found(place) or (place / "arrays.params").is_file())):
        raise UserError(f"{place} has no checkpoint: name a run, a checkpoint or a .params file by --checkpoint, or train it first")
    arrays = None
    if checkpoint.found(place):
        arrays, state = checkpoint.newest_checkpoint(place)
        place = place / f"checkpoint-{state['iteration']:07d}"
    try:
        if arrays is None:
            arrays, state = (load_file(place), {}) if place.is_file() else checkpoint.load(place)
        states = parameters(arrays)
        states[0]["fc_bias"]  # noqa: B018 (a network of ours has it)
    except (checkpoint.Damaged, mx.MXNetError, AttributeError, KeyError, ValueError) as error:
        raise UserError(f"{place} is damaged, or no checkpoint of a network from here") from error
    home = next((folder for folder in (place, place.parent) if (folder / "config.json").is_file()), None)
    if home:  # the run knows what it is
        try:
            recipe = json.loads((home / "config.json").read_text())["recipe"]
            vars(arguments).update({key: recipe[key] for key in NETWORK})
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{home / 'config.json'} is damaged: move it away, and give --depth, --activation and --shortcut"
                            ) from error
    symbol = of_network.network(arguments, len(states[0]["fc_bias"]), "imagenet")
    return symbol, states, os.path.relpath(place), home, state.get("iteration")


def load_file(file):
    """The arrays of a bare .params file. MXNet believes its lengths, and damaged ones end a process: another one tries first."""
    import mxnet as mx

    from training.checkpoint import Damaged
    attempt = [sys.executable, "-W", "ignore", "-c", "import sys, training, mxnet; mxnet.nd.load(sys.argv[1])", file.resolve()]
    if subprocess.run(attempt, cwd=ROOT, capture_output=True).returncode:
        raise Damaged
    return mx.nd.load(str(file))


if __name__ == "__main__":
    run(main)
