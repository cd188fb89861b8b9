"""The machine, and the environment variables that MXNet reads when it is imported."""

import contextlib
import ctypes
import os
import re
import signal
import sys
from pathlib import Path

from . import cgroups, compat

# The user's environment variables, without MXNet's settings: for child processes.
GIVEN = dict(os.environ)
CPUINFO = Path("/proc/cpuinfo")
PR_SET_PDEATHSIG = 1  # of Linux's prctl
VECTORS = ("avx512_bf16", "avx512_vnni", "avx512bw", "avx2", "avx", "sse4_1")  # oneDNN's order


def physical_cores():
    """Return the number of cores that this process may use; two hyper-threads of a core count once.

    A quota of processor time, set by a container or a batch system, reduces the number.
    """
    allowed = os.sched_getaffinity(0)
    cores = set()
    for block in CPUINFO.read_text().strip().split("\n\n"):
        facts = _facts(block)
        if "processor" in facts and int(facts["processor"]) in allowed:
            cores.add((facts.get("physical id"), facts.get("core id", facts["processor"])))
    return max(1, int(min(len(cores), cgroups.cores())))


def threads(text):
    """Return (threads for MXNet, warning or '') for a value of OMP_NUM_THREADS, or None.

    OpenMP accepts a list such as 4,2; MXNet fails on a list or a word.
    """
    cores = physical_cores()
    if text is None:
        return cores, ""
    number = re.fullmatch(r"\s*([1-9]\d{0,5})\s*(,.*)?", text)
    if not number:
        return cores, f"OMP_NUM_THREADS={text} is not a number of threads: using {cores}"
    count = int(number.group(1))
    if count <= 2 * cores:
        return count, ""
    return count, (
        f"OMP_NUM_THREADS={text} on {cores} cores is many times slower than {cores}: leave it unset"
    )


def shared_threads(processes):
    """Return OMP_NUM_THREADS for each of several processes on this machine: an equal share of the
    cores, or the user's value if it is smaller; for one process, the user's value.
    """
    count, _ = threads(GIVEN.get("OMP_NUM_THREADS"))
    return str(count if processes == 1 else max(1, min(count, physical_cores() // processes)))


def has_bfloat16():
    """Return whether the processor multiplies in bfloat16; otherwise MXNet emulates it."""
    return "avx512_bf16" in _processor().get("flags", "").split()


def gains_by_bfloat16():
    """Return whether bfloat16 is faster than float32 here: true of AMD's processors, but not of
    Intel's with the instructions that MXNet uses (docs/SPEED.md, bfloat16).
    """
    return has_bfloat16() and _processor().get("vendor_id") == "AuthenticAMD"


def processor():
    """Return 'AMD EPYC 7R13, avx2': the model and the widest vectors that MXNet can use.

    Another kind of processor sums in another order, so the last digits of results differ.
    """
    facts = _processor()
    widest = [flag for flag in VECTORS if flag in facts.get("flags", "").split()][:1]
    return ", ".join([facts.get("model name", "unknown CPU"), *widest])


def _processor():
    """Return {name: value} of the first processor, from /proc/cpuinfo."""
    return _facts(CPUINFO.read_text().split("\n\n")[0])


def _facts(block):
    return dict(re.findall(r"^(.*?)\s*:\s*(.*)$", block, re.MULTILINE))


def prepare_mxnet():
    """Set MXNet's environment. Call it before MXNet is imported.

    OMP_NUM_THREADS: all cores by default; MXNet's own default is half of them, at half the speed.
    MXNET_SUBGRAPH_BACKEND=NONE, always: by default a module that is bound for evaluation folds each
    BN into its convolution once and keeps the result while training continues. From its second
    evaluation on it mixes old and new parameters: test errors are wrong by several points.
    MXNET_UPDATE_ON_KVSTORE=1, always: the keys of a checkpoint's momenta depend on it.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads(os.environ.get("OMP_NUM_THREADS"))[0])
    os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"
    os.environ["MXNET_UPDATE_ON_KVSTORE"] = "1"
    compat.prepare()


def be_deterministic():
    """Restrict GPUs to deterministic algorithms, chosen without timing them; this is slower. Call
    it before MXNet is imported.

    CPUs always repeat, with the same kind of processor and the same number of threads.
    """
    os.environ["MXNET_ENFORCE_DETERMINISM"] = "1"
    os.environ["MXNET_CUDNN_AUTOTUNE_DEFAULT"] = "0"


def end_with_parent():
    """Let the kernel end this process when its parent ends, even by kill -9."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def bar(*arguments, **options):
    """Return a progress bar, updated twice a second on a terminal and twice a minute in a file."""
    from tqdm import tqdm  # takes half of the time of --help

    return tqdm(*arguments, mininterval=0.5 if sys.stderr.isatty() else 30, **options)


@contextlib.contextmanager
def without_notes():
    """Suppress MXNet's notes on standard error about MXNET_SUBGRAPH_BACKEND and the optimizer."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
