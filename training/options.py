"""What the command lines of train_cifar.py and train_imagenet.py have in common. Needs no MXNet, so it answers at once.

P1 is 1512.03385, P2 is 1603.05027. Where both are silent, docs/DEVIATIONS.md says what was chosen and why.
"""
import math
from pathlib import Path

from common import gpus
from common.environment import has_bfloat16
from common.errors import UserError

from . import interrupt


def of_recipe(add):
    add("--dtype", choices=("float32", "float16", "bfloat16", "fast"), default="float32",
        help="inside the network; the optimizer keeps the weights in float32. float16: on GPUs; bfloat16: on CPUs with "
        "AVX512-BF16; fast: bfloat16 where that can be, else float32 (float32)")
    add("--micro-batch", type=int, help="pass a batch through in parts of so many images, each with its own BN, to save memory")
    add("--learning-rate", type=float, default=0.1, help="after the warm-up (0.1: P2 appendix)")
    add("--warmup-learning-rate", type=float, default=0.01, help="(0.01: P2 appendix)")
    add("--momentum", type=float, default=0.9, help="(0.9: P2 appendix)")
    add("--nesterov", action="store_true", help="Nesterov's momentum (the authors' Torch code; the papers do not)")
    add("--weight-decay", type=float, default=1e-4, help="(0.0001: P2 appendix)")
    add("--decay", choices=("weights", "all"), default="weights", help="what is decayed: weights, or BN and biases too")
    add("--init-fan", choices=("in", "out"), default="in", help="He's initialisation by fan-in (Caffe) or fan-out (Torch)")
    add("--seed", type=int, default=0, help="of initial weights, order, crops, flips and dropout (0)")


def of_run(add):
    add("--gpus", help="train on these GPUs, as 0,1 or all; without it on the CPU")
    add("--cpus", type=int, default=1, help="CPU contexts: the path of several devices, for trying (1)")
    add("--kv-store", default="local", choices=("local", "device", "dist_sync", "dist_async"),
        help="where gradients of several devices or machines meet; dist_*: see training/cluster.py (local)")
    add("--log-every", type=int, help="iterations between two rows of the log (100: P2 Figures 1, 3, 6)")
    add("--test-every", type=int, help="iterations between two test errors (2000: P2 Figures 1, 3, 6)")
    add("--time-limit", help="stop in time, with a checkpoint and exit code 75, as 3h, 90m, 45s; the same command goes on")
    add("--keep-going", action="store_true", help="train on when the loss is no number any more (that ends the run)")
    add("--deterministic", action="store_true", help="GPUs repeat bit for bit, and are slower (CPUs do so anyway)")
    add("--cost", action="store_true", help="measure a few iterations, say in JSON what the run will take here, and train nothing")
    add("--scale", default="full", help="folder of results/ (full)")
    add("--output", type=Path, help="folder of the run (results/<scale>/<name>/seed<k>)")


def complete(arguments, paper, steps, warmup, test_every):
    """Fill in what follows from other options, and refuse what cannot be.

    steps, warmup, test_every: iterations, of the `paper` iterations that the paper's recipe has in all.
    """
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
    arguments.gpus = gpu_numbers(arguments.gpus)
    if arguments.dtype == "float16" and not arguments.gpus:
        raise UserError("--dtype float16: MXNet's convolutions have no float16 on a CPU; name a GPU by --gpus (make: GPUS=), or "
                        "leave out --dtype")
    if arguments.dtype == "float16" and arguments.kv_store.startswith("dist"):
        raise UserError(f"--dtype float16: --kv-store {arguments.kv_store} exchanges float32 only; leave one of the two out")
    if arguments.dtype == "fast":
        arguments.dtype = "bfloat16" if has_bfloat16() and not arguments.gpus else "float32"
    if arguments.dtype == "bfloat16" and arguments.gpus:
        raise UserError("--dtype bfloat16: MXNet has it on CPUs alone; leave out --gpus (make: GPUS=), or take --dtype float16")
    if arguments.dtype == "bfloat16" and not has_bfloat16():
        raise UserError("--dtype bfloat16: this processor has no AVX512-BF16 (the flag avx512_bf16 in /proc/cpuinfo); take "
                        "--dtype float32")
    arguments.dtype = None if arguments.dtype == "float32" else arguments.dtype  # as in a config.json from before this option
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


def gpu_numbers(text):
    """'0,1' -> [0, 1]; 'all': those that MXNet can use; '': []"""
    if text == "all":
        numbers = [number for number, each in enumerate(gpus.capabilities()) if gpus.fits(each)]
        if not numbers:
            raise UserError("--gpus all: the driver shows no GPU that MXNet has code for; leave out --gpus (make: GPUS=) to train "
                            "on the CPU, or see make doctor")
        return numbers
    try:
        numbers = [int(gpu) for gpu in text.split(",")] if text else []
    except ValueError:
        raise UserError(f"--gpus {text}: write numbers with commas between them, as 0,1, or all") from None
    if len(set(numbers)) < len(numbers):
        raise UserError(f"--gpus {text}: each GPU once")
    return numbers
