"""Code that all other packages share: errors, files, command lines, environment, GPUs.

Importing this package prepares the environment for MXNet, so import it before MXNet.
"""

from . import isolation  # noqa: F401, I001 (before any package from outside)
from . import screen
from .environment import prepare_mxnet

screen.prepare()
prepare_mxnet()
