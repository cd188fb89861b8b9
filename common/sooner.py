"""MXNet starts sooner: what its import reads and nothing here calls stays out while it goes on.

That is SciPy's statistics (for int8 quantization by entropy, which then says that it needs them)
and setuptools (for distutils), a third of the time of the import.
"""

import contextlib
import importlib.util
import sys
import types

from packaging.version import Version

from .openmp import copy_alone

STATISTICS = "scipy.stats"


class Sooner:
    """A finder of modules that wraps the import of MXNet, once; put it in front of sys.meta_path.

    The thread that imports it copies without a team of OpenMP's from then on (openmp.py).
    """

    def find_spec(self, name, path=None, target=None):
        if name != "mxnet":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec:
            execute = spec.loader.exec_module

            def exec_module(module):
                with left_out():
                    execute(module)
                copy_alone()

            spec.loader.exec_module = exec_module
        return spec


@contextlib.contextmanager
def left_out():
    """Python finds no SciPy statistics, and of distutils no more than MXNet uses.

    Modules that were imported before stay as they are; after it all can be imported as usual.
    """
    stand_ins = {STATISTICS: None, **distutils()}
    stand_ins = {name: what for name, what in stand_ins.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def distutils():
    """{name: module} of as much of distutils as MXNet uses."""
    package = types.ModuleType("distutils")
    package.version = types.ModuleType("distutils.version")
    package.version.LooseVersion = package.version.StrictVersion = Version
    return {"distutils": package, "distutils.version": package.version}
