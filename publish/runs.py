"""Blocks computed from runs: tables, figures and their captions."""

import re
import statistics

from common import files
from paper import experiments, run_files, significance
from paper.experiments import ORIGINAL110, experiment, shortcut
from paper.significance import measured, ours, say, say_ours, say_sample
from plots import figure_files, summary, tables
from plots.claims import FORMS
from plots.tables import Table

from . import words

BOTH = experiments.TABLE1 + experiments.TABLE2
RESNETS = [experiment(depth) for depth in experiments.RESNETS]  # 1512.03385, Table 6
HEAD = f"network|paper, %|ours, %|runs|{tables.TITLES.fails}|ours - original|the paper's sign, 5 % level"
# fmt: off
README = [  # rows of the README's table, after those at full scale
    experiment(110, "preact"), ORIGINAL110, shortcut("shortcut_only_gating"),
    experiment(110, "bn_after_addition"), shortcut("convolution"), shortcut("constant_scaling"),
    shortcut("plain"), shortcut("dropout"),
]
EXPECTED = [(experiment(20), "pocket"), (experiment(20), "full"), (ORIGINAL110, "desk")]
# fmt: on


def paper_error(network):
    """The papers' test error of an experiment as text, empty if they have none."""
    rows = [row for table in experiments.TABLES.values() for row in table]
    known = {row.experiment.name: row.paper for row in rows}
    known.update({row.experiment.name: row.paper for row in experiments.BY_DEPTH})
    known.update({each.name: experiments.RESNETS[each.depth] for each in RESNETS})
    return say(known.get(network.name))


def finished(networks, scale):
    """[(experiment, Ours)] of the experiments that have finished runs at a scale."""
    pairs = [(each, ours(each, scale)) for each in networks]
    return [(each, found) for each, found in pairs if found.errors]


def runs_of(pairs):
    return [run for _, found in pairs for run in found.runs]


def time_of(runs):
    """'47 min' or '4.1 h': the median time of runs."""
    minutes = statistics.median(run.rows[-1]["seconds"] / 60 for run in runs)
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def machine(run):
    """'AMD EPYC (threads: 1)' or 'GPU x 2 (threads: 8)', as far as a run's config.json has it."""
    host = run.config["host"]
    processor = re.sub(r"\(R\)|,.*| Processor", "", host.get("processor", "CPU"))
    threads = host.get("OMP_NUM_THREADS") or host["cores"]
    return f"{host['devices'].replace('CPU x 1', processor)} (threads: {threads})"


def caption(runs, language="en"):
    """Scale, data, recipe, number of runs, machine and time of some runs, in one line."""
    runs = list({run.folder: run for run in runs}.values())

    def listed(values):
        return ", ".join(map(str, sorted(set(values))))

    fields = ("image_size", "iterations", "batch_size", "seed")
    return words.CAPTION[language].format(
        **{field: listed(run.config["recipe"][field] for run in runs) for field in fields},
        scale=listed(map(run_files.recipe_of, runs)),
        data=listed(run.config["data"] for run in runs),
        types=listed(map(run_files.dtype, runs)),
        runs=len(runs),
        machine=listed(map(machine, runs)),
        time=time_of(runs),
    )


def with_caption(table, runs, note=""):
    """A table with the caption of its runs below it; a line if there are none."""
    if not runs:
        return [words.NO_RUNS["en"]]
    return [*table.markdown(), "", f"*{note}{caption(runs)}*"]


def paper_tables(page, scale, *names):
    """Finished rows of the paper's tables in the order of its errors, compared with the original."""
    rows = [row for name in names for row in experiments.TABLES[name]]
    pairs = measured(rows, scale)
    original = ours(ORIGINAL110, scale).errors
    several = [found.errors for _, found in pairs if len(found.errors) > 1]
    lines = []
    for row, found in sorted(pairs, key=lambda pair: pair[0].experiment.depth):
        cells = [summary.label(row), say(row.paper), say_ours(found), str(len(found.errors))]
        cells.append(significance.verdicts(row, found, scale))
        if row.experiment.depth != 110:
            cells[0] += f", {row.experiment.depth} layers"
        elif row.experiment != ORIGINAL110 and original and scale in significance.JUDGED:
            difference, error, p = significance.compare(original, found.errors, several)
            worse = significance.number(row.paper) > experiments.TABLE1[0].paper
            order = significance.conclusion(difference if worse else -difference, p)
            cells += [significance.say_difference(difference, error), order]
        lines.append([*cells, "", ""][:7])
    order = significance.say_order([row for row in rows if row.experiment.depth == 110], scale)
    depths = experiments.depths_note(scale, [row.experiment for row, _ in pairs])
    note = "".join(f"{note}. " for note in (order, depths) if note)
    return with_caption(Table(HEAD.split("|"), lines).filled(), runs_of(pairs), note)


def errors(page, scale, name):
    """Final errors of the networks of a figure, or of 1512.03385's ResNets (name: resnets)."""
    networks = RESNETS if name == "resnets" else experiments.experiments_of(name)
    pairs = finished(networks, scale)
    lines = []
    for each, found in pairs:
        label = run_files.label(found.runs[0])
        trained = say_sample([run.rows[-1]["train_error"] for run in found.runs])
        lines.append((label, paper_error(each), say_ours(found), trained, str(len(found.errors))))
    head = ("network", "paper, %", "ours, %", "ours, training error, %", "runs")
    return with_caption(Table(head, lines), runs_of(pairs))


def scale_of(name, scales):
    """The first scale that has enough runs for a figure: of one network for degradation, else two."""
    networks = experiments.experiments_of(name)
    least = 1 if name == "degradation" else 2
    return next((scale for scale in scales if len(finished(networks, scale)) >= least), None)


def figure(page, name, *scales):
    """A figure at the first scale that has runs for it; with its caption in a README."""
    scale = scale_of(name, scales)
    if not scale:
        return [words.NO_RUNS[page.language]]
    text = FORMS[name] if page.language == "en" else words.CHINESE_FORMS[name]
    title = re.split("[:：]", text)[0]
    image = f"![{title}]({page.root}plots/figures/{figure_files.figure_of(name, scale).name})"
    if page.root:
        return [image]
    runs = runs_of(finished(experiments.experiments_of(name), scale))
    return [image, "", f"*{text} {caption(runs, page.language)}*".replace("。 ", "。")]


def readme(page, *scales):
    """Networks at full scale, and the rows of README at the first of scales that has most of them."""
    groups = [(scale, finished(README, scale)) for scale in scales]
    groups = [group for group in groups if 2 * len(group[1]) > len(README)][:1]
    groups.insert(0, ("full", finished(RESNETS, "full")))
    labels = {row.experiment.name: summary.label(row) for row in reversed(BOTH)}
    lines = []
    for scale, pairs in groups:
        for each, found in pairs:
            label = labels.get(each.name, "original")
            depth = str(each.at(scale).depth)
            count = str(len(found.errors))
            lines.append((label, depth, scale, paper_error(each), say_ours(found), count))
    table = Table(("network", "layers", "scale", "paper, %", "ours, %", "runs"), lines)
    captions = [caption(runs_of(pairs), page.language) for _, pairs in groups if pairs]
    text = f"*{' '.join(captions)}*".replace("。 ", "。")
    return [*words.translated(table, page.language).markdown(), "", text]


def expected(page):
    """Time and test error of the commands of EXPECTED."""
    lines = []
    for network, scale in EXPECTED:
        for each, found in finished([network], scale):
            command = f"`{each.target(scale)}`"
            first = found.runs[0]
            time = time_of(found.runs)
            lines.append((command, time, machine(first), say_ours(found), first.config["data"]))
    head = ("command", "time", "machine", "test error, %", "data")
    return words.translated(Table(head, lines), page.language).markdown()


def comparisons(page, *groups):
    """Published networks at pocket scale. group: 'base,network,...', each compared with the base."""
    lines = []
    listed = []
    for group in groups:
        for name in group.split(","):
            runs = published(name)
            listed += runs
            sample = list(map(run_files.last_error, runs))
            cells = [name, say_sample(sample), str(len(sample)), "", ""]
            if group.startswith(f"{name},"):
                base = sample
            else:
                difference, error, p = significance.welch(base, sample)
                result = "worse" if difference > 0 else "better"
                cells[3] = significance.say_difference(difference, error)
                cells[4] = result if p < significance.LEVEL else "not significant"
            lines.append(cells)
    head = ("network", "test error, %", "runs", "difference ± standard error", "5 % level")
    return with_caption(Table(head, lines), listed)


def published(name):
    """The finished published runs of a network at pocket scale."""
    folders = sorted((files.RESULTS / "pocket" / f"cifar10-{name}").glob("seed*"))
    return list(filter(run_files.is_whole, map(run_files.read, folders)))
