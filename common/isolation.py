"""Keep settings of the user's environment from breaking our packages. Import this before them."""

import os
import sys
import tempfile
from pathlib import Path

# another NumPy in PYTHONPATH must not replace the locked one
names = os.environ.get("PYTHONPATH", "").split(os.pathsep)
folders = {os.path.abspath(name) for name in names if name}
folders.discard(str(Path(__file__).resolve().parent.parent))
sys.path.sort(key=lambda folder: folder in folders)
try:
    Path.home()
except (KeyError, RuntimeError):  # the user has none; matplotlib and gluoncv need one
    os.environ["HOME"] = os.path.join(tempfile.gettempdir(), f"home-{os.getuid()}")
