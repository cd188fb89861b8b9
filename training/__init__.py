"""Trains any symbol; knows nothing of residual units or of CIFAR. Import it before MXNet: it sets MXNet's environment."""
from .environment import prepare_mxnet

prepare_mxnet()
