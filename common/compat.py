"""What MXNet 1.9.1 expects of NumPy and newer versions removed. Import this before MXNet.

Python 3.8 to 3.11 with NumPy 1.23 need none of it. The oldest NumPy that installs is 1.26 on Python
3.12 and 2.2 on Python 3.13.
"""

import numpy as np

# Names that NumPy 1.24 (bool) and 2.0 (the others) removed, with their former values.
REMOVED = {
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
    # financial functions: mxnet.numpy lists them and never calls them
    **dict.fromkeys(("mirr", "npv", "pmt", "ppmt", "pv", "rate")),
}

for name, value in REMOVED.items():
    if name not in np.__dict__:  # 1.26 still has most of them; hasattr would warn
        setattr(np, name, value)
if np.__version__.startswith("2."):
    # MXNet passes the repr of shapes to its C++ side, which cannot parse "np.int64(3)".
    np.set_printoptions(legacy="1.25")
