"""The options that the training scripts share. Imports no MXNet, so that --help answers at once."""

import math
import signal
from dataclasses import fields, replace

from common import gpus
from common.command import new_folder, positive
from common.environment import be_deterministic, gains_by_bfloat16, has_bfloat16
from common.errors import UserError

from .interrupt import duration
from .recipe import LARGEST, Recipe


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
        add(f"--{field.name.replace('_', '-')}", default=None, help=help, **option)
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
        help="GPUs to train on, as 0,1 or all (default: the CPU)",
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
    """Return a parser's options. words: the command line's by default.

    SIGUSR1 is ignored until training handles it, because nothing can be saved before. Raises
    UserError for values that no recipe can have, before any data is loaded.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    arguments = parser.parse_args(words)
    Recipe(**_typed(arguments))
    if arguments.gpus and arguments.cpus > 1:
        raise UserError(
            f"--gpus and --cpus {arguments.cpus}: a run trains on GPUs or on the CPU; leave one of "
            "them out"
        )
    if arguments.deterministic:
        be_deterministic()  # before MXNet is imported
    return arguments


def _typed(arguments):
    """Return {field of Recipe: value} of the options that were typed."""
    values = {field.name: getattr(arguments, field.name, None) for field in fields(Recipe)}
    return {name: value for name, value in values.items() if value is not None}


def recipe(arguments, base, images):
    """Return the recipe of a run: the values that were typed, and the base's for all others.

    base: the Recipe of a scale. images: number of training images, which --epochs counts in.
    """
    typed = _typed(arguments)
    epoch = images / typed.get("batch_size", base.batch_size)
    if arguments.epochs is not None:
        if "iterations" in typed:
            raise UserError(
                "--epochs and --iterations (make: EPOCHS=, ITERATIONS=): use one of them"
            )
        if not 0 < arguments.epochs < LARGEST:
            raise UserError(f"--epochs {arguments.epochs:g}: must be above 0 and below {LARGEST:g}")
        typed["iterations"] = max(1, round(arguments.epochs * epoch))
    if arguments.test_every_epoch:
        for name in typed.keys() & {"log_every", "test_every"}:
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"--test-every-epoch and {option}: use one of them")
        typed["log_every"] = typed["test_every"] = math.ceil(epoch)  # full iterations
    iterations = typed.pop("iterations", base.iterations)
    return on_devices(base.lasting(iterations, **typed), arguments)


def on_devices(recipe, arguments):
    """Return the recipe for the devices of this process.

    Raises UserError for a dtype that they do not have, and for a batch that they cannot share.
    """
    check_dtype(recipe.dtype, arguments)
    check_batch(recipe.batch_size, devices(arguments), micro_batch=recipe.micro_batch)
    is_whole = recipe.micro_batch == recipe.batch_size
    return replace(recipe, micro_batch=None) if is_whole else recipe


def check_batch(size, devices, workers=1, micro_batch=None):
    """Raise UserError for a batch that the devices of all workers cannot share equally, or for a
    micro batch that does not divide a worker's part of it, or that its devices cannot share.
    """
    if size % (devices * workers):
        raise UserError(
            f"a batch of {size} does not divide among {workers} workers of {devices} devices: "
            "choose another --batch-size (make: BATCH=)"
        )
    part = size // workers
    whose = "each worker" if workers > 1 else "a batch"
    if micro_batch is not None and (micro_batch < 1 or part % micro_batch or micro_batch % devices):
        raise UserError(
            f"--micro-batch {micro_batch}: it must divide the {part} images of {whose}, and be a "
            f"multiple of the {devices} devices"
        )


def check_dtype(dtype, arguments):
    """Raise UserError for a dtype that the devices do not have."""
    fault = ""
    if dtype == "float16" and not arguments.gpus:
        fault = (
            "MXNet has no float16 convolutions on a CPU: name a GPU with --gpus (make: GPUS=), or"
        )
    elif dtype == "float16" and arguments.kv_store == "dist_sync":
        fault = f"--kv-store {arguments.kv_store} exchanges float32 only:"
    elif dtype == "bfloat16" and arguments.gpus:
        fault = "MXNet supports it on CPUs only: leave out --gpus (make: GPUS=), use float16, or"
    elif dtype == "bfloat16" and not has_bfloat16():
        fault = "this processor has no AVX512-BF16 (the flag avx512_bf16 in /proc/cpuinfo):"
    if fault:
        raise UserError(f"--dtype {dtype}: {fault} use --dtype float32")


def resolved_dtype(dtype, arguments, recorded=None):
    """Return the dtype in which a run computes: float32, float16 or bfloat16.

    recorded: the dtype of the run that is resumed. `fast` keeps it if the devices have it; without
    it, `fast` is bfloat16 where that is faster.
    """
    if dtype != "fast":
        return dtype
    fast = recorded or ("bfloat16" if gains_by_bfloat16() else "float32")
    is_available = has_bfloat16() and not arguments.gpus
    return "bfloat16" if fast == "bfloat16" and is_available else "float32"


def testing_dtype(dtype):
    """Return the type in which a network that was trained in `dtype` is tested on this machine."""
    return dtype if dtype == "bfloat16" and has_bfloat16() else "float32"


def devices(arguments):
    """Return the number of devices that share a batch in this process."""
    return len(arguments.gpus) or arguments.cpus


def contexts(arguments):
    """Return the MXNet contexts. Raises UserError for a GPU that does not exist."""
    import mxnet as mx

    if not arguments.gpus:
        return [mx.cpu(k) for k in range(arguments.cpus)]
    count = mx.context.num_gpus()
    if not set(arguments.gpus) <= set(range(count)):
        raise UserError(
            f"no GPU {max(arguments.gpus)}: MXNet {mx.__version__} can use {count} GPUs; leave out "
            "--gpus (make: GPUS=) to train on the CPU, or see docs/INSTALL.md for MXNet with CUDA"
        )
    return [mx.gpu(gpu) for gpu in arguments.gpus]


def gpu_numbers(text):
    """Convert '0,1' to [0, 1], 'all' to the GPUs that MXNet can use, '' to []."""
    if text == "all":
        capabilities = enumerate(gpus.capabilities())
        numbers = [number for number, capability in capabilities if gpus.fits(capability)]
        if not numbers:
            raise UserError(
                "--gpus all: the driver shows no GPU that MXNet has code for; leave out --gpus "
                "(make: GPUS=) to train on the CPU, or run make doctor"
            )
        return numbers
    numbers = text.split(",") if text else []
    if not all(map(str.isdecimal, numbers)) or len(set(numbers)) < len(numbers):
        raise UserError(f"--gpus {text}: name each GPU once, as 0,1, or all")
    return list(map(int, numbers))
