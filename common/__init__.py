"""The ground floor: errors, whole files, environment, GPUs. Importing it sets MXNet's environment: do so before MXNet."""
from .environment import prepare_mxnet

prepare_mxnet()
