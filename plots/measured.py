"""What the figures of measurements (analysis/) have in common: size, fonts, caption, command line.

A document shows a figure 830 pixels wide. Text of 8 points in a figure of WIDTH inches is then
10 pixels high.
"""

import matplotlib.pyplot as plt

from analysis import measurements
from common import files
from common.command import Parser, folder

from . import figure_files

WIDTH = 8.8
STYLE = plt.rc_context(
    {
        "font.size": 9,
        "axes.titlesize": 9.5,
        "legend.fontsize": 8,
        "legend.title_fontsize": 9.5,
        "legend.frameon": False,
        "lines.markersize": 4,
        "lines.linewidth": 1.4,
        "figure.constrained_layout.use": True,
    }
)


def legend_above(axes, title=None, columns=1):
    """Place the legend above the axes, where it hides nothing."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), title=title, ncols=columns)


def grid(axes):
    """Draw horizontal lines at the ticks of the y axis."""
    axes.grid(axis="y", linestyle=":", color="0.7")


def stage_borders(axes, borders):
    """Draw a vertical line where a stage begins."""
    for border in borders:
        axes.axvline(border, color="0.8", linewidth=0.8, zorder=0)


def save(figure, kind, tables, *notes):
    """Write the figure of some CSV files, with a caption of their weights, images and notes."""
    texts = dict.fromkeys(rows[0][key] for key in ("weights", "images") for rows in tables)
    figure_files.write_below(figure, "; ".join([*texts, *notes]))
    name = measurements.joined(rows[0]["name"] for rows in tables)
    figure_files.save(figure, files.FIGURES / f"{kind}-{name}.png")
    plt.close(figure)


def main(description, draw):
    """Command line of a figure. draw(tables): draws one figure of the rows of all CSV files."""
    parser = Parser(description)
    parser.add_argument(
        "tables", nargs="+", type=folder, metavar="FILE", help="CSV files from results/analysis/"
    )
    draw([measurements.read(path) for path in parser.parse_args().tables])
