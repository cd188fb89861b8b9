"""Lines of code in documents: quoted, and as the targets of links."""

import re

from common.errors import UserError
from common.files import ROOT

LINK = re.compile(r"\[`([\w./]+\.py):\s([\w.]+)`\]\([^)]*\)")


def with_lines(text, root):
    """Return a text whose links [`file.py: name`](...) lead to the line that defines the name."""

    def link(match):
        path, name = match.groups()
        return f"[`{path}: {name}`]({root}{path}#L{line_of(path, name)})"

    return LINK.sub(link, text)


def line_of(path, name):
    """Return the line that defines a function, class, Class.method or constant."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    number = 0
    first, *methods = name.split(".")
    definitions = [
        rf"(def|class) {first}\b|{first}(: .*)? = ",
        *(rf"    def {m}\b" for m in methods),
    ]
    for definition in definitions:
        matches = [
            k for k, line in enumerate(lines, 1) if k > number and re.match(definition, line)
        ]
        if not matches:
            raise UserError(f"{path} defines no {name}: correct the link in the documents")
        number = matches[0]
    return number


def quoted(page, path, *words):
    """Return the only line of a file that contains some words, as code with a link."""
    text = " ".join(words)
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if text in line]
    if len(numbers) != 1:
        raise UserError(f"{path} has {len(numbers)} lines with '{text}': quote one that is unique")
    link = f"([`{path}:{numbers[0]}`]({page.root}{path}#L{numbers[0]}))"
    return ["```python", lines[numbers[0] - 1].strip(), "```", link]
