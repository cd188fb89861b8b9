"""HTML of pages that contain their figures. Pages load nothing else."""

import base64
from html import escape

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 0 auto; max-width: 88rem;
  padding: 1rem; }
p, figcaption { max-width: 46rem; }
h1 { line-height: 1.2; }
h2 { border-bottom: 2px solid #1a1a1a; margin-top: 2.5rem; }
h2, h3, summary { break-after: avoid; }
figure { margin: 1rem 0; break-inside: avoid; }
img { max-width: 100%; max-height: 62rem; width: auto; height: auto; cursor: zoom-in; }
figcaption { color: #444; font-size: .9rem; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr));
  gap: 0 2rem; align-items: start; }
.zoom { display: block; }
.zoom input { position: absolute; opacity: 0; }
.zoom input:focus-visible + img { outline: 2px solid #0000ff; }
.zoom input:checked + img { position: fixed; inset: 0; z-index: 1; width: 100vw; height: 100vh;
  max-width: none; max-height: none; object-fit: contain; background: white; cursor: zoom-out; }
@media (max-width: 40rem) { .zoom:has(input:checked) { position: fixed; inset: 0; z-index: 1;
  overflow: auto; background: white; }
  .zoom input:checked + img { position: static; width: auto; height: auto; min-width: 60rem; } }
.wide { overflow-x: auto; margin: 1rem 0; }
tr { break-inside: avoid; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left;
  vertical-align: top; }
th { background: #eee; }
th, td { white-space: nowrap; }
td:last-child { white-space: normal; min-width: 12rem; }
code { font-size: .85em; overflow-wrap: anywhere; }
progress { width: 12rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; padding: .3rem 0; font-weight: bold; }
nav a { margin-right: 1rem; }
@media print { body { max-width: none; font-size: 9pt; padding: 0; }
  img { max-height: 9cm; }
  .pair { grid-template-columns: 1fr 1fr; gap: 0 .5cm; }
  .wide { overflow: visible; margin: .2cm 0; }
  nav { display: none; }
  h2 { margin-top: .5cm; }
  figure { margin: .2cm 0; }
  figcaption { font-size: 7.5pt; }
  table { font-size: 6.5pt; } th, td { padding: .05rem .25rem; }
  th, td:nth-child(2) { white-space: normal; } }
"""


def picture(data, text, code):
    """Return a PNG as HTML, enlarged by a click.

    text: the caption and the alternative text. code: file and command, for the caption.
    """
    source = base64.b64encode(data).decode()
    return (
        '<figure><label class="zoom"><input type="checkbox" aria-label="enlarge">'
        f'<img src="data:image/png;base64,{source}" alt="{escape(text, True)}"></label>'
        f"<figcaption>{escape(text)} <code>{escape(code)}</code></figcaption></figure>"
    )


def document(title, body, head=""):
    """Return a complete page. head: more elements of its head."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{head}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head><body>
{body}</body></html>
"""
