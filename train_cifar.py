#!/usr/bin/env python
"""Train a network of the papers on CIFAR-10 or CIFAR-100; every option's default is the papers' recipe.

    make cifar10-preact1001                                   # the usual way; the same command again resumes
    python train_cifar.py --activation preact --depth 1001    # the same

P1 is 1512.03385, P2 is 1603.05027. Where both are silent, docs/DEVIATIONS.md says what was chosen and why.
"""
import argparse
import hashlib
import math
import os
import platform
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import gpus
import training  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
from errors import UserError, run
from symbols import OPTIONS, names
from training import interrupt
from training.environment import be_deterministic
from training.source import source

BEGAN = time.monotonic()
ROOT = Path(__file__).resolve().parent
PAPER_ITERATIONS = 64000
PROCESS_BYTES = 3e8  # Python, MXNet and CIFAR, before a network is there
SCRIPTS = {"imagenet": "train_imagenet.py"}  # of the sets that are not this script's
# What does not change what is computed, or is already in the recipe in another form.
NOT_RECIPE = ("name", "output", "scale", "data_dir", "gpus", "cpus", "time_limit", "keep_going", "deterministic")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add = parser.add_argument_group("network").add_argument
    add("--depth", type=int, default=110, help="weighted layers: 6n+2 with basic units, 9n+2 with bottlenecks (110)")
    add("--unit", choices=tuple(names.LAYERS), help="kind of unit, for depths that are no paper's; one_layer is Table 3's")
    network_options(add)
    add = parser.add_argument_group("data").add_argument
    add("--dataset", choices=("cifar10", "cifar100"), default="cifar10")
    add("--data-dir", type=Path, help="folder with the set, binary or Python version; by default it is downloaded")
    add("--image-size", type=int, default=32, help="smaller pictures by block averaging: 16, 8 (32)")
    add("--validation", action="store_true", help="hold out a tenth of the training set and test on it (45k/5k: P1 4.2)")
    add = parser.add_argument_group("recipe").add_argument
    add("--iterations", type=int, default=PAPER_ITERATIONS, help="in all (64000: P1 4.2); shrinks the rest in proportion")
    add("--batch-size", type=int, default=128, help="over all devices (128: P2 appendix; 64 for Table 4's best row)")
    add("--steps", help="divide the learning rate by 10 after these iterations (32000,48000: P2 appendix)")
    add("--warmup-iterations", type=int, help="with the warm-up's learning rate (400: P2 appendix)")
    recipe_options(add)
    run_options(parser.add_argument_group("this run").add_argument)
    return parser


# What train_imagenet.py has too.

def network_options(add):
    add("--activation", default="original", help=f"Figure 4: {', '.join(names.variants('activations'))} (original)")
    add("--shortcut", default="identity", help=f"Figure 2: {', '.join(names.variants('shortcuts'))} (identity)")
    add("--shortcut-args", default="", metavar="K=V,...", help="constants of the shortcut, as bias=-7")
    add("--option", choices=OPTIONS, help="where dimensions change: A zero padding (basic: P1 4.2), "
        "B projection (bottleneck: P2 appendix); A-preactivated as fb.resnet.torch")
    add("--bottleneck-stride", choices=("1x1", "3x3"), default="1x1", help="which layer has the stride (1x1: the authors' code)")


def recipe_options(add):
    add("--dtype", choices=("float32", "float16"), default="float32",
        help="float16: inside the network, on GPUs; the optimizer keeps the weights in float32 (float32)")
    add("--micro-batch", type=int, help="pass a batch through in parts of so many images, each with its own BN, to save memory")
    add("--learning-rate", type=float, default=0.1, help="after the warm-up (0.1: P2 appendix)")
    add("--warmup-learning-rate", type=float, default=0.01, help="(0.01: P2 appendix)")
    add("--momentum", type=float, default=0.9, help="(0.9: P2 appendix)")
    add("--nesterov", action="store_true", help="Nesterov's momentum (the authors' Torch code; the papers do not)")
    add("--weight-decay", type=float, default=1e-4, help="(0.0001: P2 appendix)")
    add("--decay", choices=("weights", "all"), default="weights", help="what is decayed: weights, or BN and biases too")
    add("--init-fan", choices=("in", "out"), default="in", help="He's initialisation by fan-in (Caffe) or fan-out (Torch)")
    add("--seed", type=int, default=0, help="of initial weights, order, crops, flips and dropout (0)")


def run_options(add):
    add("--gpus", help="train on these GPUs, as 0,1 or all; without it on the CPU")
    add("--cpus", type=int, default=1, help="CPU contexts: the path of several devices, for trying (1)")
    add("--kv-store", default="local", choices=("local", "device", "dist_sync", "dist_async"),
        help="where gradients of several devices or machines meet; dist_*: see cluster.py (local)")
    add("--log-every", type=int, help="iterations between two rows of the log (100: P2 Figures 1, 3, 6)")
    add("--test-every", type=int, help="iterations between two test errors (2000: P2 Figures 1, 3, 6)")
    add("--time-limit", help="stop in time, with a checkpoint and exit code 75, as 3h, 90m, 45s; the same command goes on")
    add("--keep-going", action="store_true", help="train on when the loss is no number any more (that ends the run)")
    add("--deterministic", action="store_true", help="GPUs repeat bit for bit, and are slower (CPUs do so anyway)")
    add("--scale", default="full", help="folder of results/ (full)")
    add("--output", type=Path, help="folder of the run (results/<scale>/<name>/seed<k>)")


def complete(arguments, family="cifar", paper=PAPER_ITERATIONS, steps=(32000, 48000), warmup=400, test_every=2000):
    """Fill in what follows from other options, and refuse what cannot be. Needs no MXNet, so it answers at once.

    steps, warmup, test_every: iterations, of the `paper` iterations that the paper's recipe has in all.
    """
    names.check_variant("activations", arguments.activation)
    names.check_variant("shortcuts", arguments.shortcut)
    arguments.unit, _ = names.stages(arguments.depth, arguments.unit, family)
    arguments.option = arguments.option or ("B" if arguments.unit == "bottleneck" else "A")
    arguments.shortcut_args = constants(arguments.shortcut_args)
    total = arguments.iterations
    if total < 1:
        raise UserError(f"--iterations {total}: at least 1")

    def share(iterations):  # of the paper's, as a share of this run's
        return round(iterations * total / paper)

    try:
        steps = [int(step) for step in arguments.steps.split(",")] if arguments.steps else [share(step) for step in steps]
    except ValueError:
        raise UserError(f"--steps {arguments.steps}: write iterations with commas between them, as 32000,48000") from None
    arguments.steps = steps
    if arguments.warmup_iterations is None:
        arguments.warmup_iterations = share(warmup)
    # short runs get fewer, but not too few, points to draw
    if arguments.log_every is None:
        arguments.log_every = min(100, max(1, total // 20))
    if arguments.test_every is None:
        arguments.test_every = max(share(test_every), min(200, total))
    for option in ("batch_size", "log_every", "test_every", "cpus"):
        if getattr(arguments, option) < 1:
            raise UserError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: at least 1")
    for option in ("learning_rate", "warmup_learning_rate", "momentum", "weight_decay", "warmup_iterations"):
        if not 0 <= getattr(arguments, option) < math.inf:
            raise UserError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: a number that is not negative")
    if not 0 <= arguments.seed < 2**31:
        raise UserError(f"--seed {arguments.seed}: from 0 to {2**31 - 1}")
    if arguments.test_every % arguments.log_every:  # tests are written into rows of the log
        arguments.test_every = -(-arguments.test_every // arguments.log_every) * arguments.log_every
    if arguments.gpus == "all":
        arguments.gpus = ",".join(str(number) for number, each in enumerate(gpus.capabilities()) if gpus.fits(each))
        if not arguments.gpus:
            raise UserError("--gpus all: the driver shows no GPU that MXNet has code for; leave out --gpus (make: GPUS=) to train "
                            "on the CPU, or see make doctor")
    try:
        arguments.gpus = [int(gpu) for gpu in arguments.gpus.split(",")] if arguments.gpus else []
    except ValueError:
        raise UserError(f"--gpus {arguments.gpus}: write numbers with commas between them, as 0,1, or all") from None
    if len(set(arguments.gpus)) < len(arguments.gpus):
        raise UserError(f"--gpus {','.join(map(str, arguments.gpus))}: each GPU once")
    if arguments.dtype == "float16" and not arguments.gpus:
        raise UserError("--dtype float16: MXNet's convolutions have no float16 on a CPU; name a GPU by --gpus (make: GPUS=), or "
                        "leave out --dtype")
    if arguments.dtype == "float16" and arguments.kv_store.startswith("dist"):
        raise UserError(f"--dtype float16: --kv-store {arguments.kv_store} exchanges float32 only; leave one of the two out")
    arguments.dtype = "float16" if arguments.dtype == "float16" else None  # as in a config.json from before this option
    arguments.time_limit = interrupt.duration(arguments.time_limit) if arguments.time_limit else math.inf
    arguments.devices = len(arguments.gpus) or arguments.cpus
    if arguments.batch_size % arguments.devices:
        raise UserError(f"a batch of {arguments.batch_size} does not divide over {arguments.devices} devices: "
                        "choose another --batch-size (make: BATCH=)")
    part = arguments.batch_size if arguments.micro_batch is None else arguments.micro_batch
    if part < 1 or arguments.batch_size % part or part % arguments.devices:
        raise UserError(f"--micro-batch {part}: it must divide the batch of {arguments.batch_size}, and divide itself over "
                        f"{arguments.devices} devices")
    arguments.micro_batch = part if part < arguments.batch_size else None
    return arguments


def constants(text):
    """'bias=-7,scale=0.5' -> {"bias": -7.0, "scale": 0.5}"""
    values = {}
    for item in filter(None, text.split(",")):
        key, _, value = item.partition("=")
        try:
            values[key.strip()] = float(value)
            if not math.isfinite(values[key.strip()]):
                raise ValueError
        except ValueError:
            raise UserError(f"--shortcut-args {text}: write numbers by name, as bias=-7 or scale=0.5,residual_scale=1") from None
    return values


def contexts(arguments):
    """The MXNet devices; UserError if a GPU is not there."""
    if arguments.deterministic:
        be_deterministic()
    import mxnet as mx
    if not arguments.gpus:
        return [mx.cpu(k) for k in range(arguments.cpus)]
    there = mx.context.num_gpus()
    for gpu in arguments.gpus:
        if not 0 <= gpu < there:
            raise UserError(f"there is no GPU {gpu}: MXNet {mx.__version__} sees {there} here; leave out --gpus (make: GPUS=) "
                            "to train on the CPU, or see docs/INSTALL.md for MXNet with CUDA")
    return [mx.gpu(gpu) for gpu in arguments.gpus]


def describe(arguments, dataset, symbol):
    """config.json: enough to run it again, and to say under a figure what was done where."""
    import mxnet as mx
    import numpy as np

    from symbols import counts
    values = vars(arguments)
    recipe = {key: value for key, value in values.items() if key not in NOT_RECIPE}
    recipe["data"] = dataset.fingerprint
    return {"name": arguments.name, "scale": arguments.scale, "recipe": recipe,
            "command": " ".join(["python", SCRIPTS.get(arguments.dataset, "train_cifar.py"), *sys.argv[1:]]),
            "data": dataset.name, "train_images": len(dataset.train_images), "test_images": len(dataset.test_images),
            "network": hashlib.sha1(symbol.tojson().encode()).hexdigest(),
            "parameters": counts.parameters(symbol, arguments.image_size),
            "host": {"machine": platform.machine(), "system": platform.platform(), "cores": os.cpu_count(),
                     "devices": f"GPU {arguments.gpus}" if arguments.gpus else f"CPU x {arguments.cpus}",
                     "deterministic": arguments.deterministic or not arguments.gpus,
                     "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")},
            "versions": {**source(ROOT), "python": platform.python_version(), "mxnet": mx.__version__, "numpy": np.__version__}}


def main():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too early to save anything
    arguments = complete(options().parse_args())

    from data import batches, cifar, download

    devices = contexts(arguments)
    symbol = network(arguments, cifar.LAYOUTS[arguments.dataset].classes)
    folder = arguments.data_dir or download.fetch(arguments.dataset, ROOT / "data")
    dataset = cifar.load(arguments.dataset, folder, arguments.image_size)
    if arguments.validation:
        dataset = cifar.split_validation(dataset, arguments.seed)

    def feed(share):
        mean = batches.mean_image(dataset.train_images)
        return (batches.TrainingBatches(dataset.train_images, dataset.train_labels, mean, arguments.batch_size, arguments.seed,
                                        share),
                batches.test_batches(dataset.test_images, dataset.test_labels, mean, test_batch_size(arguments, dataset)))

    return fit(arguments, dataset, symbol, devices, feed)


def network(arguments, classes, family="cifar"):
    """The symbol; fills in the run's name and folder, and the constants of its shortcut."""
    from symbols import get_symbol, shortcut_constants
    arguments.shortcut_args = shortcut_constants(arguments.shortcut, arguments.shortcut_args)
    defaults = shortcut_constants(arguments.shortcut, {})
    arguments.name = names.run_name(
        arguments.dataset, arguments.activation, arguments.shortcut, arguments.depth, arguments.unit,
        {key: value for key, value in arguments.shortcut_args.items() if value != defaults[key]})
    arguments.output = arguments.output or ROOT / "results" / arguments.scale / arguments.name / f"seed{arguments.seed}"
    return get_symbol(arguments.depth, arguments.activation, arguments.shortcut, arguments.unit, classes, family,
                      shortcut_args=arguments.shortcut_args, option=arguments.option,
                      bottleneck_stride=arguments.bottleneck_stride, dtype=arguments.dtype)


def fit(arguments, dataset, symbol, devices, feed):
    """Train, go on, or say that it is done; the exit code. feed: (k, n) -> (batches of the k-th of n workers, test batches)."""
    from training.log import read_log
    from training.loop import train
    from training.run import Run
    from training.workers import Follower, Workers

    if arguments.batch_size > len(dataset.train_images):
        raise UserError(f"a batch of {arguments.batch_size} is more than the {len(dataset.train_images)} training images")

    workers = Workers(arguments.kv_store)
    place = workers.rank, workers.count
    if arguments.batch_size % (arguments.devices * workers.count):
        raise UserError(f"a batch of {arguments.batch_size} does not divide over {workers.count} workers of {arguments.devices} "
                        "devices: choose another --batch-size (make: BATCH=)")
    if workers.rank:
        if workers.number("finished", 0):
            return 0
        return train(Follower(), symbol, devices, *feed(place), vars(arguments), workers, keep_going=arguments.keep_going)
    open_run = Run(arguments.output, describe(arguments, dataset, symbol), arguments.keep_going)
    where = os.path.relpath(arguments.output)
    workers.number("finished", int(open_run.finished))  # the others need not begin
    if not open_run.finished:
        parameters = sum(open_run.config["parameters"].values())
        print(f"{arguments.name}: {parameters:,} parameters, {memory(arguments, symbol, workers)}, {dataset.name}, in {where}")
        figure = Figure(arguments.output)
        stopped = train(open_run, symbol, devices, *feed(place), vars(arguments), workers, on_test=figure.draw,
                        keep_going=arguments.keep_going, deadline=BEGAN + arguments.time_limit)
        if stopped:
            why = "the time limit has come" if stopped == interrupt.OUT_OF_TIME else "stopped"
            print(f"{why}; the same command goes on from {where}")
            return stopped
        figure.wait()
    if not open_run.finished:
        raise UserError(f"somebody has changed {where}/log.csv during the run: the same command mends it from the last checkpoint")
    last = read_log(arguments.output)[-1]
    how = "finished" if math.isfinite(last["train_loss"]) else "finished, diverged"
    print(f"{how}: test error {last['test_error']:.2f} % on {len(dataset.test_images):,} images of {dataset.name} after "
          f"{last['iteration']:,.0f} iterations; log and checkpoint in {where}")
    return 0


def memory(arguments, symbol, workers):
    """'about 2.4 GB': what training needs here, or on each device. Says so if this machine has less."""
    from symbols import counts
    part = (arguments.micro_batch or arguments.batch_size // workers.count) // arguments.devices
    images = part * (1 if arguments.gpus else arguments.devices)  # that share one memory
    need = (PROCESS_BYTES + images * counts.training_bytes(symbol, arguments.image_size)) / 1e9
    try:
        free = int(re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 1e6
    except (OSError, AttributeError):
        free = math.inf
    if need > free and not arguments.gpus:
        print(f"warning: this needs about {need:.1f} GB of memory, and {free:.1f} GB are free: --micro-batch takes the batch in "
              "parts", file=sys.stderr)
    return f"about {need:.1f} GB{' on each GPU' if arguments.gpus else ''}"


def test_batch_size(arguments, dataset):
    """Tests go in batches of at least 128: with fewer pictures in each, a deep network spends its time between operators."""
    size = min(max(arguments.batch_size, 128), len(dataset.test_images))
    return max(size // arguments.devices, 1) * arguments.devices


class Figure:
    """Draws the run's curve in a process of its own, so that training does not wait for it, and at most twice a minute."""

    def __init__(self, folder):
        self._command = [sys.executable, "-m", "plots.curves", str(folder.resolve())]
        self._process, self._drawn = None, -math.inf

    def draw(self):
        if time.monotonic() - self._drawn > 30 and (self._process is None or self._process.poll() is not None):
            self._drawn = time.monotonic()
            # in a session of its own, so that Ctrl-C does not stop it half way
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)

    def wait(self):
        """Draw a last time, with the last row, and wait for it."""
        if self._process:
            self._process.wait()
        subprocess.run(self._command, cwd=ROOT, check=False)


if __name__ == "__main__":
    run(main)
