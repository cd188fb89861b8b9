"""Print what this machine has for MXNet, whether MXNet trains here, and how long the paper's networks
would take.

python -m benchmarks.doctor      # make doctor
"""

import ctypes
import json
import os
import platform
import subprocess
import sys
from importlib import metadata

from common import cgroups, gpus
from common.command import Parser
from common.environment import gains_by_bfloat16, has_bfloat16, physical_cores
from common.errors import UserError, run_main
from common.files import ROOT
from paper import scales
from training.memory import free_bytes
from training.recipe import CIFAR

# One depth of each kind of unit is measured; the time of others is proportional to multiply-adds.
MEASURED = {"basic": 110, "bottleneck": 164}
LIBRARIES = ("libgomp.so.1", "libquadmath.so.0")  # of the system; libmxnet.so loads them
PACKAGES = ("mxnet-cu112", "mxnet", "numpy", "matplotlib", "gluoncv")
NETWORKS = [
    ("original20", 20, "basic"),
    ("original56", 56, "basic"),
    ("original110", 110, "basic"),
    ("preact164", 164, "bottleneck"),
    ("preact1001", 1001, "bottleneck"),
    ("original1202", 1202, "basic"),
]


def packages():
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(versions)


def bfloat16():
    if not has_bfloat16():
        return "the processor has no AVX512-BF16: --dtype bfloat16 is rejected"
    return f"--dtype bfloat16 trains {'faster' if gains_by_bfloat16() else 'slower'} than float32"


def memory():
    """Memory that this process may use; a container or a batch system may limit it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, _ = cgroups.memory()
    text = f"{min(total, limit) / 2**30:.1f} GB, {free_bytes() / 2**30:.1f} GB free"
    if limit < total:
        text += f" (limit of a container or batch job; the machine has {total / 2**30:.0f} GB)"
    return text


def library(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"{name} MISSING: see docs/INSTALL.md"
    return f"{name} found"


def facts():
    """Yield (subject, text) for people."""
    yield "Python", f"{platform.python_version()}, {os.path.relpath(sys.executable)}"
    yield "packages", packages()
    yield "system", platform.platform()
    yield (
        "cores",
        f"{physical_cores()} physical; MXNet uses {os.environ['OMP_NUM_THREADS']} threads",
    )
    yield "bfloat16", bfloat16()
    yield "memory", memory()
    yield "libraries", ", ".join(map(library, LIBRARIES))
    yield "driver", gpus.driver() or "none"
    capabilities = gpus.capabilities()
    names = [f"compute capability {major}.{minor}" for major, minor in capabilities]
    yield "GPUs", ", ".join(names) or "none"
    if gpus.note(capabilities):
        yield "", gpus.note(capabilities)


def speed(unit, device):
    """Images per second of training (32x32, float32), from a few iterations in another process."""
    options = ["--depth", str(MEASURED[unit]), "--unit", unit, "--batch-size", "32", *device]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "train_cifar.py", *options, "--cost-json"],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"a few iterations of training failed: {message}")
    return json.loads(done.stdout.splitlines()[-1])["images_per_second"]


def usable_gpu(mx):
    """Number of the first GPU that MXNet can use; None without one."""
    if not mx.context.num_gpus():
        return None
    fits = [gpus.fits(capability) for capability in gpus.capabilities()]
    return fits.index(True) if any(fits) else None


def main():
    Parser(__doc__).parse_args()
    for subject, text in facts():
        print(f"{subject:<10} {text}", flush=True)
    try:
        import mxnet as mx
    except (ImportError, OSError) as error:
        raise UserError(
            f"MXNet does not start ({error}): run make setup, and see docs/INSTALL.md"
        ) from error
    from symbols import counts, get_symbol

    gpu = usable_gpu(mx)
    device = [] if gpu is None else ["--gpus", str(gpu)]
    place = "the CPU" if gpu is None else f"GPU {gpu}"
    print(f"\ntraining a few iterations on {place} ...", flush=True)
    measured = {unit: speed(unit, device) for unit in MEASURED}
    for unit, images in measured.items():
        print(f"ResNet-{MEASURED[unit]}: {images:.0f} images/s")
    images = CIFAR.iterations * CIFAR.batch_size
    print(f"\nthe paper's recipe ({images / 1e6:.1f} million images) takes here:")
    for name, depth, unit in NETWORKS:
        reference = counts.multiply_adds(get_symbol(MEASURED[unit], unit=unit), 32)
        work = counts.multiply_adds(get_symbol(depth, unit=unit), 32)
        seconds = images / measured[unit] * work / reference
        print(f"  make cifar10-{name:<14} {seconds / 3600:6.0f} hours")
    print(
        f"SCALE=pocket is for machines without a GPU: {scales.SCALES['pocket'].summary} a run;"
        " SCALE=desk takes ten times as long"
    )


if __name__ == "__main__":
    run_main(main)
