"""The GPUs that NVIDIA's driver reports, and the build of MXNet that fits them. Needs neither CUDA nor
any package.

python gpus.py        # prints cu112 or cpu: the build that make setup installs
"""

import ctypes
import re
import sys
from pathlib import Path

# mxnet-cu112 1.9.1 has machine code for 5.0, 6.0, 7.0, 8.0 and 8.6, which also runs on later minor
# versions, and no PTX that the driver could compile for others. No newer build exists.
OLDEST, NEWEST = (5, 0), (8, 9)
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR


def capabilities():
    """Return [(major, minor)] of each GPU, from the driver's library; [] without a driver."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count, device, value = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count)):
        return []

    def attribute(number, device):
        library.cuDeviceGetAttribute(ctypes.byref(value), number, device)
        return value.value

    listed = []
    for number in range(count.value):
        library.cuDeviceGet(ctypes.byref(device), number)
        listed.append((attribute(MAJOR, device), attribute(MINOR, device)))
    return listed


def driver():
    """Return '535.104.05, for CUDA 12.2': the running driver; None without a driver."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    file = Path("/proc/driver/nvidia/version")
    number = re.search(r"Kernel Module\s+(\S+)", file.read_text() if file.exists() else "")
    name = number.group(1) if number else "of unknown version"
    return f"{name}, for CUDA {version.value // 1000}.{version.value % 1000 // 10}"


def fits(capability):
    return OLDEST <= capability <= NEWEST


def variant(listed):
    """Return 'cu112' if MXNet can use a GPU of these capabilities, otherwise 'cpu'."""
    return "cu112" if any(map(fits, listed)) else "cpu"


def note(listed):
    """Return a line about GPUs that MXNet cannot use; empty without such GPUs."""
    unfit = sorted({f"{major}.{minor}" for major, minor in listed if not fits((major, minor))})
    if not unfit:
        return ""
    return (
        f"MXNet's CUDA build has no code for compute capability {', '.join(unfit)} (only 5.0 to "
        "8.9, and no newer build exists): it trains on the other GPUs, or on the CPU"
    )


if __name__ == "__main__":
    present = capabilities()
    if note(present):
        print(note(present), file=sys.stderr)
    print(variant(present))
