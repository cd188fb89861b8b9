"""The files that docs/VARIANTS.md prints, cut out of it."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "VARIANTS.md"
FILE = re.compile(
    r"^`(symbols/(?:shortcuts|activations)/\w+\.py)`:.*?^```python\n(.*?)^```$", re.M | re.S
)
IDEAS = dict(FILE.findall(PAGE.read_text()))
