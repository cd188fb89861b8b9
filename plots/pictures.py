"""What all pictures have in common: their place, the line below them, being written whole."""

import io
import os
import textwrap
from pathlib import Path

from common import files
from paper import runs as results


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
            _listed(map(results.dtype, runs)),
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
    scales = sorted({results.recipe_of(run) for run in runs})
    known = [scale for scale in scales if scale != results.OWN_RECIPE]
    said = [f"scale {', '.join(known)}"] if known else []
    return ", ".join(said + [results.OWN_RECIPE] * (len(known) < len(scales)))


def caption(figure, runs, of="curve", note=""):
    """Write source() below a figure, in lines that are no longer than the figure is wide."""
    write_below(figure, "; ".join(filter(None, [note, source(runs, of)])))


def write_below(figure, text):
    """A small line, or several, below a figure."""
    wrapped = plain(textwrap.fill(text, round(19 * figure.get_figwidth())))
    figure.supxlabel(wrapped, fontsize=7, color="0.3")


def plain(text):
    """A user's text as matplotlib draws it: a dollar is a dollar, not the beginning of a formula.
    """
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
    """A figure as the bytes of a PNG, with a description in its text."""
    content = io.BytesIO()
    about = {"Software": None, "Description": description}
    figure.savefig(content, format="png", dpi=150, metadata=about)
    return content.getvalue()


def save(figure, path, description=None):
    """Write a PNG whole or not at all, so that it can be looked at while it is drawn again."""
    files.write_whole(path, png(figure, description))
    print(os.path.relpath(path))
