"""plots/watch.html: the curves of all runs in training, with their progress and the time left.

    python -m plots.watch                    # make watch; open the page, which reloads itself
    python -m plots.watch --every 30         # seconds between two drawings (10)

It only reads logs: it needs no network and does not slow the runs down. Ctrl-C stops it.
"""

import os
import time
from html import escape

import matplotlib.pyplot as plt

from common import files
from common.command import Parser
from common.errors import UserError, run_main
from paper import run_files

from . import curves, figure_files
from .page import STYLE, picture
from .series import group_runs

PAGE = files.ROOT / "plots" / "watch.html"
# A run that writes no row for so many times the usual time is not in training; a test takes a while.
PATIENCE = 5
LEAST = 120  # seconds without a row in any case


def training(now):
    """[Run] that are not finished and wrote a row lately. now: seconds since the epoch."""
    runs = []
    for run in run_files.every():
        silent = now - (run.folder / "log.csv").stat().st_mtime
        if not run_files.is_whole(run) and silent < max(LEAST, PATIENCE * _row_seconds(run)):
            runs.append(run)
    return runs


def _row_seconds(run):
    last = [row["seconds"] for row in run.rows[-2:]]
    return max(0, last[-1] - (last[0] if len(last) > 1 else 0))


def seconds_left(run):
    """Seconds for the rest of a run at the pace of its last rows, including tests."""
    rows = run.rows[-30:]
    first = rows[0] if len(rows) > 1 else dict(iteration=0, seconds=0)
    done = rows[-1]["iteration"] - first["iteration"]
    pace = (rows[-1]["seconds"] - first["seconds"]) / done
    return max(0, pace) * (run.config["recipe"]["iterations"] - rows[-1]["iteration"])


def clock(seconds):
    """'1 h 05 min'"""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def section(run):
    """A run's progress and curves as HTML."""
    total = run.config["recipe"]["iterations"]
    reached = run.rows[-1]["iteration"]
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    curves.panel(axes, group_runs([run]))
    figure_files.caption(figure, [run])
    curves.make_room(figure)
    drawn = picture(figure_files.png(figure), run_files.label(run), str(run.folder))
    plt.close(figure)
    return (
        f"<section><h2>{escape(run.config['name'])}, seed {run.config['recipe']['seed']}</h2>"
        f"<p><progress max={total} value={reached:.0f}></progress> {reached:,.0f} of {total:,} "
        f"iterations, {clock(seconds_left(run))} left</p>{drawn}</section>"
    )


def page(every, now):
    """The complete page."""
    runs = training(now)
    body = "".join(map(section, runs)) or (
        "<p>No run is in training. Example: <code>make demo</code> trains four networks.</p>"
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{every}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{len(runs)} training</title><style>{STYLE}</style></head><body>
<h1>{len(runs)} run{"" if len(runs) == 1 else "s"} training</h1>
<p class="note">{time.strftime("%H:%M:%S", time.localtime(now))}; drawn every {every} seconds while
<code>make watch</code> is running.</p>
<div class="pair">{body}</div></body></html>
"""


def main():
    parser = Parser(__doc__)
    parser.add_argument("--every", type=int, default=10, help="seconds between two drawings (10)")
    parser.add_argument("--once", action="store_true", help="write the page once and exit")
    arguments = parser.parse_args()
    if arguments.every < 1:
        raise UserError(f"--every {arguments.every}: at least 1")
    print(f"open {os.path.relpath(PAGE)} in a browser; Ctrl-C stops this", flush=True)
    while True:
        files.write_whole(PAGE, page(arguments.every, time.time()))
        if arguments.once:
            return
        time.sleep(arguments.every)


if __name__ == "__main__":
    run_main(main)
