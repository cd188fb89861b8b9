"""The parts of the documents that are computed, from logs and from the code.

    python -m docs.computed           # writes them, and draws the README's pictures: make docs
    python -m docs.computed --check   # exit code 1, and which file, if one is not up to date

A table or paragraph stands between <!-- name --> and <!-- end of name -->, a number between
<!--name--> and <!--/-->.
"""

import functools
import re
import sys
import textwrap

from common import files
from common.errors import UserError, run_main
from common.files import ROOT
from docs import beside, first_picture, outcome, places, speed, values
from plots.named import DRAW
from symbols import counts

COLUMNS = 100
DOCUMENTS = [
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
]


def picture(text):
    """The picture of Tables 1 and 2 at the scale that the README tells of."""
    return [f"![{text}](plots/figures/{outcome.shown()}-summary.png)"]


def tables_in(language):
    """Tables 1 and 2 at the scale that the README tells of."""
    scale = outcome.shown()
    return [
        *outcome.table("table1", scale, language),
        "",
        *outcome.table("table2", scale, language),
    ]


BLOCKS = {
    "places": places.table,
    "networks": counts.table,
    "outcome": outcome.sentences,
    "outcome-zh": lambda: outcome.sentences("zh"),
    "picture": lambda: picture("Every row of Tables 1 and 2 beside the paper's"),
    "picture-zh": lambda: picture("表 1 和表 2 的每一行与论文对照"),
    "tables-zh": lambda: tables_in("zh"),
    "first-picture": first_picture.lines,
    "first-picture-zh": lambda: first_picture.lines("zh"),
    "full-scale": outcome.at_full_scale,
    "notes-run": outcome.notes,
    "bfloat16": beside.types,
    "jpeg": beside.jpeg,
    "ideas": beside.ideas,
    "speed-pytorch": speed.beside_pytorch,
    "speed-units": speed.units,
    "results-desk": lambda: outcome.results("desk"),
    "results-pocket": lambda: outcome.results("pocket"),
}
BLOCKS.update({name: functools.partial(places.quoted, name) for name in places.LINES})


def wrapped(line):
    """A line of prose as lines that fit; what has a form of its own stays as it is."""
    if len(line) <= COLUMNS or line.startswith(("|", "!", "[", "(", " ")) or " " not in line:
        return [line]
    return textwrap.wrap(line, COLUMNS, break_long_words=False, break_on_hyphens=False)


def filled(text):
    """A document's text with each block and number anew. Raises UserError if nothing has one."""

    def block(match):
        name = match.group(1)
        lines = [line for long in _compute(BLOCKS, name) for line in wrapped(long)]
        return "\n".join([f"<!-- {name} -->", *lines, f"<!-- end of {name} -->"])

    def value(match):
        return f"<!--{match.group(1)}-->{_compute(values.VALUES, match.group(1))}<!--/-->"

    text = re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- end of \1 -->", block, text, flags=re.DOTALL)
    return re.sub(r"<!--([\w-]+)-->.*?<!--/-->", value, text)


def _compute(table, name):
    if name not in table:
        raise UserError(f"docs/ computes no '{name}': there are {', '.join(table)}")
    return table[name]()


def main():
    files.RUNS = ROOT / "docs" / "runs"  # not there: the documents tell of published runs alone
    stale = []
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        if filled(text) != text:
            stale.append(document)
            if "--check" not in sys.argv:
                files.write_whole(ROOT / document, filled(text))
    if "--check" not in sys.argv:
        first_picture.draw()
        DRAW["summary"]("summary", outcome.shown())
    elif stale:
        raise UserError(f"not up to date: {', '.join(stale)}; make docs computes them anew")
    return 0


if __name__ == "__main__":
    run_main(main)
