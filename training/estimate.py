"""The memory that a run needs, estimated before it starts."""

import math

from . import bfloat16, devices, memory
from .recomputation import recomputed_bytes

# Memory that is not estimated: parameters and their copies, working memory of operators (together
# at most 0.16 GB in the measured networks), and the process that draws the curves (0.08 GB).
OTHER_BYTES = 2.5e8


def memory_plan(job, arguments, workers=1):
    """Return (whether to compute activations twice, 'about 2.4 GB', notes to print).

    Activations are computed twice with --recompute, or if the free memory is too small. On a CPU
    the size includes the memory that this process already uses: Python, MXNet and the data set.
    workers: their number.
    """
    recipe = job.recipe
    symbol = bfloat16.bound(job.symbol, recipe.dtype)
    part = (recipe.micro_batch or recipe.batch_size // workers) // devices.count(arguments)
    # contexts on a CPU share one memory
    image_count = part if arguments.gpus else part * devices.count(arguments)
    held, free = (0, math.inf) if arguments.gpus else (memory.held_bytes(), memory.free_bytes())
    notes = []
    kept = planned_bytes(symbol, recipe.image_size, image_count, recompute=False)
    recompute = arguments.recompute or kept > free
    need = kept
    if recompute:
        need = planned_bytes(symbol, recipe.image_size, image_count, recompute=True)
        if not arguments.recompute:
            notes.append(
                f"the run needs {_gigabytes(held + kept)} of memory, {_gigabytes(held + free)} are "
                "available: activations are computed twice, which takes more time (--recompute)"
            )
    if need > free:
        notes.append(
            f"warning: the run needs about {_gigabytes(held + need)} of memory, "
            f"{_gigabytes(held + free)} are available: --micro-batch processes a batch in parts"
        )
    where = " on each GPU" if arguments.gpus else ""
    return recompute, f"about {_gigabytes(held + need)}{where}", notes


def planned_bytes(symbol, image_size, image_count, recompute):
    """Return the bytes that training adds to this process. image_count: images in a step."""
    bytes_of = recomputed_bytes if recompute else memory.training_bytes
    return OTHER_BYTES + image_count * bytes_of(symbol, image_size)


def _gigabytes(count):
    return f"{count / 1e9:.1f} GB"
