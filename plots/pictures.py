"""What all pictures have in common: their place, the line below them, being written whole."""
import io
import os
from pathlib import Path

from common import files


def caption(runs, of="curve"):
    """One line under a figure: data, scale, recipe, seeds and machine. of: what a run is there; None: a part of a point."""
    def each(values):
        return ", ".join(sorted({str(value) for value in values}))

    recipes = [run.config["recipe"] for run in runs]
    return "; ".join([
        each(run.config["data"] for run in runs),
        f"scale {each(run.config['scale'] for run in runs)}",
        f"{each(recipe['image_size'] for recipe in recipes)} pixels square",
        f"batch {each(recipe['batch_size'] for recipe in recipes)}",
        (f"one run a {of}, " if of else "") + f"seed {each(recipe['seed'] for recipe in recipes)}",
        f"{each(run.config['host']['devices'] for run in runs)} ({each(run.config['host']['cores'] for run in runs)} cores)"])


def figure_path(folder):
    """Where the figure of a run belongs: plots/figures/ for what lies under results/, else beside its log."""
    try:
        parts = Path(folder).resolve().relative_to(files.RESULTS).parts
    except ValueError:
        return Path(folder) / "curves.png"
    return files.FIGURES / ("-".join(part for part in parts if part not in ("full", "seed0")) + ".png")


def figure_of(name, scale):
    """Where a table or figure of the paper belongs; of full scale it has the bare name."""
    return files.FIGURES / ((name if scale == "full" else f"{scale}-{name}") + ".png")


def save(figure, path):
    """Write a PNG whole or not at all, so that it can be looked at while it is drawn again."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150, metadata={"Software": None})
    files.write_whole(path, content.getvalue())
    print(os.path.relpath(path))
