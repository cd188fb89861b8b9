"""The parts of a page that holds its pictures itself: no network, no file beside it, no script."""

import base64
import struct
from html import escape

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 0 auto; max-width: 100rem;
  padding: 1rem; }
p, figcaption { max-width: 46rem; }
h1 { line-height: 1.2; }
h2 { border-bottom: 2px solid #1a1a1a; margin-top: 2.5rem; }
h2, h3 { break-after: avoid; }
figure { margin: 1rem 0; break-inside: avoid; }
img { max-width: 100%; max-height: 46rem; width: auto; height: auto; cursor: zoom-in; }
figcaption, .note { color: #444; font-size: .9rem; }
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
.wide { overflow-x: auto; break-inside: avoid; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left;
  vertical-align: top; }
th { background: #eee; }
code { font-size: .85em; overflow-wrap: anywhere; }
td code { white-space: nowrap; }
progress { width: 12rem; }
summary { cursor: pointer; padding: .3rem 0; overflow-wrap: anywhere; }
nav a { margin-right: 1rem; }
@media print { body { max-width: none; font-size: 9pt; padding: 0; }
  img { max-height: 8.5cm; }
  .pair { grid-template-columns: 1fr 1fr; gap: 0 .5cm; }
  .wide { overflow: visible; margin: .2cm 0; }
  nav, details { display: none; }
  h2 { margin-top: .5cm; }
  figure { margin: .2cm 0; }
  table { font-size: 6.5pt; } th, td { padding: .05rem .25rem; }
  td code { white-space: normal; } }
"""


def table(head, rows):
    """Rows of strings as HTML; the last column is code where its head is 'command'."""
    code = head[-1] == "command"
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for row in rows:
        # a number and its deviation stay on one line
        cells = [escape(str(cell)).replace(" ± ", "&nbsp;±&nbsp;") for cell in row]
        if code and cells[-1]:
            cells[-1] = f"<code>{cells[-1]}</code>"
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def is_whole(data):
    """Whether bytes are a PNG from its first chunk to its last."""
    return data.startswith(b"\x89PNG\r\n\x1a\n") and data[-8:-4] == b"IEND"


def picture(data, text, name):
    """A PNG inside the page, which a tap or a click enlarges, with its size, so that nothing moves
    while the page opens."""
    width, height = struct.unpack(">II", data[16:24])
    source = base64.b64encode(data).decode()
    return (
        f'<figure><label class="zoom"><input type="checkbox" aria-label="enlarge">'
        f'<img src="data:image/png;base64,{source}" width="{width}" height="{height}" '
        f'alt="{escape(text, True)}"></label>'
        f"<figcaption>{escape(text)} <code>{escape(name)}</code></figcaption></figure>"
    )
