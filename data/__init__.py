"""Data sets: CIFAR, ImageNet, own and generated images; augmentation and batches."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
