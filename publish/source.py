"""Lines of code that documents quote."""

from common.errors import UserError
from common.files import ROOT


def quoted(page, path, *words):
    """Return the only line of a file that contains some words, as code with a link."""
    text = " ".join(words)
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    matches = [line.strip() for line in lines if text in line]
    if len(matches) != 1:
        raise UserError(
            f"{path} has {len(matches)} lines with '{text}': quote a line that is unique"
        )
    return ["```python", *matches, "```", f"([`{path}`]({page.root}{path}))"]
