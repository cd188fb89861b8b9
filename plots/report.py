"""One page: for each claim of the paper the picture, our numbers and what to type; then runs of
your own.

    python -m plots.report           # make report, which draws everything first

The page holds its pictures itself: it needs no network, and opens by a double click.
"""

import os
from html import escape

from common import files
from common.command import Parser, folder
from common.errors import run_main
from paper import experiments, run_files
from paper.scales import SCALES
from paper.significance import order

from . import diagrams, figure_files, page, summary, tables
from .claims import CLAIMS
from .curve_figures import TITLES

COLUMNS = [column for column in tables.Row._fields if column != "scale"]  # the title has it
TEXT = {
    "summary": "Every row that has a run, in the order of the paper's errors.",
    experiments.SEARCH: "Error on held-out training pictures against the gates' initial bias.",
}


def picture(path, text):
    """A PNG inside the page; nothing if it is not there, and a line if it is damaged."""
    if not path.is_file():
        return ""
    data = path.read_bytes()
    if not page.is_whole(data):
        run_files.say_once(
            f"left out: {path} is no whole PNG: delete it, and make plots draws it again"
        )
        return ""
    return page.picture(data, text, path.name)


def finished(name, scale):
    """How many networks of a table or figure have a finished run at a scale."""
    return sum(
        any(map(run_files.is_whole, run_files.of(experiment, scale)))
        for experiment in experiments.experiments_of(name)
    )


def evidence(claim, scale):
    """The tables and figures of a claim at a scale, as far as there are runs; maybe empty."""
    parts = []
    pairs = []
    for name in claim.names:
        if not finished(name, scale):
            continue
        text = TEXT.get(name) or f"{TITLES[name]}." if name not in experiments.TABLES else ""
        if name in experiments.TABLES:
            parts += [
                f"<h3>Table {name[-1]} at {scale} scale</h3>",
                page.table(*tables.table(tables.rows_of(name, scale), COLUMNS)),
                f"<p>{order(name, scale)}</p>",
            ]
        else:
            pairs.append(
                picture(
                    figure_files.figure_of(name, scale),
                    f"{text} To make it: {experiments.make(name, scale)}",
                )
            )
        if name == "summary":
            parts += [
                "<h3>Neighbours in the paper's order</h3>",
                page.table(*summary.neighbours_table(scale)),
            ]
    return "\n".join([f'<div class="pair">{"".join(pairs)}</div>' if any(pairs) else "", *parts])


def section(number, claim):
    """A claim: what the paper says, and our evidence at the scale that has most of it; others
    folded."""
    counts = {scale: sum(finished(name, scale) for name in claim.names) for scale in SCALES}
    scales = [scale for scale in sorted(SCALES, key=counts.get, reverse=True) if counts[scale]]
    units = "".join(picture(files.FIGURES / f"{name}.png", text) for name, text in claim.units)
    measured = [
        picture(path, text)
        for name, text in claim.measured
        for path in sorted(files.FIGURES.glob(f"{name}.png"))
    ]
    shown = [evidence(claim, scale) for scale in scales[:1]]
    shown += [
        f"<details><summary>The same at {scale} scale ({counts[scale]} networks)</summary>"
        f"{evidence(claim, scale)}</details>"
        for scale in scales[1:]
    ]
    nothing = "" if scales or measured else f"<p>No run yet: <code>{claim.command}</code>.</p>"
    return (
        f'<h2 id="claim{number}">{escape(claim.title)}</h2><p>{escape(claim.text)}</p>'
        f'<p class="note">To make it: <code>{escape(claim.command)}</code></p>'
        f'<div class="pair">{units}{"".join(measured)}</div>{"".join(shown)}{nothing}'
    )


def scale_notes():
    """What each scale changes of the paper's recipe."""
    rows = [
        (name, SCALES[name].summary, experiments.depths_note(name) or "the paper's depths")
        for name in SCALES
    ]
    return page.table(("scale", "training", "depth"), rows)


def own(runs):
    """The user's own runs and units: a number and a picture for each."""
    rows = [
        (
            run_files.label(one),
            run_files.recipe_of(one),
            one.config["recipe"]["seed"],
            state(one),
            one.config["data"],
            one.config.get("command", ""),
        )
        for one in runs
    ]
    head = ("network", "recipe", "seed", "test error", "data", "command")
    drawn = "".join(
        picture(figure_files.figure_path(one.folder), run_files.label(one)) for one in runs
    )
    units = "".join(
        picture(files.FIGURES / f"unit-{name}.png", f"{name.replace('_', ' ')}: one unit")
        for name in diagrams.own_variants()
    )
    if not runs and not units:
        return "<p>None yet. A new file under <code>symbols/</code> is a network at once.</p>"
    listed = page.table(head, rows) if rows else ""
    return f'<div class="pair">{units}{drawn}</div>{listed}'


def state(one):
    """'18.92 %', or that there is no end yet."""
    error = run_files.last_error(one)
    said = "no test yet" if error is None else f"{error:.2f} %"
    return said if run_files.is_whole(one) else f"{said}, unfinished"


def recipe(one):
    """A run's recipe, folded: what was trained on what, where, and what to type."""
    config = one.config
    rows = [
        *config["recipe"].items(),
        *config.get("host", {}).items(),
        *config.get("versions", {}).items(),
    ]
    rows = [(key.replace("_", " "), str(value)) for key, value in rows]
    return (
        f"<details><summary><code>{escape(str(one.folder))}</code>: {state(one)}</summary>"
        f"<p>Again: <code>{escape(config.get('command', ''))}</code></p>"
        f"{page.table(('option', 'value'), rows)}</details>"
    )


def whole_page():
    runs = run_files.every()
    mine = [one for one in runs if run_files.is_own(one)]
    links = "".join(
        f'<a href="#claim{i}">{escape(claim.title)}</a>' for i, claim in enumerate(CLAIMS, 1)
    )
    sections = "\n".join(section(i, claim) for i, claim in enumerate(CLAIMS, 1))
    nothing = "" if runs else "<p>No run yet: <code>make demo</code> makes the first four.</p>"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Identity Mappings in Deep Residual Networks: a reproduction</title>
<style>{page.STYLE}</style></head><body>
<h1>Identity Mappings in Deep Residual Networks, in MXNet</h1>
<p>What the paper says (He, Zhang, Ren and Sun, ECCV 2016, arXiv 1603.05027), and what this copy of
the project has seen. Every number is computed from the logs of runs, every diagram from a network's
graph. Ours: error of the last iterate, median of n runs. Fail: the paper's word for an error above
{experiments.FAILS_ABOVE} %. A tap or a click enlarges a picture.</p>
{nothing}<nav>{links}<a href="#yours">Yours</a><a href="#runs">Runs</a></nav>
{sections}
<h2 id="yours">Yours</h2>
{own(mine)}
<h2 id="runs">The scales, and the {len(runs)} runs</h2>
{scale_notes()}
<p>Each row of a table ends with what to type for it; on the same kind of CPU with as many
threads a run repeats to the last bit.</p>
<details><summary>Each run's recipe, machine and command</summary>
{"".join(map(recipe, runs))}</details>
</body></html>
"""


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "--output",
        type=folder,
        default=files.ROOT / "plots" / "report.html",
        help="(plots/report.html)",
    )
    output = parser.parse_args().output
    files.write_whole(output, whole_page())
    print(os.path.relpath(output))


if __name__ == "__main__":
    run_main(main)
