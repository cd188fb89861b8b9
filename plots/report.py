"""One page: the papers' claims, our tables and figures for each, and a user's own runs.

    python -m plots.report           # make report, which draws every figure first

The page contains its figures and loads nothing else.
"""

import os
from html import escape
from statistics import median

from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import experiments, run_files
from paper.scales import SCALES
from paper.significance import order, ours

from . import diagrams, figure_files, page, summary, tables
from .claims import CLAIMS, FORMS

COLUMNS = [column for column in tables.Row._fields if column != "scale"]
# Stated below a table if all of its runs agree.
COMMON = ("dtype", "data", "iterations")
# Every browser can print a closed <details> only after it is opened.
OPEN_ALL = """<script>addEventListener("beforeprint", () =>
document.querySelectorAll("details").forEach(details => details.open = true))</script>"""


def picture(path, text, alternative=None, command=None):
    """A PNG as HTML. Empty if it does not exist; a corrupt file is reported and left out."""
    if not path.is_file():
        return ""
    data = path.read_bytes()
    if not page.is_whole(data):
        run_files.say_once(
            f"left out: {path} is not a complete PNG: delete it, and make plots draws it again"
        )
        return ""
    code = f"{command}: {path.name}" if command else path.name
    return page.picture(data, text, code, alternative)


def finished(names, scale):
    """The number of networks of some tables and figures that have a finished run at a scale."""
    networks = {
        experiment.at(scale).name: experiment
        for name in names
        for experiment in experiments.experiments_of(name)
    }
    return sum(
        any(map(run_files.is_whole, run_files.of(experiment, scale)))
        for experiment in networks.values()
    )


def description(name, scale):
    """The alternative text of a figure: what it shows, and the final test errors in it."""
    errors = []
    for experiment in experiments.experiments_of(name):
        result = ours(experiment, scale)
        if result.errors:
            errors.append(f"{run_files.label(result.runs[0])} {median(result.errors):.2f}")
    return f"{FORMS[name]} Final errors in %: {'; '.join(errors)}."


def paper_table(name, scale):
    """A table of the paper with our runs at a scale."""
    rows = [row._replace(ours=row.ours or "not run") for row in tables.rows_of(name, scale)]
    values = {column: {getattr(row, column) for row in rows} - {""} for column in COMMON}
    common = [column for column in COMMON if len(values[column]) == 1]
    notes = [f"{getattr(tables.TITLES, column)} {values[column].pop()}" for column in common]
    table = tables.table(rows, [column for column in COLUMNS if column not in common])
    return (
        f"<h3>Table {name[-1]}</h3>{table.html()}"
        f"<p>{escape('; '.join(filter(None, [order(name, scale), *notes])), quote=False)}</p>"
    )


def evidence(claim, scale):
    """The figures and tables of a claim at a scale, with the command that makes them."""
    parts = [f"<p><code>{escape(experiments.make(' '.join(claim.names), scale))}</code></p>"]
    names = [name for name in claim.names if name in FORMS]
    figures = [
        picture(figure_files.figure_of(name, scale), FORMS[name], description(name, scale))
        for name in names
        if finished([name], scale)
    ]
    parts.append(f'<div class="pair">{"".join(figures)}</div>')
    parts += [f"<p>{name}: not run.</p>" for name in names if not finished([name], scale)]
    parts += [paper_table(name, scale) for name in claim.names if name in experiments.TABLES]
    if "summary" in claim.names:
        parts.append(
            f"<h3>Neighbours in the paper's order</h3>{summary.neighbours_table(scale).html()}"
        )
    return "\n".join(parts)


def best_scale(counts):
    """The largest scale that has at least half as many finished networks as any scale."""
    return next((scale for scale in SCALES if 2 * counts[scale] >= max(counts.values())), None)


def section(number, claim):
    """A claim, its diagrams, and our evidence from the largest scale to the smallest."""
    counts = {scale: finished(claim.names, scale) for scale in SCALES}
    opened = best_scale(counts)
    parts = [f'<h2 id="claim{number}">{escape(claim.title)}</h2><p>{escape(claim.text)}</p>']
    figures = [
        picture(path, figure.text, command=figure.command)
        for figure in (*claim.diagrams, *claim.measured)
        for path in sorted(files.FIGURES.glob(f"{figure.pattern}.png"))
    ]
    parts.append(f'<div class="pair">{"".join(figures)}</div>')
    for scale in SCALES if claim.names else ():
        title = f"{scale.capitalize()} scale: "
        if counts[scale]:
            networks = "1 network" if counts[scale] == 1 else f"{counts[scale]} networks"
            parts.append(
                f"<details{' open' * (scale == opened)}><summary>{title}{networks}</summary>"
                f"{evidence(claim, scale)}</details>"
            )
        elif scale == "full" or (scale != "demo" and "table5" not in claim.names):
            command = escape(experiments.make(" ".join(claim.names), scale))
            parts.append(f"<p><b>{title}not run.</b> <code>{command}</code></p>")
    return "\n".join(parts)


def run_table(runs):
    """Runs with their test error, recipe, images, machine and folder."""
    head = ("network", "test error", "recipe", "data", "machine", "folder")
    rows = [
        (
            run_files.label(run),
            state(run),
            run_files.recipe_of(run),
            run.config["data"],
            run.config["host"]["devices"],
            str(run.folder),
        )
        for run in runs
    ]
    return tables.Table(head, rows).html() if rows else ""


def state(run):
    """'18.92 %', with a note if the run is not finished."""
    error = run_files.last_error(run)
    text = "no test yet" if error is None else f"{error:.2f} %"
    return text if run_files.is_whole(run) else f"{text}, unfinished"


def own(runs):
    """The user's own runs and variants."""
    figures = [
        picture(
            figure_files.figure_path(run.folder),
            run_files.label(run),
            f"Training loss and test error over iterations of {run_files.label(run)}: {state(run)}",
        )
        for run in runs
    ]
    figures += [
        picture(files.FIGURES / f"unit-{name}.png", f"One residual unit: {name.replace('_', ' ')}")
        for name in diagrams.own_variants()
    ]
    if not runs and not any(figures):
        return "<p>None yet. A new file under <code>symbols/</code> adds a network.</p>"
    return f'<div class="pair">{"".join(figures)}</div>{run_table(runs)}'


def whole_page():
    """The page as a string."""
    runs = run_files.every()
    published = [run for run in runs if not run_files.is_own(run)]
    mine = [run for run in runs if run_files.is_own(run)]
    links = " ".join(
        f'<a href="#claim{i}">{escape(claim.title)}</a>' for i, claim in enumerate(CLAIMS, 1)
    )
    sections = "\n".join(section(i, claim) for i, claim in enumerate(CLAIMS, 1))
    nothing = "" if runs else "<p>No run yet. <code>make demo</code> trains four networks.</p>"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Identity Mappings in Deep Residual Networks: a reproduction</title>
<style>{page.STYLE}</style></head><body>
<h1>Identity Mappings in Deep Residual Networks, in MXNet</h1>
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
{OPEN_ALL}</body></html>
"""


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "--output",
        type=folder,
        default=files.ROOT / "plots" / "report.html",
        help="HTML file (default: plots/report.html)",
    )
    output = parser.parse_args().output
    files.write_whole(output, whole_page())
    print(os.path.relpath(output))


if __name__ == "__main__":
    run_main(main)
