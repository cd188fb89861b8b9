"""Run a training job: train it, resume it, extend it, or report that it is complete."""

import math
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Callable

from common import files
from common.environment import GIVEN, threads
from common.errors import UserError
from common.screen import survive

from . import checkpoint, export, interrupt, weights
from .configuration import configuration
from .cost import print_cost
from .devices import check_batch, check_dtype, contexts, resolved_dtype
from .estimate import memory_plan
from .evaluate import batch_size
from .figure import Figure
from .initial import frozen_names, read_initial
from .log import read_log
from .loop import Training, train
from .recipe import DTYPES, Recipe
from .run import Run, recorded_dtype
from .workers import Follower, Workers


@dataclass(frozen=True)
class Job:
    """What a script trains.

    name        name of the run, and of its folder
    recipe      the Recipe, resolved for the data set and this machine; its dtype can be fast
    symbol      the network, for the classes of the data set
    network     {option: value} of the network, for config.json
    parameters  {group: number of parameters}, for config.json
    dataset     the data set, with name, fingerprint, class_names, train_images and test_images
    feed        ((k, n), size) -> (training batches, test iterator) of the k-th of n workers; size:
                images in a batch of a test
    exported    () -> (float32 symbol, content of inputs.json)
    figure      figure(folder) has draw(), called after each test, and finish(), at the end
    announce    called before the first iteration of a new run
    """

    name: str
    recipe: Recipe
    symbol: Any
    network: dict
    parameters: dict
    dataset: Any
    feed: Callable
    exported: Callable
    figure: Callable = Figure
    announce: Callable = None


def run_job(job, arguments):
    """Train a job, resume it, extend it, or report that it is complete. Returns the exit code.

    arguments: the options of options.add_run_options. With --cost the job is only measured.
    """
    survive("stdout")  # a closed terminal must not end a training
    image_count = len(job.dataset.train_images)
    if job.recipe.batch_size > image_count:
        raise UserError(
            f"a batch of {job.recipe.batch_size} is more than the {image_count} training images: "
            "choose a smaller --batch-size (make: BATCH=)"
        )
    folder = arguments.output or files.run_folder(arguments.scale, job.name, job.recipe.seed)
    dtype = resolved_dtype(job.recipe.dtype, arguments, recorded_dtype(folder))
    job = _with_dtype(job, dtype)
    check_dtype(dtype, arguments)
    devices = contexts(arguments)
    workers = Workers("local" if arguments.cost else arguments.kv_store)
    recipe = job.recipe
    check_batch(recipe.batch_size, len(devices), workers.count, recipe.micro_batch)
    size = batch_size(recipe, len(devices), len(job.dataset.test_images))
    feed = job.feed((workers.rank, workers.count), size)
    if arguments.cost:
        return print_cost(job, feed, devices, arguments)
    if workers.rank:
        return _follow(job, feed, devices, workers, arguments)
    return _lead(job, folder, feed, devices, workers, arguments)


def _lead(job, folder, feed, devices, workers, arguments):
    """Train as the only worker, or as worker 0, which writes the run folder. Returns the exit code."""
    with ExitStack() as stack:
        try:
            initial = _initial_weights(job, folder)
            recompute, needed, notes = memory_plan(job, arguments, workers.count)
            config = configuration(job, arguments, workers.count, initial, recompute)
            run = stack.enter_context(Run(folder, config, arguments.keep_going))
            lengths = (getattr(arguments, name, None) for name in ("iterations", "epochs"))
            arrays, state = run.resume(any(length is not None for length in lengths))
            was_finished = run.finished
        except Exception:
            workers.from_worker_0("finished", 1)  # the other workers end, too
            raise
        workers.from_worker_0("finished", int(was_finished))
        figure = job.figure(folder)
        if not was_finished:
            workers.from_worker_0("recompute", int(recompute))
            workers.from_worker_0("dtype", DTYPES.index(job.recipe.dtype))  # exchanged as numbers
            where = os.path.relpath(folder)
            _introduce(job, needed, notes, where)
            if initial:
                print(initial.words)
            if state is None and job.announce:
                job.announce()
            saved = arrays, state
            training = Training(
                job, run, saved, feed, devices, workers, initial, recompute, figure.draw
            )
            code = train(training, interrupt.BEGAN + arguments.time_limit)
            if code:
                why = "time limit reached" if code == interrupt.OUT_OF_TIME else "stopped"
                print(f"{why}; re-run the command to resume from {where}")
                return code
        # also for a run that was already finished: its last process may have been stopped here,
        # before the export
        if checkpoint.paths(folder):
            _export(job, folder)
            figure.finish()  # last, so that a failure here cannot prevent the export
        _report(job, run)
    return 0


def _with_dtype(job, dtype):
    """Return a job that computes in a dtype."""
    return replace(job, recipe=replace(job.recipe, dtype=dtype))


def _follow(job, feed, devices, workers, arguments):
    """Train as a worker that does not write the run folder."""
    if workers.from_worker_0("finished", 0):
        return 0
    recompute = bool(workers.from_worker_0("recompute", 0))
    # worker 0 alone knows in which dtype the run began
    job = _with_dtype(job, DTYPES[workers.from_worker_0("dtype", 0)])
    check_dtype(job.recipe.dtype, arguments)
    run = Follower(arguments.keep_going)
    return train(Training(job, run, (None, None), feed, devices, workers, recompute=recompute))


def _introduce(job, needed, notes, where):
    """Print what is trained, and notes on standard error."""
    _, warning = threads(GIVEN.get("OMP_NUM_THREADS"))
    if warning:
        print(f"warning: {warning}", file=sys.stderr)
    for note in notes:
        print(note, file=sys.stderr)
    count = sum(job.parameters.values())
    print(f"{job.name}: {count:,} parameters, {needed}, {job.dataset.name}, in {where}")


def _initial_weights(job, folder):
    """Return the training.initial.Initial of --initial; None without it, and for a run that is
    resumed, which does not need the weights.

    Raises UserError for a network without the classifier fc, and for weights or --freeze that do not
    fit, before the folder is created.
    """
    if "fc_bias" not in job.symbol.list_arguments():
        raise UserError(
            "the network has no classifier called fc: name its last FullyConnected layer fc "
            "(docs/VARIANTS.md)"
        )
    frozen_names(job.symbol, job.recipe.freeze)
    if job.recipe.initial is None or checkpoint.paths(folder):
        return None
    return read_initial(job.recipe, job.symbol, job.dataset.class_names)


def _export(job, folder):
    """Write a finished run's network in MXNet's own files, unless it diverged."""
    trained = weights.read(folder)
    if math.isfinite(sum(array.sum().asscalar() for array in trained.arguments.values())):
        symbol, inputs = job.exported()
        export.write(folder, symbol, trained.arguments, trained.states, inputs)


def _report(job, run):
    """Print the result of a finished run."""
    where = os.path.relpath(run.folder)
    last = read_log(run.folder)[-1]
    result = "finished" if math.isfinite(last["train_loss"]) else "finished, diverged"
    left = f"log and checkpoint in {where}"
    if not checkpoint.paths(run.folder):
        left = f"no checkpoint is left in {where}: OUTPUT=folder trains another run"
    print(
        f"{result}: test error {last['test_error']:.2f} % on {len(job.dataset.test_images):,} "
        f"images of {job.dataset.name} after {last['iteration']:,.0f} iterations; {left}"
    )
