"""The options that the training scripts share. Does not import MXNet, so that --help is fast."""

import math
import os
import signal
from dataclasses import fields

from common.command import new_folder, option_name, positive
from common.environment import be_deterministic, shared_threads
from common.errors import UserError

from .devices import gpu_numbers
from .interrupt import duration
from .recipe import INTERVALS, LARGEST, Recipe


def add_recipe_options(add, recipe, group, **choices):
    """Add an option for each field of Recipe in a group.

    add: add_argument of a parser or of a group of one. recipe: the defaults that the help shows.
    choices: {field: allowed values}, where scripts differ.
    """
    for field in fields(Recipe):
        if field.metadata["group"] != group:
            continue
        value = getattr(recipe, field.name)
        option = dict(field.metadata["option"])
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        help = f"{field.metadata['meaning']} (default: {value}; {field.metadata['source']})"
        if field.type is bool:
            option["action"] = "store_true"
        else:
            option = {"type": field.type, **option}
        if field.name in choices:
            option["choices"] = choices[field.name]
        add(option_name(field.name), default=None, help=help, **option)
    if group == "recipe":
        add("--epochs", type=float, help="passes over the training set; replaces --iterations")
        add(
            "--test-every-epoch",
            action="store_true",
            help="a row and a test after each epoch; replaces --log-every and --test-every",
        )


def add_run_options(add, scales):
    """Add the options that say where and how a run trains. scales: the names of the scales."""
    add(
        "--gpus",
        type=gpu_numbers,
        default=[],
        help="GPUs to train on, e.g. 0,1 or all (default: the CPU)",
    )
    add("--cpus", type=positive, default=1, help="CPU contexts, to try several devices (1)")
    add(
        "--kv-store",
        default="local",
        choices=("local", "device", "dist_sync"),
        help="where gradients of several devices or machines are added; dist_sync: see "
        "training/cluster.py (local)",
    )
    add(
        "--time-limit",
        type=duration,
        default=math.inf,
        help="stop within this time (3h, 90m, 45s) with a checkpoint and exit code 75",
    )
    add("--keep-going", action="store_true", help="continue after the loss becomes NaN or infinite")
    add("--deterministic", action="store_true", help="repeat bit for bit on GPUs (CPUs always do)")
    add(
        "--recompute",
        action="store_true",
        help="compute activations again in the backward pass: a fraction of the memory, 0.7 of the "
        "speed (automatic where a CPU has too little memory)",
    )
    cost = {"dest": "cost", "action": "store_const"}
    add("--cost", const="words", **cost, help="only measure the time and memory of the run")
    add("--cost-json", const="json", **cost, help="as --cost, in JSON")
    add("--scale", default="full", choices=scales, help="a set of defaults (full: the papers')")
    add("--output", type=new_folder, help="run folder (runs/<scale>/<name>/seed<k>)")


def read(parser, words=None):
    """Read the command line, and prepare this process for it. Returns the options.

    words: the command line's by default. Call it before MXNet is imported: it sets OMP_NUM_THREADS
    for --cpus, and MXNet's variables for --deterministic. SIGUSR1 is ignored until training handles
    it, because nothing can be saved before. Raises UserError for values that no recipe can have.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    arguments = parser.parse_args(words)
    Recipe(**_typed(arguments))
    if arguments.gpus and arguments.cpus > 1:
        raise UserError(
            f"--gpus and --cpus {arguments.cpus}: a run trains on GPUs or on the CPU; leave one of "
            "them out"
        )
    if arguments.cpus > 1:  # CPU contexts compute at the same time
        os.environ["OMP_NUM_THREADS"] = shared_threads(arguments.cpus)
    if arguments.deterministic:
        be_deterministic()
    return arguments


def _typed(arguments):
    """Return {field of Recipe: value} of the options that were typed."""
    values = {field.name: getattr(arguments, field.name, None) for field in fields(Recipe)}
    return {name: value for name, value in values.items() if value is not None}


def recipe(arguments, base, image_count):
    """Return the recipe of a run: the values that were typed, and the base's for all others.

    base: the Recipe of a scale. image_count: number of training images, which --epochs counts in.
    """
    typed = _typed(arguments)
    epoch = image_count / typed.get("batch_size", base.batch_size)
    if arguments.epochs is not None:
        if "iterations" in typed:
            raise UserError(
                "--epochs and --iterations (make: EPOCHS=, ITERATIONS=): use one of them"
            )
        if not 0 < arguments.epochs < LARGEST:
            raise UserError(f"--epochs {arguments.epochs:g}: must be above 0 and below {LARGEST:g}")
        typed["iterations"] = max(1, round(arguments.epochs * epoch))
    if arguments.test_every_epoch:
        replaced = sorted(typed.keys() & set(INTERVALS))
        if replaced:
            option = option_name(replaced[0])
            raise UserError(f"--test-every-epoch and {option}: use one of them")
        typed.update(dict.fromkeys(INTERVALS, math.ceil(epoch)))  # full iterations
    if "learning_rate" in typed:  # a warm-up at a higher rate would harm trained weights
        lower = min(base.warmup_learning_rate, typed["learning_rate"])
        typed.setdefault("warmup_learning_rate", lower)
    iterations = typed.pop("iterations", base.iterations)
    resolved = base.lasting(iterations, **typed)
    if arguments.warmup_learning_rate is not None and not resolved.warmup_iterations:
        raise UserError(
            f"--warmup-learning-rate {arguments.warmup_learning_rate}: this recipe has no warm-up; "
            "leave it out, or set --warmup-iterations"
        )
    return resolved
