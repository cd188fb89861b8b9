"""Measurements of networks: signal propagation, lesions, layer responses and gates.

They work on every variant, and write CSV files under results/analysis/, which plots/ draws.
"""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
