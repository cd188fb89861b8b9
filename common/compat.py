"""Let `import mxnet` (1.9.1) work with newer packages, and defer imports that it rarely uses."""

import importlib
import sys
from types import ModuleType

from packaging.version import Version

# together a third of the time of `import mxnet`
DEFERRED = ("scipy.stats", "scipy.sparse", "requests", "mxnet.contrib.onnx")


class Deferred(ModuleType):
    """A module that is imported when an attribute of it is first read."""

    def __getattr__(self, name):
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def prepare():
    """Provide modules and NumPy names that MXNet needs, and defer its slow imports.

    Call this before MXNet is imported.
    """
    # Python 3.12 has no distutils; in older versions setuptools would be imported for it
    version = ModuleType("distutils.version")
    version.LooseVersion = version.StrictVersion = Version
    for module in (version, *map(Deferred, DEFERRED)):
        sys.modules.setdefault(module.__name__, module)
    if sys.version_info >= (3, 12):
        restore_numpy()


def restore_numpy():
    """Restore what NumPy 1.24 (bool) and 2.0 removed: Python 3.12 and 3.13 need these versions."""
    import numpy as np

    removed = {
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
    for name, value in removed.items():
        np.__dict__.setdefault(name, value)  # hasattr would warn
    if np.__version__.startswith("2."):
        # MXNet passes the repr of shapes to its C++ side, which cannot parse "np.int64(3)"
        np.set_printoptions(legacy="1.25")
