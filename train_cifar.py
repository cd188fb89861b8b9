#!/usr/bin/env python
"""Train a network of the papers on CIFAR-10 or CIFAR-100; every option's default is the papers' recipe.

    make cifar10-preact1001                                   # the usual way; the same command again resumes
    python train_cifar.py --activation preact --depth 1001    # the same

P1 is 1512.03385, P2 is 1603.05027. Where both are silent, docs/DEVIATIONS.md says what was chosen and why.
"""
import argparse
import signal
from pathlib import Path

from common.errors import run
from common.files import ROOT
from symbols import counts, names
from symbols import options as of_network
from training import fit, options

PAPER_ITERATIONS = 64000


def parser():
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add = made.add_argument_group("network").add_argument
    add("--depth", type=int, default=110, help="weighted layers: 6n+2 with basic units, 9n+2 with bottlenecks (110)")
    add("--unit", choices=tuple(names.LAYERS), help="kind of unit, for depths that are no paper's; one_layer is Table 3's")
    of_network.of_network(add)
    add = made.add_argument_group("data").add_argument
    add("--dataset", choices=("cifar10", "cifar100", "pictures"), default="cifar10",
        help="pictures: your own, in --data-dir (data/pictures.py)")
    add("--data-dir", type=Path, help="folder with the set, binary or Python version; by default it is downloaded")
    add("--image-size", type=int, default=32, help="smaller pictures by block averaging: 16, 8 (32)")
    add("--validation", action="store_true", help="hold out a tenth of the training set and test on it (45k/5k: P1 4.2)")
    add = made.add_argument_group("recipe").add_argument
    add("--iterations", type=int, default=PAPER_ITERATIONS, help="in all (64000: P1 4.2); shrinks the rest in proportion")
    add("--batch-size", type=int, default=128, help="over all devices (128: P2 appendix; 64 for Table 4's best row)")
    add("--steps", help="divide the learning rate by 10 after these iterations (32000,48000: P2 appendix)")
    add("--warmup-iterations", type=int, help="with the warm-up's learning rate (400: P2 appendix)")
    options.of_recipe(add)
    options.of_run(made.add_argument_group("this run").add_argument)
    return made


def read_options(words=None):
    """The completed options; words are the command line's by default."""
    arguments = parser().parse_args(words)
    of_network.complete(arguments, "cifar")
    return options.complete(arguments, PAPER_ITERATIONS, steps=(32000, 48000), warmup=400, test_every=2000)


def main():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too early to save anything
    arguments = read_options()

    from data import batches, cifar, download, pictures

    dataset = None
    if arguments.dataset == "pictures":  # which alone says how many classes there are
        dataset = pictures.load(arguments.data_dir, arguments.image_size)
        classes = dataset.classes
        test_images = len(dataset.test_images)
    else:
        cifar.check_size(arguments.image_size)
        classes = cifar.LAYOUTS[arguments.dataset].classes
        test_images = 10000
    devices = fit.contexts(arguments)
    symbol = of_network.network(arguments, classes)
    if arguments.cost:
        return fit.print_cost(arguments, symbol, devices, test_images)
    if dataset is None:
        folder = arguments.data_dir or download.fetch(arguments.dataset, ROOT / "data")
        dataset = cifar.load(arguments.dataset, folder, arguments.image_size)
    if arguments.validation:
        dataset = cifar.split_validation(dataset, arguments.seed)

    def feed(share):
        mean = batches.mean_image(dataset.train_images)
        return (batches.TrainingBatches(dataset.train_images, dataset.train_labels, mean, arguments.batch_size, arguments.seed,
                                        share),
                batches.test_batches(dataset.test_images, dataset.test_labels, mean, fit.test_batch_size(arguments, dataset)))

    return fit.fit(arguments, dataset, symbol, devices, feed, counts.parameters(symbol, arguments.image_size))


if __name__ == "__main__":
    run(main)
