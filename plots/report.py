"""One page: tables and figures at each scale, a user's own runs, and all other figures.

    .venv/bin/python -m plots.report           # make report, which draws every figure first

The page contains its figures and loads nothing else.
"""

import os
from html import escape

from common import files
from common.command import Parser
from common.errors import run_main
from paper import counted_runs, experiments, run_files
from paper.experiments import TABLES
from paper.scales import SCALES
from paper.significance import order

from . import page, tables
from .figure_files import path_of
from .named import CAPTIONS, DRAW, has_runs

COLUMNS = ("case", "remark", "paper", "ours", "fails", "runs", "dtype", "command")
NOTES = ("data", "iterations")  # stated below a table
TRAIN_NOTHING = ("summary", "table5")
# Browsers print the content of <details> only if it is open.
OPEN_ALL = """<script>addEventListener("beforeprint", () =>
document.querySelectorAll("details").forEach(details => details.open = true))</script>"""


def picture(path, text, command=None):
    """Return a PNG as HTML; empty if it does not exist."""
    if not path.is_file():
        return ""
    code = f"{command}: {path.name}" if command else path.name
    return page.picture(path.read_bytes(), text, code)


def pair(figures):
    """Return figures side by side, if there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def paper_table(name, scale):
    """Return a table of the paper with our runs at a scale."""
    rows = [row._replace(ours=row.ours or "not run") for row in tables.rows_of(name, scale)]
    notes = [order(name, scale)]
    for column in NOTES:
        values = sorted({getattr(row, column) for row in rows} - {""})
        notes.append(values and f"{column} {', '.join(values)}")
    text = escape("; ".join(filter(None, notes)), quote=False)
    return f"<h3>Table {name[-1]}</h3>{tables.table(name, rows, COLUMNS).html()}<p>{text}</p>"


def section(scale):
    """Return the figures and tables of a scale, and the command that trains those without a run."""
    drawn = [name for name in DRAW if has_runs(name, scale)]
    missing = [name for name in DRAW if name not in (*drawn, *TRAIN_NOTHING)]
    figures = [
        picture(path_of(name, scale), CAPTIONS[name], experiments.make(name, scale))
        for name in drawn
        if name in CAPTIONS
    ]
    parts = [pair(figures), *(paper_table(name, scale) for name in drawn if name in TABLES)]
    if missing and not SCALES[scale].data:
        parts.append(f"<p>Not run: <code>{experiments.make(' '.join(missing), scale)}</code></p>")
    title = f"{scale.capitalize()} scale: {SCALES[scale].summary}"
    body = "\n".join(parts)
    return f'<details id="{scale}" open><summary>{title}</summary>{body}</details>'


def others():
    """Return the PNGs of plots/figures/ that no scale has, with their file names."""
    named = {path_of(name, scale) for name in DRAW for scale in SCALES}
    paths = [path for path in sorted(files.FIGURES.glob("*.png")) if path not in named]
    return pair(picture(path, path.stem) for path in paths)


def run_table(runs):
    """Return runs with their test error, recipe, images, machine and folder."""
    head = ("network", "test error", "recipe", "data", "machine", "folder")
    rows = []
    for run in runs:
        label = run_files.label(run)
        machine = run_files.machine(run)
        facts = (counted_runs.scale_of(run), run.data, machine, str(run.folder))
        rows.append((label, state(run), *facts))
    return tables.Table(head, rows).html() if rows else ""


def state(run):
    """Return '18.92 %', with a note if the run is not finished."""
    error = run_files.last_error(run)
    text = "no test yet" if error is None else f"{error:.2f} %"
    return text if run_files.is_whole(run) else f"{text}, unfinished"


def own(runs):
    """Return the user's own runs."""
    if not runs:
        return "<p>None yet. A new file under <code>symbols/</code> adds a network.</p>"
    figures = []
    for run in runs:
        text = f"Training loss and test error of {run_files.label(run)}: {state(run)}"
        figures.append(picture(run.folder / "curves.png", text))
    return pair(figures) + run_table(runs)


def whole_page():
    """Return the page as a string."""
    runs = run_files.every()
    published = [run for run in runs if not run_files.is_own(run)]
    mine = [run for run in runs if run_files.is_own(run)]
    links = " ".join(f'<a href="#{scale}">{scale.capitalize()} scale</a>' for scale in SCALES)
    sections = "\n".join(map(section, SCALES))
    nothing = "" if runs else "<p>No run yet. <code>make demo</code> trains four networks.</p>"
    body = f"""<h1>Identity Mappings in Deep Residual Networks, in MXNet</h1>
<p>The tables and figures of the paper (He, Zhang, Ren and Sun, ECCV 2016, arXiv 1603.05027), and
our runs. All numbers are computed from the logs of runs, all diagrams from the graphs of networks.
Ours: test error of the last iteration, median of n runs. Fail: the paper's term for an error above
{experiments.FAILS_ABOVE} %. Click a figure to enlarge it.</p>
{nothing}<nav>{links} <a href="#yours">Your runs</a> <a href="#figures">Other figures</a>
<a href="#runs">All runs</a></nav>
<h2>Tables and figures</h2>
{sections}
<h2 id="yours">Your runs</h2>
{own(mine)}
<h2 id="figures">Other figures</h2>
{others()}
<h2 id="runs">Scales and published runs</h2>
{tables.scales_table().html()}
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
