"""What this machine has for MXNet, whether it trains, and how long the paper's networks would take
here.

python -m benchmarks.doctor      # make doctor
"""

import ctypes
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from common import gpus
from common.command import Parser
from common.environment import gains_by_bfloat16, has_bfloat16, physical_cores
from common.errors import UserError, run_main
from paper import scales
from training.recipe import CIFAR

ROOT = Path(__file__).resolve().parent.parent
MEASURED = {
    "basic": 110,
    "bottleneck": 164,
}  # one depth of each kind; time is proportional to multiply-adds
LIBRARIES = ("libgomp.so.1", "libquadmath.so.0")  # of the system, that libmxnet.so needs
EXPECTED = [
    ("original20", 20, "basic"),
    ("original56", 56, "basic"),
    ("original110", 110, "basic"),
    ("preact164", 164, "bottleneck"),
    ("preact1001", 1001, "bottleneck"),
    ("original1202", 1202, "basic"),
]


def loads(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def found():
    """[(what, what there is)], for people."""

    def version(package):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None

    build = next((name for name in ("mxnet-cu112", "mxnet") if version(name)), "no mxnet")
    yield "Python", f"{platform.python_version()}, {os.path.relpath(sys.executable)}"
    yield (
        "packages",
        ", ".join(
            f"{name} {version(name)}"
            for name in (build, "numpy", "matplotlib", "gluoncv")
            if version(name)
        ),
    )
    yield "system", platform.platform()
    yield (
        "cores",
        f"{physical_cores()} physical; MXNet takes {os.environ['OMP_NUM_THREADS']} threads",
    )
    yield (
        "bfloat16",
        (
            "the processor has no AVX512-BF16: --dtype bfloat16 is refused"
            if not has_bfloat16()
            else f"--dtype bfloat16 trains {'faster' if gains_by_bfloat16() else 'slower'} here than "
            "float32"
        ),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield "memory", f"{memory / 2**30:.0f} GB"
    yield (
        "libraries",
        ", ".join(
            f"{name} {'found' if loads(name) else 'MISSING: see docs/INSTALL.md'}"
            for name in LIBRARIES
        ),
    )
    yield "driver", gpus.driver() or "none"
    there = gpus.capabilities()
    yield (
        "GPUs",
        ", ".join(f"compute capability {major}.{minor}" for major, minor in there)
        or "none that the driver shows",
    )
    if gpus.note(there):
        yield "", gpus.note(there)


def speed(unit, device):
    """Images per second in training, 32x32, float32, from a few iterations in a process of its own."""
    options = ["--depth", str(MEASURED[unit]), "--unit", unit, "--batch-size", "32", *device]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "train_cifar.py", *options, "--cost-json"],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        raise UserError(
            "a few iterations of training failed:"
            f" {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        )
    return json.loads(done.stdout.splitlines()[-1])["images_per_second"]


def main():
    Parser(__doc__).parse_args()
    for what, text in found():
        print(f"{what:<10} {text}", flush=True)
    try:
        import mxnet as mx
    except (ImportError, OSError) as error:
        raise UserError(
            f"MXNet does not start ({error}): make setup tells why; docs/INSTALL.md has remedies"
        ) from error
    from symbols import counts, get_symbol

    usable = (
        [number for number, each in enumerate(gpus.capabilities()) if gpus.fits(each)]
        if mx.context.num_gpus()
        else []
    )
    device = ["--gpus", str(usable[0])] if usable else []
    print(
        f"\ntraining a few iterations on {f'GPU {usable[0]}' if usable else 'the CPU'} ...",
        flush=True,
    )
    measured = {unit: speed(unit, device) for unit in MEASURED}
    for unit, images in measured.items():
        print(f"ResNet-{MEASURED[unit]}: {images:.0f} images/s")
    pictures = CIFAR.iterations * CIFAR.batch_size
    print(f"\nby the paper's recipe ({pictures / 1e6:.1f} million pictures) here:")
    for name, depth, unit in EXPECTED:
        work = [
            counts.multiply_adds(get_symbol(each, unit=unit), 32)
            for each in (MEASURED[unit], depth)
        ]
        seconds = pictures / measured[unit] * work[1] / work[0]
        print(f"  make cifar10-{name:<14} {seconds / 3600:6.0f} hours")
    print(
        f"SCALE=pocket is for machines without a GPU: {scales.SCALES['pocket'].summary} a run;"
        " SCALE=desk, ten times as long"
    )


if __name__ == "__main__":
    run_main(main)
