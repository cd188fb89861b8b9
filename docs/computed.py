"""The parts of the documents that are computed, between <!-- name --> and <!-- end of name -->.

    python -m docs.computed           # writes them: make docs
    python -m docs.computed --check   # exit code 1, and which file, if one is not up to date
"""
import re
import sys

from common import files
from common.errors import UserError, run
from common.files import ROOT
from docs import places
from paper import experiments
from paper.statistics import number, order, ours, say, say_ours
from symbols import counts

SCALE = "pocket"  # of the runs that are committed


def results():
    """Tables 1 and 2 as far as the committed logs go, in the order of the paper's errors."""
    lines = []
    for name in ("table1", "table2"):
        rows = sorted(experiments.TABLES[name],
                      key=lambda row: (row.experiment.depth, number(row.paper)))
        lines += ["", f"| Table {name[-1]} | | the paper, % | ours at {SCALE} scale, % | runs |",
                  "| --- | --- | ---: | ---: | ---: |"]
        for row in rows:
            runs = ours(row.experiment, SCALE)
            if runs.errors:
                lines.append(f"| {row.case} | {row.remark} | {say(row.paper)} | {say_ours(runs)} "
                             f"| {len(runs.errors)} |")
        lines += ["", order(name, SCALE) + "."] if order(name, SCALE) else []
    return lines[1:]


def choices():
    """The rows of docs/DEVIATIONS.md that have an option: what was chosen, and how otherwise."""
    table = ["| where the papers are silent | here | otherwise |", "| --- | --- | --- |"]
    for line in (ROOT / "docs/DEVIATIONS.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|\n ").split(" | ")]
        if line.startswith("| ") and len(cells) == 4 and "`" in cells[3]:
            table.append(f"| {cells[0]} | {cells[1]} | {cells[3]} |")
    return table


DOCUMENTS = ["README.md", "CONTRIBUTING.md"]
BLOCKS = {"networks": counts.table, "choices": choices, "results": results, "places": places.table}


def filled(text):
    """A document's text with each block computed anew. Raises UserError if nothing computes one."""
    def block(match):
        name = match.group(1)
        if name not in BLOCKS:
            raise UserError(f"docs/computed.py has no block {name}: it has {', '.join(BLOCKS)}")
        return "\n".join([f"<!-- {name} -->", *BLOCKS[name](), f"<!-- end of {name} -->"])
    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- end of \1 -->", block, text, flags=re.DOTALL)


def main():
    files.RUNS = ROOT / "docs" / "runs"  # no such folder: the documents tell of published runs alone
    stale = []
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        if filled(text) != text:
            stale.append(document)
            if "--check" not in sys.argv:
                files.write_whole(ROOT / document, filled(text))
    if "--check" in sys.argv and stale:
        raise UserError(f"not up to date: {', '.join(stale)}; make docs computes them anew")
    return 0


if __name__ == "__main__":
    run(main)
