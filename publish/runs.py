"""Blocks computed from runs: tables, figures and their captions."""

import re
import statistics

from common import files
from paper import experiments, run_files, significance
from paper.experiments import ORIGINAL110, experiment, shortcut
from paper.significance import measured, ours, say, say_ours, say_sample
from plots import figure_files, summary, tables
from plots.tables import Table

from . import words

BOTH = experiments.TABLE1 + experiments.TABLE2
RESNETS = [experiment(depth) for depth in experiments.RESNETS]  # 1512.03385, Table 6
# fmt: off
README = [  # rows of the README's table, after those at full scale
    experiment(110, "preact"), ORIGINAL110, shortcut("shortcut_only_gating"),
    experiment(110, "bn_after_addition"), shortcut("convolution"), shortcut("constant_scaling"),
    shortcut("plain"), shortcut("dropout"),
]
EXPECTED = [(experiment(20), "pocket"), (experiment(20), "full"), (ORIGINAL110, "desk")]
FINDINGS = [  # of the paper, and of 1512.03385 for plain networks: (text, better, worse)
    ("identity better than shortcut-only gating (-6)", ORIGINAL110, shortcut("shortcut_only_gating")),
    ("identity better than exclusive gating (-6)", ORIGINAL110, shortcut("exclusive_gating")),
    ("identity better than 1x1 convolution", ORIGINAL110, shortcut("convolution")),
    ("identity better than constant scaling (0.5, 0.5)", ORIGINAL110, shortcut("constant_scaling")),
    ("exclusive gating: -6 better than -7",
     shortcut("exclusive_gating"), shortcut("exclusive_gating", bias=-7)),
    ("bias 0: shortcut-only better than exclusive gating",
     shortcut("shortcut_only_gating", bias=0), shortcut("exclusive_gating", bias=0)),
    ("full pre-activation better than original", experiment(110, "preact"), ORIGINAL110),
    ("original better than ReLU-only pre-activation", ORIGINAL110, experiment(110, "relu_only_preact")),
    ("original better than ReLU before addition", ORIGINAL110, experiment(110, "relu_before_addition")),
    ("original better than BN after addition", ORIGINAL110, experiment(110, "bn_after_addition")),
    ("plain: 20 layers better than 56", experiment(20, shortcut="plain"), experiment(56, shortcut="plain")),
    ("residual: 56 layers better than 20", experiment(56), experiment(20)),
]
# fmt: on


def paper_error(wanted):
    """The papers' test error of an experiment as text, empty if they have none."""
    rows = [row for table in experiments.TABLES.values() for row in table]
    known = {row.experiment.name: row.paper for row in rows}
    known.update({each.name: experiments.RESNETS[each.depth] for each in RESNETS})
    return say(known.get(wanted.name))


def finished(wanted, scale):
    """[(experiment, Ours)] of the experiments that have finished runs at a scale."""
    pairs = [(each, ours(each, scale)) for each in wanted]
    return [(each, found) for each, found in pairs if found.errors]


def runs_of(pairs):
    return [run for _, found in pairs for run in found.runs]


def time_of(runs):
    """'47 min' or '4.1 h': the median time of runs."""
    minutes = statistics.median(run.rows[-1]["seconds"] / 60 for run in runs)
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def machine(run):
    """'AMD EPYC, 1 thread' or 'GPU x 2, 8 threads', as far as a run's config.json has it."""
    host = run.config["host"]
    processor = re.sub(r"\(R\)|,.*| Processor", "", host.get("processor", "CPU"))
    threads = host.get("OMP_NUM_THREADS") or host["cores"]
    plural = "" if str(threads) == "1" else "s"
    return f"{host['devices'].replace('CPU x 1', processor)}, {threads} thread{plural}"


def caption(runs, language="en"):
    """Scale, data, recipe, number of runs, machine and time of some runs, in one line."""
    runs = list({run.folder: run for run in runs}.values())
    recipes = [run.config["recipe"] for run in runs]

    def listed(values):
        return ", ".join(map(str, sorted(set(values))))

    return words.CAPTION[language].format(
        scale=listed(map(run_files.recipe_of, runs)),
        data=listed(run.config["data"] for run in runs),
        side=listed(recipe["image_size"] for recipe in recipes),
        iterations=listed(f"{recipe['iterations']:,}" for recipe in recipes),
        batch=listed(recipe["batch_size"] for recipe in recipes),
        types=listed(map(run_files.dtype, runs)),
        runs=len(runs),
        seeds=listed(recipe["seed"] for recipe in recipes),
        machine="; ".join(sorted(set(map(machine, runs)))),
        time=time_of(runs),
    )


def with_caption(table, runs, note=""):
    """A table with the caption of its runs below it; a line if there are none."""
    if not runs:
        return [words.NO_RUNS["en"]]
    return [*table.markdown(), "", f"*{note}{caption(runs)}*"]


def paper_tables(page, scale, *names):
    """Finished rows of the paper's tables, each network once, in the order of the paper's errors."""
    pairs = [
        pair
        for name in names
        for pair in zip(experiments.TABLES[name], tables.rows_of(name, scale))
    ]
    pairs.sort(key=lambda pair: (pair[0].experiment.depth, significance.number(pair[0].paper)))
    rows = {}
    for row, line in pairs:
        if line.runs:
            depth = "" if row.experiment.depth == 110 else f", {row.experiment.depth} layers"
            label = line._replace(case=summary.label(row) + depth)
            rows.setdefault(row.experiment.name, label)
    table = tables.table(list(rows.values()), ("case", "paper", "ours", "runs", "fails"))
    deep = [row for row, _ in pairs if row.experiment.depth == 110]
    notes = [
        significance.say_order(deep, scale),
        experiments.depths_note(scale, experiments.experiments_of("summary")),
    ]
    runs = runs_of(finished([row.experiment for row, _ in pairs], scale))
    return with_caption(table, runs, "".join(f"{note}. " for note in notes if note))


def errors(page, scale, name):
    """Final errors of the networks of a figure, or of 1512.03385's ResNets (name: resnets)."""
    wanted = RESNETS if name == "resnets" else experiments.experiments_of(name)
    pairs = finished(wanted, scale)
    lines = [
        (
            run_files.label(found.runs[0]),
            paper_error(each),
            say_ours(found),
            say_sample([run.rows[-1]["train_error"] for run in found.runs]),
            str(len(found.errors)),
        )
        for each, found in pairs
    ]
    head = ("network", "paper, %", "ours, %", "ours, training error, %", "runs")
    return with_caption(Table(head, lines), runs_of(pairs))


def findings(page, scale):
    """What the paper finds, and whether our runs at a scale agree."""
    samples = [found.errors for _, found in measured(BOTH, scale)]
    several = [sample for sample in samples if len(sample) > 1]
    lines = []
    for text, *networks in FINDINGS:
        pairs = finished(networks, scale)
        if len(pairs) == 2:
            before, after = (found.errors for _, found in pairs)
            difference, error, p = significance.compare(before, after, several)
            change = significance.say_difference(difference, error)
            count = f"{len(before)}, {len(after)}"
            lines.append((text, change, count, significance.conclusion(difference, p)))
    head = ("the paper's order", "ours: difference ± standard error", "runs", "ours, 5 % level")
    return Table(head, lines).markdown() if lines else [words.NO_RUNS[page.language]]


def scale_of(name, scales):
    """The first scale that has enough runs for a figure: of one network for degradation, else two."""
    wanted = experiments.experiments_of(name)
    least = 1 if name == "degradation" else 2
    return next((scale for scale in scales if len(finished(wanted, scale)) >= least), None)


def figure(page, name, *scales):
    """A figure with its caption, at the first scale that has runs for it. In docs/ the
    image alone, which contains its caption."""
    scale = scale_of(name, scales)
    if not scale:
        return [words.NO_RUNS[page.language]]
    text = words.FIGURES[name][page.language]
    image = f"![{text}]({page.root}plots/figures/{figure_files.figure_of(name, scale).name})"
    if page.root:
        return [image]
    runs = runs_of(finished(experiments.experiments_of(name), scale))
    return [image, "", f"*{text}{words.STOP[page.language]}{caption(runs, page.language)}*"]


def readme(page, *scales):
    """Networks at full scale, and the rows of README at the first of scales that has most of them."""
    groups = [("full", finished(RESNETS, "full"))]
    groups += [(scale, finished(README, scale)) for scale in scales]
    groups = [groups[0], *[group for group in groups[1:] if 2 * len(group[1]) > len(README)][:1]]
    labels = {row.experiment.name: summary.label(row) for row in reversed(BOTH)}
    lines = [
        (
            labels.get(each.name, "original"),
            str(each.at(scale).depth),
            scale,
            paper_error(each),
            say_ours(found),
            str(len(found.errors)),
        )
        for scale, pairs in groups
        for each, found in pairs
    ]
    table = Table(("network", "layers", "scale", "paper, %", "ours, %", "runs"), lines)
    captions = [caption(runs_of(pairs), page.language) for _, pairs in groups if pairs]
    return [*words.translated(table, page.language).markdown(), "", f"*{' '.join(captions)}*"]


def expected(page):
    """Time and test error of the commands of EXPECTED."""
    lines = []
    for wanted, scale in EXPECTED:
        for each, found in finished([wanted], scale):
            command = f"`{each.target(scale)}`"
            machines = "; ".join(sorted(set(map(machine, found.runs))))
            data = found.runs[0].config["data"]
            lines.append((command, time_of(found.runs), machines, say_ours(found), data))
    head = ("command", "time", "machine", "test error, %", "data")
    return words.translated(Table(head, lines), page.language).markdown()


def comparisons(page, *pairs):
    """Published runs at pocket scale, by Welch's t-test: 'network' or 'network/compared with'."""
    lines = []
    listed = []
    for pair in pairs:
        name, *others = pair.split("/")
        samples = []
        for each in (name, *others):
            runs = published(each)
            listed += runs
            samples.append([run_files.last_error(run) for run in runs])
        change = ["", ""]
        if others:
            difference, error, p = significance.welch(samples[1], samples[0])
            result = "worse" if difference > 0 else "better"
            change = [
                significance.say_difference(difference, error),
                result if p < significance.LEVEL else "not significant",
            ]
        count = ", ".join(str(len(sample)) for sample in samples)
        lines.append((name, say_sample(samples[0]), "".join(others), count, *change))
    head = (
        "network",
        "test error, %",
        "against",
        "runs",
        "difference ± standard error",
        "5 % level",
    )
    return with_caption(Table(head, lines), listed)


def published(name):
    """The finished published runs of a network at pocket scale."""
    folders = sorted((files.RESULTS / "pocket" / f"cifar10-{name}").glob("seed*"))
    return list(filter(run_files.is_whole, map(run_files.read, folders)))
