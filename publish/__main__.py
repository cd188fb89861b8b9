"""Fill the tables and captions of the documents from logs, measurements and code.

python -m publish           # make docs: writes the documents and draws their figures
python -m publish --check   # writes nothing; exit code 2 if a document is out of date
"""

import re

from common import files
from common.command import Parser
from common.errors import UserError, run_main
from common.files import ROOT
from plots.named import DRAW

from . import runs
from .documents import DOCUMENTS, filled


def draw_figures(text):
    """Draw each figure that a document's text shows, from published runs alone."""
    for name, scales in re.findall(r"^<!-- figure (\S+) (.*) -->$", text, re.MULTILINE):
        scale = runs.scale_of(name, scales.split())
        if scale:
            DRAW[name](name, scale)


def main():
    parser = Parser(__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    files.RUNS = ROOT / "publish" / "runs"  # does not exist: documents show published runs only
    stale = []
    for document in DOCUMENTS:
        old = (ROOT / document).read_text(encoding="utf-8")
        if not check:
            draw_figures(old)
        new = filled(old, document)
        if new != old:
            stale.append(document)
            if not check:
                files.write_whole(ROOT / document, new)
    if check and stale:
        raise UserError(f"out of date: {', '.join(stale)}: run make docs")
    return 0


if __name__ == "__main__":
    run_main(main)
