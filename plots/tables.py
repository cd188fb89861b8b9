"""The paper's tables with ours beside: Markdown for reading and copying, PNG for showing.

    python -m plots table1 --scale pocket
"""
import math
import statistics
from collections import namedtuple

import matplotlib.pyplot as plt
import numpy as np

from paper import experiments
from paper import runs as results

from . import pictures

# errors: last iterate of each finished run, in %. config: of one of them, None without any. unfinished: how many others.
Ours = namedtuple("Ours", "errors config unfinished")


def ours(experiment, scale, crop=None):
    """What there is of an experiment at a scale. crop: the error by that rule, as train_imagenet.py --test-only left it."""
    found = results.of(experiment, scale)
    whole = [run for run in found if results.is_whole(run) and (crop is None or crop in results.tested(run))]
    errors = [results.tested(run)[crop] if crop else results.last_error(run) for run in whole]
    return Ours(errors, whole[0].config if whole else None, len(found) - len(whole))


def ranks(values):
    """Ranks from 1, ties sharing their mean rank."""
    order = sorted(values)
    return [order.index(value) + (order.count(value) + 1) / 2 for value in values]


def number(error):
    """An error as a number to sort by: the paper's "fail" rows are tied at the bottom."""
    return math.inf if error == experiments.FAIL else error


def rank_correlation(name, scale, depth=None):
    """(Spearman's rank correlation of ours with the paper's errors, rows) over the rows that have both; None below three rows.

    depth: of the paper's network, for a table that has two. Ours are the medians of whatever was measured.
    """
    pairs = [(number(row.paper), statistics.median(found.errors)) for row in experiments.TABLES[name]
             if depth in (None, row.experiment.depth)
             for found in [ours(row.experiment, scale, row.crop)] if found.errors]
    if len(pairs) < 3:
        return None, len(pairs)
    paper, measured = (ranks(column) for column in zip(*pairs))
    return float(np.corrcoef(paper, measured)[0, 1]), len(pairs)


def order(name, scale, depth=None):
    """rank_correlation in words, for each of the paper's depths by itself; empty where there are too few rows."""
    depths = list(dict.fromkeys(row.experiment.depth for row in experiments.TABLES[name] if row.experiment))
    said = []
    for each in depths if depth is None else [depth]:
        correlation, count = rank_correlation(name, scale, each)
        if correlation is not None:
            of = f"ResNet-{each}: " if depth is None and len(depths) > 1 else ""
            said.append(f"{of}Spearman's rank correlation with the paper's errors over {count} rows: {correlation:.2f}")
    return "; ".join(said)


def say(error):
    """An error as the paper writes it: above 20 % it is a failure, and ours says how far above."""
    return "" if error is None else "fail" if error == experiments.FAIL else f"{error:.2f}"


def say_ours(found, scale):
    """Median of n (mean +- standard deviation); at full scale "fail" above 20 %, as in the paper."""
    if not found.errors:
        return "unfinished" if found.unfinished else ""
    median = statistics.median(found.errors)
    text = f"{median:.2f}" + (" (fail)" if scale == "full" and median > 20 else "")
    if len(found.errors) > 1:
        text += f" ({statistics.mean(found.errors):.2f} +- {statistics.stdev(found.errors):.2f})"
    return text


HEAD = ("case", "remark", "paper", "ours", "n", "scale", "data", "iterations", "command")


def lines(name, scale):
    """The table as tuples of strings, in the order of HEAD."""
    rows = []
    for row in experiments.TABLES[name]:
        found = ours(row.experiment, scale, row.crop)
        recipe = found.config["recipe"] if found.config else {}
        command = row.experiment.target(scale)
        rows.append((row.case, row.remark, say(row.paper), say_ours(found, scale), str(len(found.errors) or ""), scale,
                     found.config["data"] if found.config else "", f"{recipe['iterations']:,}" if recipe else "", command))
    return rows


def markdown(rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [HEAD, ["---"] * len(HEAD), *rows]) + "\n"


def picture(name, rows, scale, path):
    """The table without its commands as a PNG."""
    columns = [i for i, head in enumerate(HEAD) if head not in ("command", "scale", "data")]
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.3 * len(rows)), layout="constrained")
    axes.axis("off")
    table = axes.table([[row[i] for i in columns] for row in rows], colLabels=[HEAD[i] for i in columns], loc="center",
                       cellLoc="left", colLoc="left")
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.auto_set_column_width(range(len(columns)))
    table.scale(1, 1.4)
    for (line, _), cell in table.get_celld().items():
        cell.set(edgecolor="0.8", facecolor="0.92" if line == 0 else "white")
    data = ", ".join(sorted({row[HEAD.index("data")] for row in rows} - {""})) or "no runs yet"
    axes.set_title(f"Table {name[-1]} of 1603.05027: test error (%), paper and ours", fontsize=11)
    note = experiments.depths_note(scale, name)
    figure.supxlabel(f"scale {scale}{note and ': ' + note}; {data}; ours: last iterate, median of n (mean +- standard deviation); "
                     f"paper: full scale, CIFAR, median of {experiments.PAPER_SEEDS}", fontsize=7, color="0.3")
    pictures.save(figure, path)
    plt.close(figure)


def draw(name, scale):
    """Print a table and write its Markdown and PNG under plots/figures/."""
    rows = lines(name, scale)
    path = pictures.figure_of(name, scale)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".md").write_text(markdown(rows))
    width = [max(len(row[i]) for row in [HEAD, *rows]) for i in range(5)]
    if experiments.depths_note(scale, name):
        print(f"scale {scale}: {experiments.depths_note(scale, name)}")
    for row in [HEAD, *rows]:
        print("  ".join(cell.ljust(size) for cell, size in zip(row, width)).rstrip())
    if order(name, scale):
        print(order(name, scale))
    missing = [row for row in rows if row[3] in ("", "unfinished") and row[-1]]
    if missing:
        how = "each is trained by its command above" if name == "table5" else f"{experiments.make(name, scale)} trains them"
        print(f"{len(missing)} of {len(rows)} rows are missing; {how}")
    picture(name, rows, scale, path)
