"""One run from its options to its end: what config.json says, training or going on, the figure."""

import json
import math
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from common import files
from common.environment import GIVEN, processor, threads
from common.errors import UserError
from common.files import ROOT
from common.screen import survive

from . import interrupt
from .options import check_batch, devices
from .source import fingerprint, source

BEGAN = time.monotonic()
PROCESS_BYTES = 3e8  # Python, MXNet and CIFAR, before a network is there


def contexts(arguments):
    """The MXNet devices; UserError if a GPU is not there."""
    import mxnet as mx

    if not arguments.gpus:
        return [mx.cpu(k) for k in range(arguments.cpus)]
    count = mx.context.num_gpus()
    for gpu in arguments.gpus:
        if not 0 <= gpu < count:
            raise UserError(
                f"there is no GPU {gpu}: MXNet {mx.__version__} sees {count} here; leave out "
                "--gpus (make: GPUS=) "
                "to train on the CPU, or see docs/INSTALL.md for MXNet with CUDA"
            )
    return [mx.gpu(gpu) for gpu in arguments.gpus]


def folder(arguments, name, seed):
    """Where a run lives: where --output says, or by its name."""
    if arguments.output:
        return arguments.output
    return files.run_folder(Path(arguments.scale) / name / f"seed{seed}")


def describe(arguments, name, recipe, network, dataset, symbol, parameters):
    """config.json: enough to run it again, and to say under a figure what was done where."""
    import mxnet as mx
    import numpy as np

    settings = {
        **network,
        **recipe.settings(),
        "dataset": arguments.dataset,
        "kv_store": arguments.kv_store,
        "devices": devices(arguments),
        "data": dataset.fingerprint,
    }
    return {
        "name": name,
        "scale": arguments.scale,
        "recipe": settings,
        "command": " ".join(["python", *_program(), *sys.argv[1:]]),
        "data": dataset.name,
        "train_images": len(dataset.train_images),
        "test_images": len(dataset.test_images),
        "network": fingerprint(symbol),
        "parameters": parameters,
        "host": {
            "machine": platform.machine(),
            "processor": processor(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "devices": f"GPU {arguments.gpus}" if arguments.gpus else f"CPU x {arguments.cpus}",
            "deterministic": arguments.deterministic or not arguments.gpus,
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        },
        "versions": {
            **source(ROOT),
            "python": platform.python_version(),
            "mxnet": mx.__version__,
            "numpy": np.__version__,
            "pillow": metadata.version("pillow"),
        },
    }


def _program():
    """What this process was begun by: ["train_cifar.py"], or ["-m", "analysis.departures"]."""
    spec = sys.modules["__main__"].__spec__
    return ["-m", spec.name] if spec else [Path(sys.argv[0]).name]


def fit(
    arguments,
    name,
    recipe,
    network,
    dataset,
    symbol,
    contexts,
    feed,
    parameters,
    figure=None,
    exported=None,
):
    """Train, go on, or say that it is done; the exit code.

    name        of the run
    network     {option: value} of it, for config.json; symbol: it, for the dataset's classes
    contexts    MXNet devices
    feed        (k, n) -> (batches of the k-th of n workers, test batches)
    parameters  their number, by group
    figure      folder -> what draws a test's row and the end; the run's curve by default
    exported    () -> (float32 symbol, what inputs.json says)
    """
    from .loop import train
    from .run import Run
    from .workers import Follower, Workers

    survive("stdout")
    _check_images(recipe.batch_size, len(dataset.train_images))
    workers = Workers(arguments.kv_store)
    place = workers.rank, workers.count
    check_batch(recipe.batch_size, devices(arguments), workers.count)
    if workers.rank:
        if workers.number("finished", 0):
            return 0
        return train(
            Follower(),
            symbol,
            contexts,
            *feed(place),
            recipe,
            workers,
            keep_going=arguments.keep_going,
            recompute=bool(workers.number("recompute", 0)),
        )
    _warn_of_threads()
    output = folder(arguments, name, recipe.seed)
    begins = _initial(recipe, symbol, output)
    recompute, needed, notes = memory(arguments, recipe, symbol, workers)
    config = describe(arguments, name, recipe, network, dataset, symbol, parameters)
    config["host"]["recompute"] = recompute
    open_run = Run(output, config, arguments.keep_going)
    where = os.path.relpath(output)
    workers.number("finished", int(open_run.finished))  # the others need not begin
    if not open_run.finished:
        workers.number("recompute", int(recompute))
        for note in notes:
            print(note, file=sys.stderr)
        count = sum(parameters.values())
        print(f"{name}: {count:,} parameters, {needed}, {dataset.name}, in {where}")
        if begins:
            print(begins.words)
        drawing = (figure or Figure)(output)
        stopped = train(
            open_run,
            symbol,
            contexts,
            *feed(place),
            recipe,
            workers,
            on_test=drawing.draw,
            keep_going=arguments.keep_going,
            deadline=BEGAN + arguments.time_limit,
            initial=begins,
            recompute=recompute,
        )
        if stopped:
            why = "the time limit has come" if stopped == interrupt.OUT_OF_TIME else "stopped"
            print(f"{why}; the same command goes on from {where}")
            return stopped
        drawing.wait()
        _keep_network(output, exported)
    if not open_run.finished:
        raise UserError(
            f"somebody has changed {where}/log.csv during the run: the same command "
            "mends it from the last checkpoint"
        )
    print(_ending(output, dataset))
    return 0


def _check_images(size, images):
    """Refuse a batch that the training set does not fill."""
    if size > images:
        raise UserError(f"a batch of {size} is more than the {images} training images")


def _warn_of_threads():
    """Say what is odd about the OMP_NUM_THREADS that was set."""
    warning = threads(GIVEN.get("OMP_NUM_THREADS"))[1]
    if warning:
        print(f"warning: {warning}", file=sys.stderr)


def _ending(output, dataset):
    """What a finished run in a folder has come to."""
    from .log import read_log

    last = read_log(output)[-1]
    how = "finished" if math.isfinite(last["train_loss"]) else "finished, diverged"
    where = os.path.relpath(output)
    left = f"log and checkpoint in {where}"
    if not any(output.glob("checkpoint-*")):
        left = f"of {where} its log alone is published: OUTPUT=folder trains another"
    return (
        f"{how}: test error {last['test_error']:.2f} % on {len(dataset.test_images):,} images of "
        f"{dataset.name} after "
        f"{last['iteration']:,.0f} iterations; {left}"
    )


def _initial(recipe, symbol, output):
    """The training.initial.Initial of a run that --initial lets begin;

    None for others, and for one that goes on.
    """
    from .initial import frozen_names, initial

    frozen_names(symbol, recipe.freeze)  # refuses what cannot be, before there is a folder
    if recipe.initial is None or any(output.glob("checkpoint-*")):
        return None
    return initial(recipe, symbol)


def _keep_network(output, exported):
    """Write a finished run's network in MXNet's own files, unless it diverged."""
    from . import export, weights

    trained = weights.read(output)
    if exported and math.isfinite(trained.arguments["fc_bias"].sum().asscalar()):
        symbol, inputs = exported()
        export.write(output, symbol, trained.arguments, trained.states, inputs)


def memory(arguments, recipe, symbol, workers):
    """(whether the network is computed twice, 'about 2.4 GB': what training needs, what to say).

    It is where --recompute says so, and where the memory of this machine would not do otherwise.
    """
    from . import bfloat16
    from .memory import free_bytes, training_bytes
    from .recomputation import recomputed_bytes

    symbol = bfloat16.bound(symbol, recipe.dtype)
    part = (recipe.micro_batch or recipe.batch_size // workers.count) // devices(arguments)
    images = part * (1 if arguments.gpus else devices(arguments))  # that share one memory
    free = math.inf if arguments.gpus else free_bytes()
    notes = []
    need = PROCESS_BYTES + images * training_bytes(symbol, recipe.image_size)
    recompute = arguments.recompute or need > free
    if recompute:
        whole = need
        need = PROCESS_BYTES + images * recomputed_bytes(symbol, recipe.image_size)
        if not arguments.recompute:
            notes.append(
                f"{whole / 1e9:.1f} GB of memory are needed, {free / 1e9:.1f} GB are free: "
                "what backward needs is computed again, in more time (--recompute)"
            )
    if need > free:
        notes.append(
            f"warning: this needs about {need / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free: --micro-batch takes the batch in parts"
        )
    return recompute, f"about {need / 1e9:.1f} GB{' on each GPU' if arguments.gpus else ''}", notes


def test_batch_size(recipe, count, images):
    """Tests go in batches of at least 128: with fewer pictures in each, a deep network spends its
    time between operators.

    count: of devices. images: of the test set.
    """
    return max(min(max(recipe.batch_size, 128), images) // count, 1) * count


def print_cost(arguments, recipe, symbol, contexts, test_images, batches=None):
    """What --cost does instead of a run; see training.cost."""
    from .cost import cost

    measured = cost(symbol, contexts, recipe, test_images, batches, arguments.recompute)
    print(json.dumps(measured) if arguments.cost == "json" else cost_in_words(measured, recipe))
    return 0


def cost_in_words(cost, recipe):
    """One line of what cost.cost() has measured."""
    seconds = cost["seconds"]
    if seconds > 2 * 86400:
        time_text = f"{seconds / 86400:.1f} days"
    elif seconds > 5400:
        time_text = f"{seconds / 3600:.1f} h"
    else:
        time_text = f"{seconds / 60:.1f} min"
    gpu = ""
    if "gpu_megabytes" in cost:
        gpu = f" and {cost['gpu_megabytes']:,.0f} MB on each GPU"
    return (
        f"{recipe.iterations:,} iterations of batch {recipe.batch_size} will take about "
        f"{time_text} here, at {cost['images_per_second']:.1f} images/s, and "
        f"{cost['megabytes']:,.0f} MB{gpu}"
    )


class Figure:
    """Draws the run's curve in a process of its own, so that training does not wait for it, and at
    most twice a minute.
    """

    def __init__(self, folder):
        self._command = [sys.executable, "-m", "plots.curves", str(folder.resolve())]
        self._process = None
        self._drawn = -math.inf

    def draw(self):
        if time.monotonic() - self._drawn > 30 and (
            self._process is None or self._process.poll() is not None
        ):
            self._drawn = time.monotonic()
            # in a session of its own, so that Ctrl-C does not stop it half way
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
            )

    def wait(self):
        """Draw a last time, with the last row, and wait for it."""
        if self._process:
            self._process.wait()
        subprocess.run(self._command, cwd=ROOT, check=False)
