"""What all figures have in common: file, caption and fonts."""

import io
import os
import sys
import textwrap
import warnings
from functools import lru_cache

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from common import files
from common.errors import UserError
from paper import counted_runs, run_files

DPI = 150
VECTORS = {".pdf": "Subject", ".svg": "Description"}  # where each has the description


def facts(runs):
    """Return {fact: its values in some runs, listed}: of recipe, data, scale and machine."""
    recipe = ("image_size", "batch_size", "seed", "dtype")
    own = counted_runs.OWN_RECIPE
    scales = set(map(counted_runs.scale_of, runs))
    return {
        **{field: listed(run.recipe[field] for run in runs) for field in recipe},
        "iterations": listed(f"{run.recipe['iterations']:,}" for run in runs),
        "data": listed(run.data for run in runs),
        "scale": listed(scale if scale == own else f"scale {scale}" for scale in scales),
        "machine": listed(map(run_files.machine, runs)),
    }


def listed(values):
    """Return different values as text, sorted."""
    return ", ".join(map(str, sorted(set(values))))


def source(runs):
    """Return data, recipe, type, seeds and machine of some runs, as one line."""
    known = facts(runs)
    several = "," in known["seed"]
    return (
        f"{known['data']}; {known['scale']}; {known['image_size']} pixels square; "
        f"batch {known['batch_size']}; {known['dtype']}; "
        f"seed{'s' if several else ''} {known['seed']}; {known['machine']}"
    )


def caption(figure, runs, note=""):
    """Write a note and source() below a figure."""
    write_below(figure, "; ".join(filter(None, [note, source(runs)])))


def write_below(figure, text):
    """Write small text below a figure, in lines no longer than the figure is wide."""
    use_fonts_for(text)
    lines = textwrap.fill(text, round(19 * figure.get_figwidth()))
    figure.supxlabel(lines, fontsize=7, color="0.3", parse_math=False)


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
    _warn_of("".join(map(chr, sorted(missing))))


@lru_cache(None)
def _warn_of(characters):
    """Print that no font has some characters, but not again for the next figure."""
    print(
        f"warning: no installed font has {characters}, which will be boxes; install one, for "
        "example the package fonts-noto-cjk",
        file=sys.stderr,
    )


def path_of(name, scale):
    """Return the file of a table or figure; scales other than full are in its name."""
    return files.FIGURES / ((name if scale == "full" else f"{scale}-{name}") + ".png")


def png(figure, description=""):
    """Return a figure as the bytes of a PNG, with a description in its metadata.

    It has a palette, which makes the file about three times smaller, if the difference is
    invisible: photographs keep their colours.
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


def check_ending(path):
    """Raise UserError unless figures can be written in the format that a file's ending names."""
    if path.suffix not in (".png", *VECTORS):
        raise UserError(f"{path}: a figure is .png, .pdf or .svg; use one of these file extensions")


def check_free(path, marks):
    """Raise UserError if a file exists and contains none of the marks of the same figure."""
    if path.is_file() and not any(mark.encode() in path.read_bytes() for mark in marks):
        raise UserError(f"{path} is another file: choose another OUTPUT=, or delete it")


def save(figure, path, description=""):
    """Write a figure as PNG, PDF or SVG, complete or not at all, and close it."""
    content = io.BytesIO()
    if path.suffix in VECTORS:
        about = {VECTORS[path.suffix]: description}
        figure.savefig(content, format=path.suffix[1:], metadata=about)
    else:
        content.write(png(figure, description))
    files.write_whole(path, content.getvalue())
    print(os.path.relpath(path))
    plt.close(figure)
