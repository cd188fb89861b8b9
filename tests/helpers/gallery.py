"""The examples of docs/VARIANTS.md."""

import re
import types

from common.files import ROOT

PAGE = (ROOT / "docs" / "VARIANTS.md").read_text()
FILE = re.compile(
    r"^`(symbols/(?:shortcuts|activations)/\w+\.py)`:.*?^```python\n(.*?)^```$", re.M | re.S
)
EXAMPLES = dict(FILE.findall(PAGE))  # {path: content}


def example(name):
    """The functions of a file, as a module of symbols/shortcuts/ or activations/."""
    (file,) = [file for file in EXAMPLES if file.endswith(f"/{name}.py")]
    module = types.ModuleType(name)
    module.__package__ = ".".join(file.split("/")[:-1])
    exec(compile(EXAMPLES[file], file, "exec"), vars(module))
    return module
