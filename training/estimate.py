"""The memory that a run needs, estimated before it starts."""

import math

from . import bfloat16, memory
from .options import devices
from .recomputation import recomputed_bytes

PROCESS_BYTES = 3e8  # Python, MXNet and CIFAR, before the network is bound


def memory_plan(job, arguments, workers):
    """Return (whether to compute activations twice, 'about 2.4 GB', notes to print).

    They are computed twice if --recompute requires it or the free memory requires it.
    """
    recipe = job.recipe
    symbol = bfloat16.bound(job.symbol, recipe.dtype)
    part = (recipe.micro_batch or recipe.batch_size // workers.count) // devices(arguments)
    images = part if arguments.gpus else part * devices(arguments)  # that share one memory
    free = math.inf if arguments.gpus else memory.free_bytes()
    notes = []
    kept = PROCESS_BYTES + images * memory.training_bytes(symbol, recipe.image_size)
    recompute = arguments.recompute or kept > free
    need = kept
    if recompute:
        need = PROCESS_BYTES + images * recomputed_bytes(symbol, recipe.image_size)
        if not arguments.recompute:
            notes.append(
                f"the run needs {kept / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free: "
                "activations are computed twice, which takes more time (--recompute)"
            )
    if need > free:
        notes.append(
            f"warning: the run needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are "
            "free: --micro-batch processes a batch in parts"
        )
    return recompute, f"about {need / 1e9:.1f} GB{' on each GPU' if arguments.gpus else ''}", notes
