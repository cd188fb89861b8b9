"""The devices that a command names: GPUs or CPU contexts, the type that they compute in, and their
shares of a batch. Only contexts() imports MXNet, so that --help is fast.
"""

import common.gpus
from common.environment import gains_by_bfloat16, has_bfloat16
from common.errors import UserError


def check_batch(size, devices, workers=1, micro_batch=None):
    """Raise UserError for a batch that the devices of all workers cannot share equally, or for a
    micro batch that does not divide a worker's part of it, or that its devices cannot share.
    """
    if size % (devices * workers):
        raise UserError(
            f"a batch of {size} images cannot be divided equally (workers: {workers}, devices of "
            f"each: {devices}): choose another --batch-size (make: BATCH=)"
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

    recorded: the dtype of the run that is resumed. `fast` keeps bfloat16 if the devices have it;
    without a recorded dtype, `fast` is bfloat16 where that is faster.
    """
    if dtype != "fast":
        return dtype
    fast = recorded or ("bfloat16" if gains_by_bfloat16() else "float32")
    is_available = has_bfloat16() and not arguments.gpus
    return "bfloat16" if fast == "bfloat16" and is_available else "float32"


def testing_dtype(dtype, arguments):
    """Return the type in which a network that was trained in `dtype` is tested on these devices."""
    return resolved_dtype("fast", arguments, recorded=dtype or "float32")


def count(arguments):
    """Return the number of devices that share a batch in this process."""
    return len(arguments.gpus) or arguments.cpus


def context(arguments):
    """Return the MXNet context of work that one device does. Raises UserError for several GPUs."""
    if len(arguments.gpus) > 1:
        raise UserError("--gpus: this uses one GPU: name one (make: GPUS=0)")
    return contexts(arguments)[0]


def contexts(arguments):
    """Return the MXNet contexts. Raises UserError for a GPU that does not exist."""
    import mxnet as mx

    if not arguments.gpus:
        return [mx.cpu(k) for k in range(arguments.cpus)]
    gpus = mx.context.num_gpus()
    if not set(arguments.gpus) <= set(range(gpus)):
        raise UserError(
            f"no GPU {max(arguments.gpus)}: MXNet {mx.__version__} can use {gpus} GPUs; leave out "
            "--gpus (make: GPUS=) to train on the CPU, or see docs/INSTALL.md for MXNet with CUDA"
        )
    return [mx.gpu(gpu) for gpu in arguments.gpus]


def gpu_numbers(text):
    """Convert '0,1' to [0, 1], 'all' to the GPUs that MXNet can use, '' to []."""
    if text == "all":
        capabilities = enumerate(common.gpus.capabilities())
        numbers = [number for number, capability in capabilities if common.gpus.fits(capability)]
        if not numbers:
            raise UserError(
                "--gpus all: the driver shows no GPU that MXNet has code for; leave out --gpus "
                "(make: GPUS=) to train on the CPU, or run make doctor"
            )
        return numbers
    numbers = text.split(",") if text else []
    if not all(map(str.isdecimal, numbers)) or len(set(numbers)) < len(numbers):
        raise UserError(f"--gpus {text}: name each GPU once, e.g. 0,1, or all")
    return list(map(int, numbers))
