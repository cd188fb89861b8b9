"""What the command lines of the training scripts have in common.

Needs no MXNet, so it answers at once.
"""

import math
from dataclasses import fields, replace

from common import gpus
from common.command import new_folder
from common.environment import be_deterministic, gains_by_bfloat16, has_bfloat16
from common.errors import UserError

from .interrupt import duration
from .recipe import Recipe

# A user's options become values of their last type while argparse reads them: nothing changes its
# type later.


def of_recipe(add, recipe, group, **choices):
    """Add the options of a group of the recipe's fields; recipe: whose values the help shows."""
    for field in fields(Recipe):
        if field.metadata["group"] != group:
            continue
        value = getattr(recipe, field.name)
        option = dict(field.metadata["option"])
        if isinstance(value, bool):
            option["action"] = "store_true"
        if field.name == "steps":
            option["type"] = iterations
            value = ",".join(map(str, value))
        if field.name in choices:
            option["choices"] = choices[field.name]
        add(
            f"--{field.name.replace('_', '-')}",
            default=None,
            **option,
            help=f"{field.metadata['meaning']} ({value}: {field.metadata['source']})",
        )
    if group == "recipe":
        add(
            "--epochs",
            type=float,
            help="the same as --iterations, counted in passes over the training set",
        )
        add(
            "--test-every-epoch",
            action="store_true",
            help="a row of the log, with a test, after each pass over the training set, in place "
            "of --log-every and --test-every",
        )


def of_run(add, scales):
    add(
        "--gpus",
        type=gpu_numbers,
        default=[],
        help="train on these GPUs, as 0,1 or all; without it on the CPU",
    )
    add(
        "--cpus",
        type=int,
        default=1,
        help="CPU contexts: the path of several devices, for trying (1)",
    )
    add(
        "--kv-store",
        default="local",
        choices=("local", "device", "dist_sync", "dist_async"),
        help="where gradients of several devices or machines meet; dist_*: see training/cluster.py "
        "(local)",
    )
    add(
        "--time-limit",
        type=duration,
        default=math.inf,
        help="stop in time, with a checkpoint and exit code 75, as 3h, 90m, 45s; the same command goes "
        "on",
    )
    add(
        "--keep-going",
        action="store_true",
        help="train on when the loss is no number any more (that ends the run)",
    )
    add(
        "--deterministic",
        action="store_true",
        help="GPUs repeat bit for bit, and are slower (CPUs do so anyway)",
    )
    add(
        "--recompute",
        action="store_true",
        help="compute what backward needs a second time instead of keeping it: a fraction of the "
        "memory, at 0.7 of the speed (by itself where a CPU has too little)",
    )
    add(
        "--cost",
        action="store_const",
        const="words",
        help="measure a few iterations, say what the run will take here, and train nothing",
    )
    add(
        "--cost-json",
        dest="cost",
        action="store_const",
        const="json",
        help="the same, for programs",
    )
    add("--scale", default="full", help=f"whose recipe: {', '.join(scales)} (full: the papers')")
    add("--output", type=new_folder, help="folder of the run (runs/<scale>/<name>/seed<k>)")


def read(made, words=None):
    """What was typed, by a parser; words are the command line's by default."""
    arguments = made.parse_args(words)
    if arguments.cpus < 1:
        raise UserError(f"--cpus {arguments.cpus}: at least 1")
    if arguments.deterministic:
        be_deterministic()  # before MXNet begins
    return arguments


def recipe(arguments, base, images):
    """The recipe of a run: the base's, but for what was typed.

    base: a scale's recipe. images: of the training set.
    """
    given = {field.name: getattr(arguments, field.name) for field in fields(Recipe)}
    given = {name: value for name, value in given.items() if value is not None}
    iterations = given.pop("iterations", base.iterations)
    if arguments.epochs is not None:
        iterations = _iterations_of(arguments, images, given.get("batch_size", base.batch_size))
    if arguments.test_every_epoch:
        given.update(_rows_by_epoch(given, images, given.get("batch_size", base.batch_size)))
    made = base.lasting(iterations, **given)
    made = replace(made, dtype=type_asked(made.dtype, arguments))
    count = devices(arguments)
    check_batch(made.batch_size, count)
    part = made.batch_size if made.micro_batch is None else made.micro_batch
    if part < 1 or made.batch_size % part or part % count:
        raise UserError(
            f"--micro-batch {part}: it must divide the batch of {made.batch_size}, and divide "
            "itself over "
            f"{count} devices"
        )
    return replace(made, micro_batch=part if part < made.batch_size else None)


def check_batch(size, devices, workers=1):
    """Refuse a batch that the devices of all workers cannot share."""
    if size % (devices * workers):
        places = f"{devices} devices" if workers == 1 else f"{workers} workers of {devices} devices"
        raise UserError(
            f"a batch of {size} does not divide over {places}: choose another "
            "--batch-size (make: BATCH=)"
        )


def _iterations_of(arguments, images, batch_size):
    if arguments.iterations is not None:
        raise UserError(
            "--epochs and --iterations say the same: leave one of them out (make: EPOCHS=, "
            "ITERATIONS=)"
        )
    if not 0 < arguments.epochs < math.inf:
        raise UserError(f"--epochs {arguments.epochs:g}: a number above 0")
    return max(1, round(arguments.epochs * images / max(batch_size, 1)))


def _rows_by_epoch(given, images, batch_size):
    """{field: value} by which each epoch, in whole iterations, ends with a row and a test."""
    for name in given.keys() & {"log_every", "test_every"}:
        raise UserError(f"--test-every-epoch and --{name.replace('_', '-')}: leave one of them out")
    epoch = math.ceil(images / max(batch_size, 1))
    return {"log_every": epoch, "test_every": epoch}


def type_asked(dtype, arguments):
    """float32, float16 or bfloat16: what 'fast' is here.

    Raises UserError for what cannot be here.
    """
    if dtype == "fast":
        return "bfloat16" if gains_by_bfloat16() and not arguments.gpus else "float32"
    if dtype == "float16" and not arguments.gpus:
        raise UserError(
            "--dtype float16: MXNet's convolutions have no float16 on a CPU; name a GPU by --gpus "
            "(make: GPUS=), or "
            "leave out --dtype"
        )
    if dtype == "float16" and arguments.kv_store.startswith("dist"):
        raise UserError(
            f"--dtype float16: --kv-store {arguments.kv_store} exchanges float32 only; leave one "
            "of the two out"
        )
    if dtype == "bfloat16" and arguments.gpus:
        raise UserError(
            "--dtype bfloat16: MXNet has it on CPUs alone; leave out --gpus (make: GPUS=), or take "
            "--dtype float16"
        )
    if dtype == "bfloat16" and not has_bfloat16():
        raise UserError(
            "--dtype bfloat16: this processor has no AVX512-BF16 (the flag avx512_bf16 in "
            "/proc/cpuinfo); take "
            "--dtype float32"
        )
    return dtype


def type_here(dtype):
    """What a network that was trained in a type is tested in on this machine."""
    return dtype if dtype == "bfloat16" and has_bfloat16() else "float32"


def devices(arguments):
    """How many devices a batch is divided over in this process."""
    return len(arguments.gpus) or arguments.cpus


def gpu_numbers(text):
    """'0,1' -> [0, 1]; 'all': those that MXNet can use; '': []"""
    if text == "all":
        numbers = [number for number, each in enumerate(gpus.capabilities()) if gpus.fits(each)]
        if not numbers:
            raise UserError(
                "--gpus all: the driver shows no GPU that MXNet has code for; leave out --gpus "
                "(make: GPUS=) to train "
                "on the CPU, or see make doctor"
            )
        return numbers
    try:
        numbers = [int(gpu) for gpu in text.split(",")] if text else []
    except ValueError:
        raise UserError(
            f"--gpus {text}: write numbers with commas between them, as 0,1, or all"
        ) from None
    if len(set(numbers)) < len(numbers):
        raise UserError(f"--gpus {text}: each GPU once")
    return numbers


def iterations(text):
    """'32000,48000' -> (32000, 48000)"""
    try:
        return tuple(int(step) for step in text.split(",")) if text else ()
    except ValueError:
        raise UserError(
            f"--steps {text}: write iterations with commas between them, as 32000,48000"
        ) from None
