"""What all figures have in common: file, caption and fonts."""

import io
import os
import sys
import textwrap
import warnings
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from common import files
from common.errors import UserError
from paper import run_files

FIRM = "\u00a0"  # a blank at which no line ends
DPI = 150
# Where each vector format has the description, and its date, which is left out.
METADATA = {".pdf": ("Subject", "CreationDate"), ".svg": ("Description", "Date")}


def source(runs, of="curve"):
    """Data, recipe, type, seeds and machine of some runs, as one line.

    of: what shows the median of a network's seeds; None if the figure shows each seed.
    """
    recipes = [run.config["recipe"] for run in runs]
    hosts = [run.config["host"] for run in runs]
    seeds = sorted({recipe["seed"] for recipe in recipes})
    seeds_text = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    if of and len(seeds) > 1:
        seeds_text = f"a {of}: median of its seeds, band: all of them; {seeds_text}"
    return "; ".join(
        [
            _listed(run.config["data"] for run in runs),
            _scales(runs),
            f"{_listed(recipe['image_size'] for recipe in recipes)} pixels square",
            f"batch {_listed(recipe['batch_size'] for recipe in recipes)}",
            _listed(map(run_files.dtype, runs)),
            seeds_text,
            f"{_listed(host['devices'] for host in hosts)} "
            f"({_listed(host['cores'] for host in hosts)} cores)",
        ]
    )


def _listed(values):
    return ", ".join(sorted({str(value) for value in values}))


def _scales(runs):
    """'scale desk, own recipe'"""
    names = {run_files.recipe_of(run) for run in runs}
    own = [run_files.OWN_RECIPE] if run_files.OWN_RECIPE in names else []
    known = sorted(names.difference(own))
    return ", ".join([f"scale {', '.join(known)}"] * bool(known) + own)


def caption(figure, runs, of="curve", note=""):
    """Write source() below a figure, in lines no longer than the figure is wide."""
    write_below(figure, "; ".join(filter(None, [note, source(runs, of)])))


def write_below(figure, text):
    """Write small text below a figure."""
    lines = wrapped(text, round(19 * figure.get_figwidth()))
    figure.supxlabel(plain(lines), fontsize=7, color="0.3")


def wrapped(text, width):
    """A text in lines that end after a semicolon, or inside a part that is longer than a line."""
    parts = [part if len(part) > width else part.replace(" ", FIRM) for part in text.split("; ")]
    return textwrap.fill("; ".join(parts), width, break_on_hyphens=False).replace(FIRM, " ")


def plain(text):
    """A user's text for matplotlib, in which a dollar does not start a formula."""
    return text.replace("$", r"\$")


def use_fonts_for(text):
    """Let matplotlib find the characters of a text, such as Chinese, in an installed font.

    Prints a warning if no font has them.
    """
    usual = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    missing = {ord(character) for character in text if not character.isspace()} - usual.keys()
    if not missing:
        return
    for path in sorted(font_manager.findSystemFonts()):
        try:
            if missing <= font_manager.get_font(path).get_charmap().keys():
                font_manager.fontManager.addfont(path)
                family = font_manager.FontProperties(fname=path).get_name()
                matplotlib.rcParams["font.family"] = ["DejaVu Sans", family]
                return
        except (OSError, RuntimeError):  # not a font that FreeType can read
            continue
    warnings.filterwarnings("ignore", "Glyph .* missing")
    print(
        f"warning: no installed font has {''.join(map(chr, sorted(missing)))}, which will be boxes;"
        " install one, for example the package fonts-noto-cjk",
        file=sys.stderr,
    )


def figure_path(folder):
    """The figure of a run: in plots/figures/ for a published run, else in the run's folder."""
    try:
        parts = Path(folder).resolve().relative_to(files.RESULTS).parts
    except ValueError:
        return Path(folder) / "curves.png"
    name = "-".join(part for part in parts if part not in ("full", "seed0"))
    return files.FIGURES / f"{name}.png"


def figure_of(name, scale):
    """The file of a table or figure of the paper; the scale is in its name unless it is full."""
    return files.FIGURES / ((name if scale == "full" else f"{scale}-{name}") + ".png")


def png(figure, description=None):
    """A figure as the bytes of a PNG, with a description in its metadata.

    It has a palette if that changes nothing that one can see: photographs keep their colours.
    savefig() would draw the figure twice.
    """
    figure.set_dpi(DPI)
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    palette = image.quantize(256, dither=Image.Dither.NONE)
    if ImageStat.Stat(ImageChops.difference(image, palette.convert("RGB"))).mean[0] < 0.5:
        image = palette
    about = PngInfo()
    if description:
        about.add_text("Description", description)
    content = io.BytesIO()
    image.save(content, "png", pnginfo=about, dpi=(DPI, DPI))
    return content.getvalue()


def vector(figure, suffix, description=None):
    """A figure as the bytes of a PDF or SVG; equal figures have equal bytes."""
    content = io.BytesIO()
    about, date = METADATA[suffix]
    with matplotlib.rc_context({"svg.hashsalt": "figure"}):
        figure.savefig(content, format=suffix[1:], metadata={about: description, date: None})
    return content.getvalue()


def check_ending(path):
    """Raise UserError unless figures can be written in the format that a file's ending names."""
    if path.suffix not in (".png", *METADATA):
        raise UserError(
            f"{path}: a figure is .png, .pdf or .svg; give the file one of these endings"
        )


def save(figure, path, description=None):
    """Write a figure as PNG, PDF or SVG, complete or not at all."""
    vectors = path.suffix in METADATA
    files.write_whole(
        path, vector(figure, path.suffix, description) if vectors else png(figure, description)
    )
    print(os.path.relpath(path))
