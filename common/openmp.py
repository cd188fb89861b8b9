"""MXNet's engine keeps the cores to itself.

A Python thread that hands arrays to MXNet copies them by OpenMP, and gets a team of threads of its
own for that. GNU's OpenMP then counts more threads than cores and lets all of them sleep at each of
the engine's barriers in place of watching it: ResNet-20 loses a tenth of its speed on two cores.
"""

import os
import sys


def copy_alone():
    """Let the calling thread copy without a team, from before its first copy on."""
    if os.environ.get("MXNET_ENGINE_TYPE") != "NaiveEngine":  # whose operators the caller runs
        sys.modules["mxnet"].base._LIB.MXSetNumOMPThreads(1)
