"""Training curves in the layout of the paper's Figures 1, 3 and 6.

Solid: test error on the right axis, linear. Dashed: training loss on the left axis, logarithmic. Iterations below.

    python -m plots.curves results/full/cifar10-preact20/seed0 [another run ...] [--output FILE.png]
"""
import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib import ticker

from common.errors import run as run_main
from paper import runs as results

from . import pictures

# As in the paper: dark yellow for the original, blue for the proposed unit, then green and purple. They differ in lightness
# too, for readers who see no colours and for printers that print none; each curve's test errors have their own marker.
COLOURS = {"original": "#bfa500", "preact": "#0000ff"}
OTHERS = ("#007f3f", "#a000a0", "#e06020", "#00a0d0", "#202020", "#c05080", "#806040")
MARKERS = "osD^v<>pX"


def panel(axes, runs, title=None, papers=()):
    """Draw runs into one pair of axes, and return the right-hand ones.

    papers: for each run the paper's own curve, {"train_loss": points, "test_err": points}, drawn behind it in a light tone.
    """
    right = axes.twinx()
    for run, (colour, marker) in zip(runs, styles([run.config["recipe"] for run in runs])):
        for paper in papers[runs.index(run):][:1]:
            axes.plot(*zip(*paper.get("train_loss", [(0, 1)])), color=colour, linestyle=(0, (5, 2)), linewidth=1, alpha=0.3)
            right.plot(*zip(*paper["test_err"]), color=colour, linewidth=3, alpha=0.3)
        axes.plot(*_points(run, "train_loss"), color=colour, linestyle=(0, (5, 2)), linewidth=1.1)
        iterations, errors = _points(run, "test_error")
        finished = "" if results.is_whole(run) else ", unfinished"
        error = f" (error {errors[-1]:.2f} %{finished})" if errors else f" (no test yet{finished})"
        right.plot(iterations, errors, color=colour, linewidth=1.8, marker=marker, markersize=4, markevery=0.1,
                   label=results.label(run) + error)
    last = max(run.config["recipe"]["iterations"] for run in runs)
    axes.set_xlim(0, last * 68 / 64)
    axes.set_xlabel("Iterations")
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.set_yscale("log")
    axes.set_ylim(*_loss_range([loss for run in runs for loss in _points(run, "train_loss")[1]]))
    low, high = axes.get_ylim()
    axes.set_yticks((0.2, 0.5, 1, 2, high) if low >= 0.2 else [tick for tick in (0.002, 0.02, 0.2, 2) if tick >= low])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.set_ylabel("Training loss (dashed)")
    right.set_ylim(0, _top([error for run in runs for error in _points(run, "test_error")[1][-3:]]))
    right.set_ylabel("Test error, % (solid)")
    right.grid(axis="y", linestyle=":", color="0.6")
    # above the panel, where it hides no curve
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=1 if len(runs) < 3 else 2, fontsize=8, frameon=False,
                 title=title)
    return right


def styles(recipes):
    """[(colour, marker)] for networks in one figure; recipes have their activation and shortcut."""
    own, others, found = dict(COLOURS), iter(OTHERS * len(recipes)), []
    for recipe, marker in zip(recipes, MARKERS * len(recipes)):
        kind = recipe["activation"] if recipe["shortcut"] == "identity" else "variant"
        found.append((own.pop(kind, None) or next(others), marker))  # a second depth or seed of one kind has a colour of its own
    return found


def _points(run, column):
    """(iterations, values) of a column where it is filled."""
    points = [(row["iteration"], row[column]) for row in run.rows if row[column] is not None]
    return [x for x, _ in points], [y for _, y in points]


def _loss_range(losses):
    """The paper's 0.002 to 2, of which a short run that never gets there leaves out the lower part."""
    low = min((loss for loss in losses if 0 < loss < float("inf")), default=1)
    return next((bottom for bottom in (0.2, 0.02) if low > bottom), 0.002), 2 if low < 0.2 else 5


def _top(errors):
    """Upper end of the error axis: the paper's 20 %, or the first round number with room for the last errors."""
    return next((top for top in (20, 40, 60, 80) if max(errors, default=0) < 0.75 * top), 100)


def draw(runs, path, title=None):
    """A figure of one panel with a line below that says what it is made from."""
    figure, axes = plt.subplots(figsize=(7, 4.8), layout="constrained")
    panel(axes, runs, title)
    figure.supxlabel(pictures.caption(runs), fontsize=6.5, color="0.3")
    pictures.save(figure, Path(path))
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders; several come into one figure")
    parser.add_argument("--output", type=Path, help="by default plots/figures/<run>.png")
    parser.add_argument("--title")
    arguments = parser.parse_args()
    draw([results.read(folder) for folder in arguments.runs], arguments.output or pictures.figure_path(arguments.runs[0]),
         arguments.title)


if __name__ == "__main__":
    run_main(main)
