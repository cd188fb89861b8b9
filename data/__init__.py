"""Where images come from: CIFAR's files, the generated set, augmentation, batches."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
