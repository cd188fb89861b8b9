"""Blocks computed from runs: tables, figures and their captions."""

import statistics

from analysis import departures
from common import durations, files
from common.errors import UserError
from paper import counted_runs, experiments, run_files, significance
from paper.counted_runs import results_of
from paper.experiments import ORIGINAL110, cifar10, shortcut
from paper.scales import SCALES
from paper.significance import say, say_ours, say_sample
from plots import figure_files, tables
from plots.named import CAPTIONS
from plots.tables import Table

from . import words

RESNETS = [cifar10(depth) for depth in experiments.RESNETS]  # 1512.03385, Table 6
ERRORS = "network|paper, %|ours, %|ours, training error, %|runs"
HEAD = f"{ERRORS}|type|{tables.TITLES.fails}|ours - original|sign as in the paper?"
NOTES = "epochs · 轮数|training accuracy, % · 训练准确率|loss · 损失|test accuracy, % · 测试准确率|loss · 损失"
DEPARTURES = "name|departure · 差别|change, points · 变化"
# fmt: off
README = [  # rows of the README's table, after those at full scale
    cifar10(110, "preact"), ORIGINAL110, shortcut("shortcut_only_gating"),
    cifar10(110, "bn_after_addition"), shortcut("convolution"), shortcut("exclusive_gating", bias=0),
    shortcut("plain"), shortcut("dropout"),
]
EXPECTED = [(cifar10(20), "pocket"), (cifar10(20), "full"), (cifar10(110, "preact"), "desk")]
# fmt: on


def paper_error(experiment):
    """Return the papers' test error of an experiment as text, empty if they have none."""
    known = {resnet.folder_name: experiments.RESNETS[resnet.depth] for resnet in RESNETS}
    for rows in (experiments.BY_DEPTH, *experiments.TABLES.values()):
        known.update({row.experiment.folder_name: row.paper for row in rows})
    return say(known.get(experiment.folder_name))


def finished(planned, scale):
    """Return [(experiment, Results)] of the experiments with finished runs at a scale, on the most
    frequent images.
    """
    pairs = [(experiment, results_of(experiment, scale)) for experiment in planned]
    return counted_runs.comparable([pair for pair in pairs if pair[1].errors])


def runs_of(pairs):
    """Return the runs of (row or experiment, Results) pairs, each once."""
    return list({run.folder: run for _, result in pairs for run in result.runs}.values())


def seconds(run):
    """Return a run's time in s, from medians, so that no pause counts.

    Rows with and without a test have a median each.
    """
    rows = [{"iteration": 0, "seconds": 0}, *run.rows]
    kinds = {}  # [(iterations, seconds per iteration)] of rows with and without a test
    for before, after in zip(rows, rows[1:]):
        count = after["iteration"] - before["iteration"]
        time = (after["seconds"] - before["seconds"]) / count
        kinds.setdefault(after["test_error"] is None, []).append((count, time))
    return sum(
        sum(count for count, _ in kind) * statistics.median(time for _, time in kind)
        for kind in kinds.values()
    )


def time_of(runs):
    """Return the median time of runs as text."""
    return durations.in_words(statistics.median(map(seconds, runs)))


def caption(runs, language="en", *notes):
    """Return notes, and scale, data, recipe, number, machine and time of some runs, in one line."""
    known = {**figure_files.facts(runs), "time": time_of(runs)}
    text = words.CAPTION[language].format(**known, runs=len(runs))
    text = text[0].upper() + text[1:]
    return words.of_parts("".join(f"{note}. " for note in notes if note) + text, language)


def captioned(head, lines, runs, *notes):
    """Return a table with the caption of its runs below it; a line if there are none."""
    if not runs:
        return [words.NO_RUNS["en"]]
    return [
        *Table(head.split("|"), lines).filled().markdown(),
        "",
        f"*{caption(runs, 'en', *notes)}*",
    ]


def paper_tables(page, scale, *names):
    """Return the finished rows in the order of the paper's errors, compared with the original."""
    rows = [row for name in names for row in experiments.TABLES[name]]
    pairs = counted_runs.comparable_rows(rows, scale)
    original = next((results.errors for row, results in pairs if row.experiment == ORIGINAL110), [])
    several = [result.errors for _, result in pairs if len(result.errors) > 1]
    types = {run.recipe["dtype"] for run in runs_of(pairs)}
    lines = []
    for row, result in sorted(pairs, key=lambda pair: pair[0].experiment.depth):
        cells = [row.label, *_cells(say(row.paper), result)]
        listed = figure_files.listed(run.recipe["dtype"] for run in result.runs)
        cells.append(listed if len(types) > 1 else "")
        cells += [significance.verdicts(row, result, scale), "", ""]
        if row.experiment.depth != 110:
            cells[0] += f", {row.experiment.depth} layers"
        elif row.experiment != ORIGINAL110 and original and scale in significance.JUDGED:
            difference, error, p = significance.compare(original, result.errors, several)
            worse = counted_runs.number(row.paper) > experiments.TABLE1[0].paper
            cells[-2] = significance.say_difference(difference, error)
            cells[-1] = significance.conclusion(difference if worse else -difference, p)
        lines.append(cells)
    order = significance.say_order([row for row in rows if row.experiment.depth == 110], scale)
    depths = experiments.depths_note(scale, [row.experiment for row, _ in pairs])
    return captioned(HEAD, lines, runs_of(pairs), order, depths)


def errors(page, scale, name):
    """Return final errors of a figure's networks, or of 1512.03385's ResNets (name: resnets)."""
    networks = RESNETS if name == "resnets" else experiments.experiments_of(name)
    pairs = finished(networks, scale)
    lines = []
    for experiment, result in pairs:
        label = run_files.label(result.runs[0])
        lines.append((label, *_cells(paper_error(experiment), result)))
    return captioned(ERRORS, lines, runs_of(pairs))


def _cells(paper, result):
    """Return the cells of ERRORS after the network. paper: the error in the paper, as text."""
    trained = say_sample([run.rows[-1]["train_error"] for run in result.runs])
    return paper, say_ours(result), trained, str(len(result.errors))


def has_enough(name, scale):
    """Return whether a figure has enough finished networks.

    One is enough for degradation and figure1; other figures need two.
    """
    least = 1 if name in ("degradation", "figure1") else 2
    return len(finished(experiments.experiments_of(name), scale)) >= least


def figure(page, name, scale):
    """Return a figure at a scale. Its own footer states the runs."""
    if not has_enough(name, scale):
        return [words.NO_RUNS[page.language]]
    title = words.of_parts(CAPTIONS[name].split(":")[0], page.language)
    return [f"![{title}]({page.root}plots/figures/{figure_files.path_of(name, scale).name})"]


def readme(page, scale):
    """Return networks at full scale, and README's rows at another scale."""
    groups = [("full", finished(RESNETS, "full")), (scale, finished(README, scale))]
    rows = experiments.TABLE2 + experiments.TABLE1
    labels = {row.experiment.folder_name: row.label for row in rows}
    lines = []
    for scale, pairs in groups:
        for experiment, result in pairs:
            label = labels.get(experiment.folder_name, "original")
            depth = str(experiment.at(scale).depth)
            count = str(len(result.errors))
            lines.append((label, depth, scale, paper_error(experiment), say_ours(result), count))
    table = Table(("network", "layers", "scale", "paper, %", "ours, %", "runs"), lines)
    captions = []
    for scale, pairs in groups:
        if pairs:
            depths = experiments.depths_note(scale, [experiment for experiment, _ in pairs])
            captions.append(caption(runs_of(pairs), page.language, depths))
    text = f"*{' '.join(captions)}*".replace("。 ", "。")
    return [*words.translated(table, page.language).markdown(), "", text]


def expected(page):
    """Return time and test error of the commands of EXPECTED."""
    lines = []
    for network, scale in EXPECTED:
        for experiment, result in finished([network], scale):
            run = result.runs[0]
            facts = (
                time_of([run]),
                f"{run_files.machine(run)}, {run.recipe['dtype']}",
                say(run_files.last_error(run)),
                run.data,
            )
            lines.append((f"`{experiment.target(scale)}{_computed(run, scale)}`", *facts))
    head = ("command", "time", "machine", "test error, %", "data")
    return words.translated(Table(head, lines), page.language).markdown()


def _computed(run, scale):
    """Return " CPUS=2 ARGS='--dtype bfloat16'": how a run was computed, where it is not the default."""
    recipe = run.recipe
    count = run.config["host"]["devices"].replace("CPU x ", "")
    devices = "" if count == "1" else f" CPUS={count}"  # no published run used a GPU
    usual = recipe["dtype"] == "float32" or SCALES[scale].recipe.dtype == "fast"
    return devices + ("" if usual else f" ARGS='--dtype {recipe['dtype']}'")


def comparisons(page, *groups):
    """Return a table of published networks at pocket scale.

    groups: 'base,network,...'; each network is compared with its base.
    """
    lines = []
    listed = []
    for group in groups:
        trained = [(name, published(name)) for name in group.split(",")]
        lines += significance.comparisons(trained)
        listed += [run for _, runs in trained for run in runs]
    return captioned(significance.COMPARISONS, lines, listed)


def published(name):
    """Return the finished published runs of a network at pocket scale. Raises UserError without."""
    folders = sorted(files.RESULTS.glob(str(files.run_place("pocket", f"cifar10-{name}", "*"))))
    runs = list(filter(run_files.is_whole, map(run_files.read, folders)))
    if not runs:
        raise UserError(f"results/pocket has no finished run of cifar10-{name}")
    return runs


def notes_run(page):
    """Return the last epoch of the published run of the reading notes' network."""
    run = run_files.read(files.RESULTS / files.run_place("full", "cifar10-notes12", 0))
    last = run.rows[-1]
    cells = (
        f"{last['epoch']:.0f}",
        f"{100 - last['train_error']:.2f}",
        f"{last['train_loss']:.4f}",
        f"{100 - last['test_error']:.2f}",
        f"{last['test_loss']:.4f}",
    )
    return captioned(NOTES, [cells], [run])


def departures_table(page):
    """Return the departures of the notes, and how each changes the test error of preact20."""
    names = [departures.NONE, *words.DEPARTURES]
    places = [files.run_place("pocket", departures.run_name(name), 0) for name in names]
    trained = [run_files.read(files.RESULTS / place) for place in places]
    base, *errors = map(run_files.last_error, trained)
    lines = [
        (f"`{name}`", text, f"{error - base:+.2f}")
        for (name, text), error in zip(words.DEPARTURES.items(), errors)
    ]
    return captioned(DEPARTURES, lines, trained)
