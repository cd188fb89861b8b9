"""One page with everything that there is: diagrams, tables, curves, each run's recipe, and how to repeat it.

    python -m plots.report           # make report, which draws everything first; writes plots/report.html

The page holds its pictures itself: it needs no network, and opens by a double click.
"""
import base64
import os
import struct
from html import escape

from common import files
from common.command import Parser, folder
from common.errors import UserError, run
from paper import experiments, scales, statistics
from paper import runs as results

from . import pictures, tables
from .panels import TITLES

# Pictures that belong to no scale: stem of the PNG, what one sees.
UNITS = [("figure1-units", "The original unit, and the proposed one. Grey: the way that a signal has through the unit unchanged."),
         ("figure2", "What may stand on the shortcut (section 3). In all of them ReLU follows the addition."),
         ("figure4", "Where BN and ReLU may stand (section 4). Only in (d) and (e) nothing stands on the grey way."),
         ("figure5", "An activation on the weight path alone is the next unit's pre-activation.")]
# What analysis/ measures: stem of the PNG (* is what the user chose), what one sees.
WHY = [("propagation-110", "How signals travel through 110 layers before training. Through shortcuts alone the gradient arrives "
        "nearly undiminished where the shortcut is the identity and nothing stands behind the addition."),
       ("propagation-lambda", "Equation (8): where f is the identity, the shortcut's gradient is the product of the lambdas; with "
        "ReLU behind the addition less of it passes."),
       ("propagation-depth", "110 layers beside 1001, original and pre-activated. Through the shortcuts alone (middle) the "
        "gradient of the pre-activated nets is the same at every unit of a stage, however deep, and loses only where "
        "dimensions change; behind the original unit's ReLU it loses a little with every unit. The whole gradient (top) "
        "grows with depth in both."),
       ("propagation-pocket*", "Before training and after it. What is flat travels well: see how far each network's gradient grows "
        "on its way from the last unit (right) to the first (left), and how much of it comes through the shortcuts."),
       ("lesion-*", "Units of trained networks deleted and swapped, nothing trained again; grey: Veit, Wilber and "
        "Belongie (1605.06431). A network of many short ways loses little with any one unit, and more by degrees; one "
        "that needs every unit, as a plain net or one with scaled shortcuts, falls at once."),
       ("responses-*", "Standard deviation of each 3x3 layer's output after BN; behind: 1512.03385, Figure 7. There residual "
        "layers answer more weakly than plain ones, the more so the deeper the net; short runs need not be so far yet.")]
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 0 auto; max-width: 62rem; padding: 1rem; }
h1 { line-height: 1.2; } h2 { border-bottom: 2px solid #1a1a1a; margin-top: 2.5rem; }
figure { margin: 1.5rem 0; break-inside: avoid; } img { max-width: 100%; max-height: 46rem; width: auto; height: auto; }
h2, h3 { break-after: avoid; }
figcaption, .note { color: #444; font-size: .9rem; }
.wide { overflow-x: auto; break-inside: avoid; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: #eee; } code { font-size: .85em; overflow-wrap: anywhere; }
summary { cursor: pointer; padding: .3rem 0; overflow-wrap: anywhere; } nav a { margin-right: 1rem; }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } img { max-height: 21cm; } .wide { overflow: visible; }
  nav { display: none; }   table { font-size: 6.5pt; } th, td { padding: .1rem .25rem; } }
"""


def table(head, rows):
    """Rows of strings as HTML; the last column is code where its head is 'command'."""
    code = head[-1] == "command"
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for row in rows:
        cells = [escape(str(cell)) for cell in row]
        if code and cells[-1]:
            cells[-1] = f"<code>{cells[-1]}</code>"
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def picture(path, text):
    """A PNG inside the page, with its size, so that nothing moves while the page opens; nothing if it is not there."""
    if not path.is_file():
        return ""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    source = base64.b64encode(data).decode()
    return (f'<figure><img src="data:image/png;base64,{source}" width="{width}" height="{height}" alt="{escape(text, True)}">'
            f"<figcaption>{escape(text)} <code>{path.name}</code></figcaption></figure>")


def recipe(run):
    """A run's recipe, folded: what was trained on what, where, and what to type."""
    config = run.config
    error = results.last_error(run)
    state = f"test error {error:.2f} %" if error is not None and results.is_whole(run) else "unfinished"
    rows = [*config["recipe"].items(), *config.get("host", {}).items(), *config.get("versions", {}).items()]
    rows = [(key.replace("_", " "), value if isinstance(value, str) else str(value)) for key, value in rows]
    return (f"<details><summary><code>{escape(str(run.folder))}</code>: {state}</summary>"
            f"<p>Again: <code>{escape(config.get('command', ''))}</code></p>{table(('option', 'value'), rows)}</details>")


def section(scale):
    """Everything that there is at a scale; an empty string if nothing is."""
    runs = []
    for config in sorted([*(files.RESULTS / scale).rglob("config.json"), *(files.RUNS / scale).rglob("config.json")]):
        try:
            runs.append(results.read(config.parent))
        except UserError as error:
            results.say_once(f"left out: {error}")
    if not runs:
        return ""
    note = experiments.depths_note(scale)
    said = [f"The paper's recipe in {scales.scale(scale).summary}" + (note and f", {note}"),
            "Ours: error of the last iterate, median of n runs", "Fail: the paper's word for an error above 20 %"]
    parts = [f'<h2 id="{scale}">Scale: {scale}</h2>', f"<p class=note>{'. '.join(said)}.</p>",
             picture(pictures.figure_of("summary", scale), "Every row that has a run, in the order of the paper's errors.")]
    for name in experiments.TABLES:
        rows = tables.lines(name, scale)
        if any(row.ours for row in rows):
            parts += [f"<h3>Table {name[-1]}</h3>", table(tables.HEAD, rows), f"<p>{statistics.order(name, scale)}</p>"]
    for name in experiments.FIGURES:
        parts.append(picture(pictures.figure_of(name, scale), f"{TITLES[name]}. Solid: test error; dashed: training loss. "
                             f"To make it: {experiments.make(name, scale)}"))
    parts.append(picture(pictures.figure_of(experiments.SEARCH, scale), "Error on held-out training pictures against the initial "
                         f"bias of the gates. To make it: {experiments.make(experiments.SEARCH, scale)}"))
    return "\n".join([*parts, f"<h3>The {len(runs)} runs</h3>", *map(recipe, runs)])


def why():
    """The pictures of analysis/, where there are any."""
    found = [picture(path, text) for name, text in WHY for path in sorted(files.FIGURES.glob(f"{name}.png"))]
    return f'<h2 id="why">Why it works</h2>{"".join(found)}' if found else ""


def page():
    sections = {scale: section(scale) for scale in scales.SCALES}
    sections = {scale: text for scale, text in sections.items() if text}
    links = "".join(f'<a href="#{scale}">{scale} scale</a>' for scale in sections)
    nothing = "<p>No run yet: <code>make demo</code> makes the first four.</p>"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Identity Mappings in Deep Residual Networks: a reproduction</title><style>{STYLE}</style></head><body>
<h1>Identity Mappings in Deep Residual Networks, in MXNet</h1>
<p>What this copy of the project has trained so far, beside the numbers of He, Zhang, Ren and Sun (ECCV 2016, arXiv 1603.05027).
Everything here is computed from the logs under <code>results/</code>, the diagrams from the networks' graphs.</p>
<nav><a href="#units">units</a>{links}<a href="#why">why</a><a href="#again">again</a></nav>
<h2 id="units">The units</h2>
{"".join(picture(files.FIGURES / f"{name}.png", text) for name, text in UNITS)}
{"".join(sections.values()) or nothing}
{why()}<h2 id="again">How to repeat it</h2>
<p>Each row of a table ends with what to type for it in a clone of the project; <code>make table1 SCALE=pocket</code> trains all
rows of a table that have no run yet and draws it, <code>make plots</code> draws everything from the logs at hand, and
<code>make report</code> makes this page again. On a CPU with as many threads a run repeats to the last bit.</p>
</body></html>
"""


def main():
    parser = Parser(__doc__)
    parser.add_argument("--output", type=folder, default=files.ROOT / "plots" / "report.html", help="(plots/report.html)")
    output = parser.parse_args().output
    partial = output.with_name(output.name + ".partial")
    partial.write_text(page(), encoding="utf-8")
    os.replace(partial, output)
    print(os.path.relpath(output))


if __name__ == "__main__":
    run(main)
