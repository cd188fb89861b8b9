"""Trains any symbol; knows nothing of residual units or of CIFAR."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
