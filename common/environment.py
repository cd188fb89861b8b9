"""What MXNet reads from the environment when it is imported."""

import contextlib
import importlib
import os
import platform
import re
import sys
from pathlib import Path

from tqdm import tqdm

from .sooner import Sooner

# As the user gave it, before MXNet's settings for this process: for processes that it starts.
GIVEN = dict(os.environ)
CPUINFO = Path("/proc/cpuinfo")
CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
VECTORS = ("avx512_bf16", "avx512_vnni", "avx512bw", "avx2", "avx", "sse4_1")  # as oneDNN chooses


def physical_cores():
    """Cores that this process may use (Linux; elsewhere all processors).

    Two hyper-threads of one core count once. A quota of processor time, as containers and batch
    systems set it, counts as so many cores.
    """
    try:
        allowed = os.sched_getaffinity(0)
        cores = set()
        for block in CPUINFO.read_text().strip().split("\n\n"):
            facts = dict(re.findall(r"^(.*?)\s*:\s*(.*)$", block, re.MULTILINE))
            if int(facts["processor"]) in allowed:
                cores.add((facts.get("physical id"), facts.get("core id", facts["processor"])))
        count = len(cores)
    except (AttributeError, OSError, KeyError, ValueError):
        count = os.cpu_count() or 1
    return max(1, int(min([count, *quotas()])))


def quotas():
    """Processors' worth of time that each control group of this process may use, where it says so."""
    try:
        lines = [line.split(":", 2) for line in CGROUP.read_text().splitlines()]
    except OSError:
        return []
    found = []
    for _, controllers, path in lines:
        if controllers == "":  # version 2: a limit of any group above counts, too
            place = CGROUPS / path.strip("/")
            found += [_quota(folder / "cpu.max") for folder in (place, *place.parents)]
        elif "cpu" in controllers.split(","):
            for place in (CGROUPS / "cpu" / path.strip("/"), CGROUPS / "cpu"):
                found.append(_quota(place / "cpu.cfs_quota_us", place / "cpu.cfs_period_us"))
    return [quota for quota in found if quota]


def _quota(*files):
    """Time in a period, divided by that period; None without a limit (max, or -1)."""
    try:
        time, period = " ".join(file.read_text() for file in files).split()
        return int(time) / int(period) if int(time) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def threads(given):
    """(threads for MXNet, what is wrong with OMP_NUM_THREADS as it was given, or ''). MXNet ends at
    a list, which OpenMP knows, and at a word."""
    cores = physical_cores()
    if given is None:
        return cores, ""
    number = re.fullmatch(r"\s*([1-9]\d{0,5})\s*(,.*)?", given)
    if not number:
        return cores, f"OMP_NUM_THREADS={given} is no number of threads: taking {cores}"
    count = int(number.group(1))
    if count > 2 * cores:
        return (
            count,
            (
                f"OMP_NUM_THREADS={given} on {cores} cores is many times slower than {cores}: "
                "leave it unset"
            ),
        )
    return count, ""


def has_bfloat16():
    """Whether the processor multiplies in bfloat16 (Linux); elsewhere MXNet emulates it."""
    return "avx512_bf16" in _facts().get("flags", "").split()


def gains_by_bfloat16():
    """Whether the processor multiplies in bfloat16, and faster than in float32: AMD's do; Intel's
    do not by the instructions that MXNet has (docs/SPEED.md, In bfloat16).
    """
    return has_bfloat16() and _facts().get("vendor_id") == "AuthenticAMD"


def processor():
    """'AMD EPYC 7R13, avx2': the model and the widest vectors that MXNet can use on it (Linux).

    Another kind computes sums in another order, so that numbers differ in their last digits.
    """
    facts = _facts()
    flags = facts.get("flags", facts.get("Features", "")).split()
    widest = [flag for flag in VECTORS if flag in flags][:1]
    model = facts.get("model name") or platform.processor() or platform.machine()
    return ", ".join([model, *widest])


def _facts():
    """{name: value} of the first processor, as Linux tells them; {} elsewhere."""
    try:
        first = CPUINFO.read_text().split("\n\n")[0]
    except OSError:
        return {}
    return dict(re.findall(r"^(.*?)\s*:\s*(.*)$", first, re.MULTILINE))


def prepare_mxnet():
    """Set MXNet's environment, and what it lacks on Python 3.12 and 3.13; must run before MXNet is
    imported.

    OMP_NUM_THREADS: all cores, unless the user says otherwise; MXNet takes half of them, at half
    the speed.
    MXNET_SUBGRAPH_BACKEND=NONE, whatever the user says: by default a module that is bound for
    evaluation folds each BN into its convolution once and keeps the result while training goes on,
    so that from its second evaluation on it mixes old parameters with new ones: test errors off by
    several points, silently.
    MXNET_UPDATE_ON_KVSTORE=1, its default: the keys of a checkpoint's momenta follow from it.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads(os.environ.get("OMP_NUM_THREADS"))[0])
    os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"
    os.environ["MXNET_UPDATE_ON_KVSTORE"] = "1"
    if sys.version_info >= (3, 12):
        importlib.import_module("common.compat")
    if "mxnet" not in sys.modules:
        sys.meta_path.insert(0, Sooner())


def be_deterministic():
    """GPUs: only algorithms that repeat bit for bit, chosen by rule and not by timing; slower.
    Before MXNet is imported.

    CPUs repeat as they are, with the same kind of processor and the same number of threads.
    """
    os.environ["MXNET_ENFORCE_DETERMINISM"] = "1"
    os.environ["MXNET_CUDNN_AUTOTUNE_DEFAULT"] = "0"


def bar(*arguments, **options):
    """A progress bar that moves on a terminal and writes a line twice a minute into a file."""
    return tqdm(*arguments, mininterval=0.5 if sys.stderr.isatty() else 30, **options)


@contextlib.contextmanager
def without_notes():
    """Keep from the screen what MXNet notes while it binds (that the setting above is in use) and
    gets its optimizer."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
