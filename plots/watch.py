"""plots/watch.html: the curves of all runs that are training, with their progress and the time that
is left.

    python -m plots.watch                    # make watch; open the page, which loads itself again
    python -m plots.watch --every 30         # seconds between two drawings (10)

It reads logs alone: it needs no network, and a run does not notice it. Ctrl-C ends it.
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
# times the time between two rows of its log that a run may be silent; a test takes a while
PATIENCE = 5
LEAST = 120  # seconds that it may be in any case


def training(now):
    """[run] that is not finished and has written a row lately; now: seconds since the epoch."""
    going = []
    for one in run_files.every():
        silent = now - (one.folder / "log.csv").stat().st_mtime
        if not run_files.is_whole(one) and silent < max(LEAST, PATIENCE * _row_seconds(one)):
            going.append(one)
    return going


def _row_seconds(one):
    last = [row["seconds"] for row in one.rows[-2:]]
    return max(0, last[-1] - (last[0] if len(last) > 1 else 0))


def seconds_left(one):
    """What the rest of a run takes at the pace of its last rows, tests included."""
    rows = one.rows[-30:]
    first = rows[0] if len(rows) > 1 else dict(iteration=0, seconds=0)
    done = rows[-1]["iteration"] - first["iteration"]
    pace = (rows[-1]["seconds"] - first["seconds"]) / done
    return max(0, pace) * (one.config["recipe"]["iterations"] - rows[-1]["iteration"])


def clock(seconds):
    """'1 h 05 min'"""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def section(one):
    """A run's progress and its curves, as HTML."""
    total = one.config["recipe"]["iterations"]
    reached = one.rows[-1]["iteration"]
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    curves.panel(axes, group_runs([one]))
    figure_files.caption(figure, [one])
    drawn = picture(figure_files.png(figure), run_files.label(one), str(one.folder))
    plt.close(figure)
    return (
        f"<section><h2>{escape(one.config['name'])}, seed {one.config['recipe']['seed']}</h2>"
        f"<p><progress max={total} value={reached:.0f}></progress> {reached:,.0f} of {total:,} "
        f"iterations, {clock(seconds_left(one))} left</p>{drawn}</section>"
    )


def page(every, now):
    """The whole page; a run that cannot be drawn yet is left out."""
    going = training(now)
    body = "".join(map(section, going)) or (
        "<p>Nothing is training. <code>make demo</code>, for example, trains four networks.</p>"
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{every}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{len(going)} training</title><style>{STYLE}</style></head><body>
<h1>{len(going)} run{"" if len(going) == 1 else "s"} training</h1>
<p class="note">{time.strftime("%H:%M:%S", time.localtime(now))}; drawn again every {every} seconds
while <code>make watch</code> goes on.</p>
<div class="pair">{body}</div></body></html>
"""


def main():
    parser = Parser(__doc__)
    parser.add_argument("--every", type=int, default=10, help="seconds between two drawings (10)")
    parser.add_argument("--once", action="store_true", help="write the page, and end")
    arguments = parser.parse_args()
    if arguments.every < 1:
        raise UserError(f"--every {arguments.every}: at least 1")
    print(f"open {os.path.relpath(PAGE)} in a browser; Ctrl-C ends this", flush=True)
    while True:
        files.write_whole(PAGE, page(arguments.every, time.time()))
        if arguments.once:
            return
        time.sleep(arguments.every)


if __name__ == "__main__":
    run_main(main)
