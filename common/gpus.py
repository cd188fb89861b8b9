"""Which NVIDIA GPUs the driver shows, and which build of MXNet fits them.

Needs neither CUDA nor any package.

python gpus.py        # prints cu112 or cpu: what make setup installs
"""

import ctypes
import sys
from pathlib import Path

# mxnet-cu112 1.9.1 holds machine code for 5.0, 6.0, 7.0, 8.0 and 8.6, which later minor versions
# run too, and no PTX that the driver could translate for others. No newer build exists.
OLDEST, NEWEST = (5, 0), (8, 9)
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR


def capabilities():
    """[(major, minor)] of each GPU, from the driver's own library; an empty list without driver or
    GPU.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count, value, found = ctypes.c_int(), ctypes.c_int(), []
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    for number in range(count.value):
        device, capability = ctypes.c_int(), []
        if driver.cuDeviceGet(ctypes.byref(device), number):
            continue
        for attribute in (MAJOR, MINOR):
            driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
            capability.append(value.value)
        found.append(tuple(capability))
    return found


def driver():
    """'535.104.05, for CUDA 12.2': the driver that is running; None without one."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    try:
        number = (
            Path("/proc/driver/nvidia/version").read_text().split("Kernel Module")[1].split()[0]
        )
    except (OSError, IndexError):
        number = "of unknown version"
    return f"{number}, for CUDA {version.value // 1000}.{version.value % 1000 // 10}"


def fits(capability):
    return OLDEST <= capability <= NEWEST


def variant(found):
    """'cu112' if MXNet can use one of the GPUs, else 'cpu'."""
    return "cu112" if any(map(fits, found)) else "cpu"


def note(found):
    """A line about GPUs that MXNet cannot use; empty if there are none."""
    unfit = sorted({f"{major}.{minor}" for major, minor in found if not fits((major, minor))})
    if not unfit:
        return ""
    return (
        f"MXNet's CUDA build has no code for a GPU of compute capability {', '.join(unfit)} (only"
        " 5.0 to 8.9, and no newer build exists):"
        f" {'it will use the others' if any(map(fits, found)) else 'it will train on the CPU'}"
    )


if __name__ == "__main__":
    there = capabilities()
    if note(there):
        print(note(there), file=sys.stderr)
    print(variant(there))
