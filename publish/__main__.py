"""Fill the tables and captions of the documents from logs, measurements and code.

    .venv/bin/python -m publish   # make docs: writes the documents and draws their figures

A block is the text between two comments on lines of their own:

    <!-- table desk table1 -->
    ...
    <!-- end -->

The first word is a key of BLOCKS, the others are arguments.
"""

import re
from collections import namedtuple

from common import files
from common.command import Parser
from common.errors import UserError, run_main
from common.files import ROOT
from plots import tables
from plots.named import draw

from . import measured, runs, source

# language: "en" or "zh". root: path from the document's folder to the project's.
Page = namedtuple("Page", "language root")

NO_RUNS = ROOT / "publish" / "runs"  # does not exist: documents show published runs only
DOCUMENTS = [
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
]
BLOCKS = {  # name: function(page, *arguments) -> lines of Markdown
    "code": source.quoted,
    "comparisons": runs.comparisons,
    "departures": runs.departures_table,
    "errors": runs.errors,
    "expected": runs.expected,
    "figure": runs.figure,
    "lesions": measured.lesions,
    "networks": measured.networks,
    "notes-run": runs.notes_run,
    "propagation": measured.propagation,
    "responses": measured.responses,
    "results": runs.readme,
    "scales": lambda page: tables.scales_table().markdown(),
    "speed": measured.speed,
    "table": runs.paper_tables,
}
BLOCK = re.compile(r"^<!-- ([\w-]+)(.*?) -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)


def filled(text, document):
    """Return a text with each block computed again. Raises UserError for an unknown block."""
    language = "zh" if ".zh." in document else "en"
    page = Page(language, "../" * document.count("/"))

    def block(match):
        name, arguments = match.groups()
        if name not in BLOCKS:
            raise UserError(f"{document}: no block is called '{name}': use {', '.join(BLOCKS)}")
        try:
            lines = BLOCKS[name](page, *arguments.split())
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{document}: <!-- {name}{arguments} -->: {type(error).__name__}: {error}"
            ) from error
        return "\n".join([f"<!-- {name}{arguments} -->", *lines, "<!-- end -->"])

    return BLOCK.sub(block, text)


def draw_figures(text):
    """Draw each figure that a text shows."""
    for name, scale in re.findall(r"^<!-- figure (\S+) (\S+) -->$", text, re.MULTILINE):
        if runs.has_enough(name, scale):
            draw(name, scale)


def main():
    Parser(__doc__).parse_args()
    files.RUNS = NO_RUNS
    for document in DOCUMENTS:
        text = filled((ROOT / document).read_text(encoding="utf-8"), document)
        draw_figures(text)
        files.write_whole(ROOT / document, text)
    return 0


if __name__ == "__main__":
    run_main(main)
