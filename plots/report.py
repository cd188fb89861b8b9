"""One page: the papers' claims, our tables and figures for each, and a user's own runs.

    python -m plots.report           # make report, which draws every figure first

The page contains its figures and loads nothing else.
"""

import os
from html import escape
from statistics import median

from common import files
from common.command import Parser
from common.errors import run_main
from paper import experiments, run_files
from paper.scales import SCALES
from paper.significance import order, ours

from . import diagrams, figure_files, page, tables
from .claims import CLAIMS, FORMS, command

COLUMNS = ("case", "remark", "paper", "ours", "fails", "runs", "dtype", "command")
NOTES = ("data", "iterations")  # stated below a table
# Browsers print the content of <details> only if it is open.
OPEN_ALL = """<script>addEventListener("beforeprint", () =>
document.querySelectorAll("details").forEach(details => details.open = true))</script>"""


def picture(path, text, alternative=None, command=None):
    """Return a PNG as HTML; empty if it does not exist."""
    if not path.is_file():
        return ""
    code = f"{command}: {path.name}" if command else path.name
    return page.picture(path.read_bytes(), text, code, alternative)


def pair(figures):
    """Return figures side by side, if there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def finished(names, scale):
    """Return how many networks of tables and figures have a finished run at a scale."""
    networks = [network for name in names for network in experiments.experiments_of(name)]
    return len({network.at(scale).name for network in networks if ours(network, scale).runs})


def figure(name, scale):
    """Return a figure of the paper as HTML. The alternative text has the final test errors."""
    results = [ours(network, scale) for network in experiments.experiments_of(name)]
    errors = [
        f"{run_files.label(result.runs[0])} {median(result.errors):.2f}"
        for result in results
        if result.errors
    ]
    if not errors:
        return f"<p>{name}: not run.</p>"
    text = f"{FORMS[name]} Final errors in %: {'; '.join(errors)}."
    return picture(figure_files.figure_of(name, scale), FORMS[name], text)


def paper_table(name, scale):
    """Return a table of the paper with our runs at a scale."""
    rows = [row._replace(ours=row.ours or "not run") for row in tables.rows_of(name, scale)]
    notes = [order(name, scale)]
    for column in NOTES:
        values = sorted({getattr(row, column) for row in rows} - {""})
        notes.append(values and f"{column} {', '.join(values)}")
    text = escape("; ".join(filter(None, notes)), quote=False)
    return f"<h3>Table {name[-1]}</h3>{tables.table(name, rows, COLUMNS).html()}<p>{text}</p>"


def command_of(claim, scale):
    """Return the command that makes a claim's tables and figures, as HTML."""
    names = ["table1", "table2"] if claim.names == ["summary"] else claim.names  # it trains nothing
    return f"<code>{escape(experiments.make(' '.join(names), scale))}</code>"


def evidence(claim, scale):
    """Return the figures and tables of a claim at a scale, with the command that makes them."""
    parts = [f"<p>{command_of(claim, scale)}</p>"]
    parts.append(pair(figure(name, scale) for name in claim.names if name in FORMS))
    parts += [paper_table(name, scale) for name in claim.names if name in experiments.TABLES]
    return "\n".join(parts)


def section(number, claim):
    """Return a claim, its diagrams, and our evidence from the largest scale to the smallest.

    The largest scale that has at least half as many finished networks as any scale is open.
    """
    counts = {scale: finished(claim.names, scale) for scale in SCALES}
    opened = next(scale for scale in SCALES if 2 * counts[scale] >= max(counts.values()))
    shown = {}  # a figure has the text of the first pattern
    for pattern, text in claim.figures.items():
        for path in sorted(files.FIGURES.glob(f"{pattern}.png")):
            shown.setdefault(path, picture(path, text, command=command(pattern)))
    parts = [f'<h2 id="claim{number}">{escape(claim.title)}</h2><p>{escape(claim.text)}</p>']
    parts.append(pair(shown.values()))
    for scale in SCALES if claim.names else ():
        count = counts[scale]
        title = f"{scale.capitalize()} scale: "
        if count:
            is_open = " open" if scale == opened else ""
            networks = f"{count} network{'s' if count > 1 else ''}"
            parts.append(f"<details{is_open}><summary>{title}{networks}</summary>")
            parts.append(f"{evidence(claim, scale)}</details>")
        elif scale == "full" or (scale != "demo" and "table5" not in claim.names):
            parts.append(f"<p><b>{title}not run.</b> {command_of(claim, scale)}</p>")
    return "\n".join(parts)


def run_table(runs):
    """Return runs with their test error, recipe, images, machine and folder."""
    head = ("network", "test error", "recipe", "data", "machine", "folder")
    rows = []
    for run in runs:
        label = run_files.label(run)
        machine = run.config["host"]["devices"]
        facts = (run_files.recipe_of(run), run.config["data"], machine, str(run.folder))
        rows.append((label, state(run), *facts))
    return tables.Table(head, rows).html() if rows else ""


def state(run):
    """Return '18.92 %', with a note if the run is not finished."""
    error = run_files.last_error(run)
    text = "no test yet" if error is None else f"{error:.2f} %"
    return text if run_files.is_whole(run) else f"{text}, unfinished"


def own(runs):
    """Return the user's own runs and variants."""
    figures = []
    for run in runs:
        label = run_files.label(run)
        text = f"Training loss and test error over iterations of {label}: {state(run)}"
        figures.append(picture(run.folder / "curves.png", label, text))
    for name in diagrams.own_variants():
        text = f"One residual unit: {name.replace('_', ' ')}"
        figures.append(picture(files.FIGURES / f"unit-{name}.png", text))
    if not runs and not any(figures):
        return "<p>None yet. A new file under <code>symbols/</code> adds a network.</p>"
    return pair(figures) + run_table(runs)


def whole_page():
    """Return the page as a string."""
    runs = run_files.every()
    published = [run for run in runs if not run_files.is_own(run)]
    mine = [run for run in runs if run_files.is_own(run)]
    links = " ".join(
        f'<a href="#claim{i}">{escape(claim.title)}</a>' for i, claim in enumerate(CLAIMS, 1)
    )
    sections = "\n".join(section(i, claim) for i, claim in enumerate(CLAIMS, 1))
    nothing = "" if runs else "<p>No run yet. <code>make demo</code> trains four networks.</p>"
    body = f"""<h1>Identity Mappings in Deep Residual Networks, in MXNet</h1>
<p>The claims of the paper (He, Zhang, Ren and Sun, ECCV 2016, arXiv 1603.05027), and our runs.
All numbers are computed from the logs of runs, all diagrams from the graphs of networks. Ours:
test error of the last iteration, median of n runs. Fail: the paper's term for an error above
{experiments.FAILS_ABOVE} %. Click a figure to enlarge it.</p>
{nothing}<nav>{links} <a href="#yours">Your runs</a> <a href="#runs">All runs</a></nav>
{sections}
<h2 id="yours">Your runs and variants</h2>
{own(mine)}
<h2 id="runs">Scales and published runs</h2>
{tables.scales().html()}
<p>The complete recipe and the command of a run are in <code>config.json</code> in its folder. A
repeated run is bit-identical on the same kind of CPU with the same number of threads.</p>
<details><summary>The {len(published)} published runs</summary>{run_table(published)}</details>
{OPEN_ALL}"""
    return page.document("Identity Mappings in Deep Residual Networks: a reproduction", body)


def main():
    Parser(__doc__).parse_args()
    output = files.ROOT / "plots" / "report.html"
    files.write_whole(output, whole_page())
    print(os.path.relpath(output))


if __name__ == "__main__":
    run_main(main)
