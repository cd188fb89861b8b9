"""What MXNet 1.9.1 expects of Python and NumPy, and newer ones dropped.

Importing this puts it back; do so before MXNet.

Python 3.8 to 3.11 with NumPy 1.23 need none of it. On 3.12 NumPy 1.26 and on 3.13 NumPy 2.2 are the
oldest that install.
"""

import sys

import numpy as np
from packaging.version import Version

from .sooner import distutils

# Names that NumPy lost, in 1.24 the first and in 2.0 the others, and what they were.
DROPPED = {
    "bool": bool,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "PINF": np.inf,
    "NINF": -np.inf,
    "Inf": np.inf,
    "NAN": np.nan,
    "NaN": np.nan,
    "alltrue": np.all,
    "sometrue": np.any,
    "round_": np.round,
    "product": np.prod,
    "msort": lambda a: np.sort(a, axis=0),
    # financial functions: mxnet.numpy lists them, and nothing calls them
    **dict.fromkeys(("mirr", "npv", "pmt", "ppmt", "pv", "rate")),
}

if Version(np.__version__) >= Version("1.24"):
    for name, was in DROPPED.items():
        if (
            name not in np.__dict__
        ):  # 1.24 to 1.26 have most of them still, 2.0 and later bool again
            setattr(np, name, was)
if Version(np.__version__) >= Version("2.0"):
    # MXNet hands the repr of shapes to its C++ side, which cannot read "np.int64(3)".
    np.set_printoptions(legacy="1.25")
if sys.version_info >= (3, 12) and "distutils.version" not in sys.modules:
    sys.modules.update(distutils())
