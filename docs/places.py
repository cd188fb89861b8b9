"""Where things stand, file and line, looked up in the files themselves."""

import re

from common.errors import UserError
from common.files import ROOT

# For CONTRIBUTING.md: what is looked for, the file that has it, and a pattern of its line.
PLACES = [
    ("Figure 2(c), exclusive gating", "symbols/shortcuts/exclusive_gating.py", r"^def join"),
    (
        "Figure 4(d), ReLU-only pre-activation",
        "symbols/activations/relu_only_preact.py",
        r"^def residual_unit",
    ),
    ("the shared pre-activation", "symbols/activations/preact.py", r"unit\.project\(\w*activat"),
    ("equation (8)", "analysis/propagation.py", r"^def predicted"),
    ("the learning rate", "training/schedule.py", r"def __call__"),
    ("resume", "training/checkpoint.py", r"^def newest_checkpoint"),
    ("the 320 crop", "data/crops.py", r"^RULES = .*\"320\""),
    ("the search for the gates' bias", "paper/search.py", r"^def best"),
]
# For docs/WHY.md and docs/NOTES.md: lines of code that stand beside an equation.
LINES = {
    "line-join": ("symbols/activations/original.py", r"unit\.join\("),
    "line-identity": ("symbols/shortcuts/identity.py", r"return x \+ f"),
    "line-preact": ("symbols/activations/preact.py", r"return unit\.join\("),
    "line-scaling": ("symbols/shortcuts/constant_scaling.py", r"return scale \* x \+"),
    "line-blocked": ("analysis/propagation.py", r"\"BlockGrad\""),
    "line-product": ("analysis/propagation.py", r"factor \*\*"),
    "line-preactivation": ("symbols/activations/preact.py", r"= relu\(batch_norm\(x\)\)"),
}


def line_of(path, pattern):
    """(number, text) of the one line of a file that a pattern is found in; the number from 1.

    Raises UserError if there is none, or more than one.
    """
    lines = (ROOT / path).read_text().splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if re.search(pattern, line)]
    if len(numbers) != 1:
        raise UserError(
            f"docs/places.py: {len(numbers)} lines of {path} have {pattern}, not 1: "
            "name the line that the reader looks for"
        )
    return numbers[0], lines[numbers[0] - 1]


def table():
    """The lines of CONTRIBUTING.md's table: what, and a link to file and line."""
    rows = ["| what | where |", "| --- | --- |"]
    for what, path, pattern in PLACES:
        number, _ = line_of(path, pattern)
        rows.append(f"| {what} | [{path}:{number}]({path}#L{number}) |")
    return rows


def quoted(name):
    """A line of code as it stands, and where, for a document in docs/."""
    path, pattern = LINES[name]
    number, text = line_of(path, pattern)
    return ["```python", text.strip(), "```", f"([{path}:{number}](../{path}#L{number}))"]
