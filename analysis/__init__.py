"""Why it works: signal propagation, lesions and layer responses of the very networks that are
trained.

Measures, and writes CSV files under results/analysis/; plots/ draws them. Works on every variant, a
user's own too.
"""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
