"""The parts of README.md that are computed, between their markers: make readme

    python -m docs.readme           # writes them
    python -m docs.readme --check   # exit code 1 if one is not up to date
"""
import re
import sys

from common.files import ROOT
from paper import experiments
from paper.statistics import number, order, ours, say, say_ours
from symbols import counts


def choices():
    """The rows of docs/DEVIATIONS.md that have an option: what was chosen, and how to choose otherwise."""
    lines = (ROOT / "docs/DEVIATIONS.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in lines if line.startswith("| ")]
    chosen = [(what, here, otherwise) for what, here, _, otherwise in (row for row in rows if len(row) == 4) if "`" in otherwise]
    return ["| where the papers are silent | here | otherwise |", "| --- | --- | --- |"] + [
        f"| {what} | {here} | {otherwise} |" for what, here, otherwise in chosen]


def results():
    """Tables 1 and 2 as far as the committed logs go, in the order of the paper's errors."""
    lines = []
    for name in ("table1", "table2"):
        rows = sorted(experiments.TABLES[name], key=lambda row: (row.experiment.depth, number(row.paper)))
        shown = [(row, ours(row.experiment, SCALE)) for row in rows]
        lines += ["", f"| Table {name[-1]} | | the paper, % | ours at {SCALE} scale, % | runs |",
                  "| --- | --- | ---: | ---: | ---: |"]
        lines += [f"| {row.case} | {row.remark} | {say(row.paper)} | {say_ours(there)} | {len(there.errors)} |"
                  for row, there in shown if there.errors]
        lines += ["", order(name, SCALE) + "."] if order(name, SCALE) else []
    return lines[1:]


SCALE = "pocket"  # of the runs that are committed
BLOCKS = {"networks": counts.table, "choices": choices, "results": results}


def filled(text):
    """The text with each block between <!-- name --> and <!-- end of name --> computed anew."""
    for name, block in BLOCKS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        assert pattern.search(text), f"README.md has no block {name}"
        lines = "\n".join(block()) + "\n"
        text = pattern.sub(lambda match: match.group(1) + lines + match.group(2), text)  # noqa: B023 (used at once)
    return text


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    if "--check" in sys.argv:
        return text != filled(text)
    readme.write_text(filled(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
