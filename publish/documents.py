"""Documents, and the blocks in them that are computed.

A block is the text between two comments on lines of their own:

    <!-- table desk table1 -->
    ...
    <!-- end -->

The first word is a key of BLOCKS, the others are arguments. A link whose text is a file and a name,
[`training/loop.py: train`](training/loop.py#L1), gets the line of that name.
"""

import re
from collections import namedtuple

from common.errors import UserError
from common.files import ROOT
from plots import tables

from . import measured, notes, runs, source

# language: "en" or "zh". root: path from the document's folder to the project's. lines: of the old
# block.
Page = namedtuple("Page", "language root lines")

DOCUMENTS = [
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
]
BLOCKS = {  # name: function(page, *arguments) -> lines of Markdown
    "code": source.quoted,
    "comparisons": runs.comparisons,
    "departures": notes.departures_table,
    "errors": runs.errors,
    "expected": runs.expected,
    "figure": runs.figure,
    "findings": runs.findings,
    "lesions": measured.lesions,
    "networks": measured.networks,
    "notes-run": notes.run,
    "propagation": measured.propagated,
    "responses": measured.responses,
    "results": runs.readme,
    "scales": lambda page: tables.scales().markdown(),
    "speed": measured.speed,
    "table": runs.paper_tables,
}
BLOCK = re.compile(r"^<!-- ([\w-]+)(.*?) -->\n(.*?)^<!-- end -->$", re.DOTALL | re.MULTILINE)


def filled(text, document):
    """A document's text with each block computed again. Raises UserError for an unknown block."""
    language = "zh" if ".zh." in document else "en"
    root = "../" * document.count("/")

    def block(match):
        name, arguments, old = match.groups()
        if name not in BLOCKS:
            raise UserError(f"{document}: no block is called '{name}': use {', '.join(BLOCKS)}")
        page = Page(language, root, old.splitlines())
        lines = BLOCKS[name](page, *arguments.split())
        return "\n".join([f"<!-- {name}{arguments} -->", *lines, "<!-- end -->"])

    return source.with_lines(BLOCK.sub(block, text), root)
