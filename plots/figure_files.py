"""What all pictures have in common: their place, the line below them, being written whole."""

import io
import os
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common import files
from paper import run_files

FIRM = "\u00a0"  # a blank at which no line ends
DPI = 150
COMPRESSION = 3  # of zlib: half of the time of the usual 6, a tenth more bytes


def source(runs, of="curve"):
    """Data, recipe, type, seeds and machine of some runs, as one line.

    of: what the median of a network's seeds is there; None: the figure tells them by itself.
    """
    recipes = [run.config["recipe"] for run in runs]
    hosts = [run.config["host"] for run in runs]
    seeds = sorted({recipe["seed"] for recipe in recipes})
    named = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return "; ".join(
        [
            _listed(run.config["data"] for run in runs),
            _said_scale(runs),
            f"{_listed(recipe['image_size'] for recipe in recipes)} pixels square",
            f"batch {_listed(recipe['batch_size'] for recipe in recipes)}",
            _listed(map(run_files.dtype, runs)),
            (
                f"a {of}: median of its seeds, band: all of them; {named}"
                if of and len(seeds) > 1
                else named
            ),
            (
                f"{_listed(host['devices'] for host in hosts)} "
                f"({_listed(host['cores'] for host in hosts)} cores)"
            ),
        ]
    )


def _listed(values):
    return ", ".join(sorted({str(value) for value in values}))


def _said_scale(runs):
    scales = sorted({run_files.recipe_of(run) for run in runs})
    known = [scale for scale in scales if scale != run_files.OWN_RECIPE]
    said = [f"scale {', '.join(known)}"] if known else []
    return ", ".join(said + [run_files.OWN_RECIPE] * (len(known) < len(scales)))


def caption(figure, runs, of="curve", note=""):
    """Write source() below a figure, in lines that are no longer than the figure is wide."""
    write_below(figure, "; ".join(filter(None, [note, source(runs, of)])))


def write_below(figure, text):
    """A small line, or several, below a figure."""
    figure.supxlabel(
        plain(wrapped(text, round(19 * figure.get_figwidth()))), fontsize=7, color="0.3"
    )


def wrapped(text, width):
    """A text in lines that end behind a semicolon, or within what is longer than a line."""
    parts = [part if len(part) > width else part.replace(" ", FIRM) for part in text.split("; ")]
    return textwrap.fill("; ".join(parts), width, break_on_hyphens=False).replace(FIRM, " ")


def plain(text):
    """A user's text as matplotlib draws it: a dollar is a dollar, not the beginning of a formula."""
    return text.replace("$", r"\$")


def figure_path(folder):
    """Where the figure of a run belongs: plots/figures/ for a published one, else beside its
    log."""
    try:
        parts = Path(folder).resolve().relative_to(files.RESULTS).parts
    except ValueError:
        return Path(folder) / "curves.png"
    name = "-".join(part for part in parts if part not in ("full", "seed0"))
    return files.FIGURES / f"{name}.png"


def figure_of(name, scale):
    """Where a table or figure of the paper belongs; of full scale it has the bare name."""
    return files.FIGURES / ((name if scale == "full" else f"{scale}-{name}") + ".png")


def png(figure, description=None):
    """A figure as the bytes of a PNG, with a description in its text.

    Not by savefig(), which lays a figure out and draws it, and then draws it once more. No picture
    shines through, so three bytes a pixel do.
    """
    figure.set_dpi(DPI)
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    about = PngInfo()
    if description:
        about.add_text("Description", description)
    content = io.BytesIO()
    image.save(content, "png", pnginfo=about, compress_level=COMPRESSION, dpi=(DPI, DPI))
    return content.getvalue()


def save(figure, path, description=None):
    """Write a PNG whole or not at all, so that it can be looked at while it is drawn again."""
    files.write_whole(path, png(figure, description))
    print(os.path.relpath(path))
