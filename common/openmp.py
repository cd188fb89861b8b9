"""Reserve the cores for MXNet's engine.

A Python thread that creates NDArrays copies them with OpenMP and gets its own team of threads.
GNU's OpenMP then counts more threads than cores and lets all of them sleep at the engine's barriers
instead of spinning: ResNet-20 loses a tenth of its speed on two cores.
"""

import os

import mxnet as mx


def copy_alone():
    """Let the calling thread copy without a team; call it before the thread's first copy."""
    if os.environ.get("MXNET_ENGINE_TYPE") != "NaiveEngine":  # this engine computes in the caller
        mx.base._LIB.MXSetNumOMPThreads(1)


copy_alone()  # for the thread that imports this, usually the main thread
