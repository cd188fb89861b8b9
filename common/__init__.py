"""The ground floor: errors, whole files, environment, GPUs.

Importing it sets MXNet's environment: do so before MXNet.
"""

from . import screen
from .environment import prepare_mxnet

screen.prepare()
prepare_mxnet()
