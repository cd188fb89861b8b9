"""The paper as data: rows and curves, which runs count for them, the papers' own curves."""

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)
