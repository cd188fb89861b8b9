"""plots/watch.html: the curves of all runs in training, with their progress and the time left.

    .venv/bin/python -m plots.watch    # make watch; open the page, which reloads itself
    .venv/bin/python -m plots.watch --every 30         # seconds between two drawings

It only reads logs, and needs no internet. A drawing takes half a second per run. Ctrl-C stops it.
"""

import os
import time
from html import escape

import matplotlib.pyplot as plt

from common import durations, files
from common.command import Parser, positive
from common.errors import run_main
from paper import run_files

from . import curves, figure_files
from .page import document, picture

PAGE = files.ROOT / "plots" / "watch.html"
# A run without a new row for this many usual intervals is not in training. A test delays a row.
PATIENCE = 5
LEAST = 120  # seconds that are allowed without a new row in any case


def training(now):
    """Return [RunRecord] of unfinished runs that wrote a row lately. now: seconds since the epoch."""
    runs = []
    for run in run_files.every():
        silent = now - (run.folder / "log.csv").stat().st_mtime
        usual = pace(run) * run.recipe["log_every"]
        if not run_files.is_whole(run) and silent < max(LEAST, PATIENCE * usual):
            runs.append(run)
    return runs


def pace(run):
    """Return the seconds for an iteration in the last rows of a run, including tests."""
    last = run.rows[-1]
    first = run.rows[-30:][0] if len(run.rows) > 1 else dict(iteration=0, seconds=0)
    seconds = last["seconds"] - first["seconds"]
    return max(0, seconds) / (last["iteration"] - first["iteration"])


def seconds_left(run):
    """Return the seconds for the rest of a run at its pace."""
    return pace(run) * (run.recipe["iterations"] - run.rows[-1]["iteration"])


def section(run):
    """Return a run's progress and curves as HTML."""
    recipe = run.recipe
    total = recipe["iterations"]
    reached = run.rows[-1]["iteration"]
    figure = curves.figure_of([run])
    drawn = picture(figure_files.png(figure), run_files.label(run), str(run.folder))
    plt.close(figure)
    return (
        f"<section><h2>{escape(run.config['name'])}, seed {recipe['seed']}</h2>"
        f"<p><progress max={total} value={reached:.0f}></progress> {reached:,.0f} of {total:,} "
        f"iterations, {durations.in_words(seconds_left(run))} left</p>{drawn}</section>"
    )


def page(every, now):
    """Return the complete page."""
    runs = training(now)
    sections = "".join(map(section, runs)) or (
        "<p>No run is in training. Example: <code>make demo</code> trains four networks.</p>"
    )
    body = f"""<h1>{len(runs)} run{"" if len(runs) == 1 else "s"} training</h1>
<p>{time.strftime("%H:%M:%S", time.localtime(now))}; drawn every {every} seconds while
<code>make watch</code> is running.</p>
<div class="pair">{sections}</div>"""
    refresh = f'<meta http-equiv="refresh" content="{every}">'
    return document(f"{len(runs)} training", body, refresh)


def main():
    parser = Parser(__doc__)
    parser.add_argument(
        "--every", type=positive, default=10, help="seconds between two drawings (10)"
    )
    every = parser.parse_args().every
    print(f"open {os.path.relpath(PAGE)} in a browser; Ctrl-C stops this", flush=True)
    while True:
        files.write_whole(PAGE, page(every, time.time()))
        time.sleep(every)


if __name__ == "__main__":
    run_main(main)
