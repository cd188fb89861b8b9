"""Print what this machine has for MXNet, whether MXNet trains here, and how long the paper's networks
would take.

    .venv/bin/python -m benchmarks.doctor      # make doctor
"""

import ctypes
import json
import os
import platform
import sys
from importlib import metadata

from common import cgroups, gpus
from common.command import Parser, last_line
from common.environment import gains_by_bfloat16, has_bfloat16, physical_cores
from common.errors import UserError, run_main
from paper import scales
from training.memory import free_bytes
from training.recipe import CIFAR

# One depth of each kind of unit is measured; the time of others is proportional to multiply-adds.
MEASURED = {"basic": 110, "bottleneck": 164}
LIBRARIES = ("libgomp.so.1", "libquadmath.so.0")  # of the system; libmxnet.so loads them
PACKAGES = ("mxnet-cu112", "mxnet", "numpy", "matplotlib", "gluoncv")
NETWORKS = {
    "basic": ("original20", "original56", "original110", "original1202"),
    "bottleneck": ("preact164", "preact1001"),
}


def bfloat16():
    if not has_bfloat16():
        return "the processor has no AVX512-BF16: --dtype bfloat16 is rejected"
    return f"--dtype bfloat16 trains {'faster' if gains_by_bfloat16() else 'slower'} than float32"


def memory():
    """Return memory that this process may use; a container or a batch system may limit it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, _ = cgroups.memory()
    text = f"{min(total, limit) / 1e9:.1f} GB, {free_bytes() / 1e9:.1f} GB free"
    if limit < total:
        text += f" (limit of a container or batch job; the machine has {total / 1e9:.0f} GB)"
    return text


def library(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"{name} MISSING: see docs/INSTALL.md"
    return f"{name} found"


def facts():
    """Return [(subject, text)] of this machine."""
    installed = {package.metadata["Name"]: package.version for package in metadata.distributions()}
    packages = [f"{name} {installed[name]}" for name in PACKAGES if name in installed]
    threads = os.environ["OMP_NUM_THREADS"]
    capabilities = gpus.capabilities()
    names = [f"compute capability {major}.{minor}" for major, minor in capabilities]
    return [
        ("Python", f"{platform.python_version()}, {os.path.relpath(sys.executable)}"),
        ("packages", ", ".join(packages)),
        ("system", platform.platform()),
        ("cores", f"{physical_cores()} physical; MXNet uses {threads} threads"),
        ("bfloat16", bfloat16()),
        ("memory", memory()),
        ("libraries", ", ".join(map(library, LIBRARIES))),
        ("driver", gpus.driver() or "none"),
        ("GPUs", ", ".join(names) or "none"),
        ("", gpus.note(capabilities)),
    ]


def speed(unit, device):
    """Return images per second of training (32x32, float32), from iterations in another process."""
    network = ["--depth", str(MEASURED[unit]), "--unit", unit, "--batch-size", "32"]
    cost = last_line("train_cifar.py", *network, *device, "--cost-json")
    return json.loads(cost)["images_per_second"]


def print_hours(images_per_second):
    """Print how long the paper's recipe takes. images_per_second: {kind of unit: of MEASURED}."""
    from symbols import counts, get_symbol, names

    image_count = CIFAR.iterations * CIFAR.batch_size
    print(f"\nthe paper's recipe ({image_count / 1e6:.1f} million images) takes here:")
    for unit, networks in NETWORKS.items():
        reference = counts.multiply_adds(get_symbol(MEASURED[unit], unit=unit), 32)
        for name in networks:
            symbol = get_symbol(names.parse(name)[2], unit=unit)
            work = counts.multiply_adds(symbol, 32) / reference
            hours = image_count / images_per_second[unit] * work / 3600
            print(f"  make cifar10-{name:<14} {hours:6.0f} hours")


def main():
    Parser(__doc__).parse_args()
    for subject, text in facts():
        if text:
            print(f"{subject:<10} {text}", flush=True)
    try:
        import mxnet as mx
    except (ImportError, OSError) as error:
        raise UserError(
            f"MXNet does not start ({error}): run make setup, and see docs/INSTALL.md"
        ) from error
    usable = [str(gpu) for gpu, found in enumerate(gpus.capabilities()) if gpus.fits(found)]
    gpu = usable[0] if usable and mx.context.num_gpus() else None
    print(f"\ntraining a few iterations on {f'GPU {gpu}' if gpu else 'the CPU'} ...", flush=True)
    measured = {unit: speed(unit, ["--gpus", gpu] if gpu else []) for unit in MEASURED}
    for unit, images_per_second in measured.items():
        print(f"ResNet-{MEASURED[unit]}: {images_per_second:.0f} images/s")
    print_hours(measured)
    print(
        f"SCALE=pocket is for machines without a GPU: {scales.SCALES['pocket'].summary} a run; "
        "SCALE=desk takes ten times as long"
    )


if __name__ == "__main__":
    run_main(main)
