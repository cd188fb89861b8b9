"""Measurements of this machine."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
