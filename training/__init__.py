"""Trains any symbol with a classifier called fc; imports nothing of symbols/ or data/."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
