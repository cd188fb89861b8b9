"""MXNet starts faster without modules that it imports and our code rarely uses.

scipy.stats, setuptools (for distutils) and onnx take a fifth of the time of `import mxnet`.
"""

import importlib
import sys
from types import ModuleType

from packaging.version import Version


class Deferred(ModuleType):
    """A module that is imported when an attribute of it is first read."""

    def __getattr__(self, name):
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def defer():
    """Put the deferred modules, and what MXNet uses of distutils, into sys.modules."""
    version = ModuleType("distutils.version")  # Python 3.12 and 3.13 have no distutils
    version.LooseVersion = version.StrictVersion = Version
    for module in (version, Deferred("scipy.stats"), Deferred("mxnet.contrib.onnx")):
        sys.modules.setdefault(module.__name__, module)
