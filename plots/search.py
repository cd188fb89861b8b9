"""The search of section 3.1 for the initial bias of the gates: error on 5,000 held-out training images against b_g.

    python -m plots gate-bias-search --scale pocket
"""
import math
import statistics

import matplotlib.pyplot as plt

from paper import experiments
from paper import runs as results

from . import pictures, tables

PAPER_BEST = -6  # 1603.05027, section 3.1


def bias(experiment):
    return experiment.constants.get("bias", PAPER_BEST)  # which is the default of the shortcut, too


def found(scale):
    """{bias: what there is of it}, for the biases that have a finished run."""
    every = {bias(each): tables.ours(each, scale) for each in experiments.GATE_BIAS_SEARCH}
    return {each: ours for each, ours in every.items() if ours.errors}


def best(scale):
    """The experiment on the whole training set with the bias of the smallest validation error; None until all are there."""
    there = found(scale)
    if len(there) < len(experiments.GATE_BIAS_SEARCH):
        return None
    chosen = min(experiments.GATE_BIAS_SEARCH, key=lambda each: statistics.median(there[bias(each)].errors))
    return chosen._replace(options="")


def draw(name, scale):
    """Print the search, and write its picture under plots/figures/."""
    there = found(scale)
    for each, ours in there.items():
        print(f"bias {each:>3}: validation error {tables.say_ours(ours, scale)} %")
    lacking = len(experiments.GATE_BIAS_SEARCH) - len(there)
    if lacking:
        print(f"{lacking} of {len(experiments.GATE_BIAS_SEARCH)} biases are missing; {experiments.make(name, scale)} "
              "trains them")
    if not there:
        return
    title = "exclusive gating: initial bias of the gates, searched as in section 3.1 of 1603.05027"
    if not lacking:
        test = tables.ours(best(scale), scale)
        title += f"\nbest: {bias(best(scale))} (the paper: {PAPER_BEST})"
        if test.errors:
            title += f"; trained again on all pictures, test error {tables.say_ours(test, scale)} % (the paper: 8.70 %)"
        print(title.splitlines()[1])
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for each, ours in there.items():
        axes.plot([each] * len(ours.errors), ours.errors, "o", color="#0000ff", markersize=4, alpha=0.5)
    searched = [bias(each) for each in experiments.GATE_BIAS_SEARCH]  # a line between neighbours alone
    axes.plot(searched, [statistics.median(there[each].errors) if each in there else math.nan for each in searched], "-",
              color="#0000ff")
    axes.axvline(PAPER_BEST, color="0.5", linestyle=":")
    axes.annotate("the paper's best", (PAPER_BEST, 1), xycoords=("data", "axes fraction"), xytext=(3, -10),
                  textcoords="offset points", fontsize=8, color="0.3")
    axes.set(xlabel="$b_g$", ylabel="Validation error, %", xlim=(0.5, -10.5), xticks=range(0, -11, -1))
    axes.set_title(title, fontsize=10)
    axes.grid(axis="y", linestyle=":", color="0.6")
    runs = [run for each in experiments.GATE_BIAS_SEARCH for run in results.of(each, scale)]
    figure.supxlabel(pictures.caption(runs, of="point"), fontsize=6.5, color="0.3")
    pictures.save(figure, pictures.figure_of(name, scale))
    plt.close(figure)
