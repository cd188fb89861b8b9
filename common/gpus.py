"""The GPUs that NVIDIA's driver reports, and the build of MXNet that fits them. Needs neither CUDA nor
any package.

python gpus.py        # prints cu112 or cpu: the build that make setup installs
"""

import ctypes
import sys
from pathlib import Path

# mxnet-cu112 1.9.1 has machine code for 5.0, 6.0, 7.0, 8.0 and 8.6, which also runs on later minor
# versions, and no PTX that the driver could compile for others. No newer build exists.
OLDEST, NEWEST = (5, 0), (8, 9)
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR


def capabilities():
    """[(major, minor)] of each GPU, from the driver's library; empty without a driver or a GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    return [_capability(driver, number) for number in range(count.value)]


def _capability(driver, number):
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGet(ctypes.byref(device), number)
    driver.cuDeviceGetAttribute(ctypes.byref(major), MAJOR, device)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), MINOR, device)
    return major.value, minor.value


def driver():
    """'535.104.05, for CUDA 12.2': the running driver; None without a driver."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
        number = text.split("Kernel Module")[1].split()[0]
    except (OSError, IndexError):
        number = "of unknown version"
    return f"{number}, for CUDA {version.value // 1000}.{version.value % 1000 // 10}"


def fits(capability):
    return OLDEST <= capability <= NEWEST


def variant(listed):
    """'cu112' if MXNet can use a GPU of these capabilities, otherwise 'cpu'."""
    return "cu112" if any(map(fits, listed)) else "cpu"


def note(listed):
    """A line about GPUs that MXNet cannot use; empty without such GPUs."""
    unfit = sorted({f"{major}.{minor}" for major, minor in listed if not fits((major, minor))})
    if not unfit:
        return ""
    return (
        f"MXNet's CUDA build has no code for a GPU of compute capability {', '.join(unfit)} (only"
        " 5.0 to 8.9, and no newer build exists):"
        f" {'it will use the others' if any(map(fits, listed)) else 'it will train on the CPU'}"
    )


if __name__ == "__main__":
    present = capabilities()
    if note(present):
        print(note(present), file=sys.stderr)
    print(variant(present))
