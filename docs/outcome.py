"""What came out, from the published logs: Tables 1 and 2 beside the paper's, and what they show."""

import statistics

from common import files
from docs import phrases
from paper import experiments, run_files, scales
from paper.significance import (
    JUDGED,
    conclusion,
    fails,
    measured,
    neighbours,
    number,
    ours,
    rank_correlation,
    say,
    say_order,
    say_ours,
    verdicts,
)
from plots import summary
from plots.figure_files import figure_of

MOST_ROWS = 8  # of Table 1's 11
PICTURES = {
    "summary": "Every row of Tables 1 and 2 beside the paper's",
    "figure3": "Figure 3",
    "figure6": "Figure 6",
    "degradation": "Plain and residual nets by depth",
    "gate-bias-search": "The search for the gates' bias",
}


def shown():
    """The scale that the README tells of: the longest that has most of Table 1."""
    for scale in ("full", "desk"):
        if len(measured(experiments.TABLE1, scale)) >= MOST_ROWS:
            return scale
    return "pocket"


def table(name, scale, language="en"):
    """Lines of a table's finished rows, in the order of the paper's errors."""
    head = [cell.format(n=name[-1], scale=scale) for cell in phrases.HEADS[language]]
    lines = []
    for row in sorted(
        experiments.TABLES[name], key=lambda row: (row.experiment.depth, number(row.paper))
    ):
        finished = ours(row.experiment, scale)
        if finished.errors:
            lines.append(
                [
                    row.case,
                    row.remark,
                    say(row.paper),
                    say_ours(finished),
                    str(len(finished.errors)),
                    verdicts(row, finished, scale),
                ]
            )
    if scale not in JUDGED:  # the last column is empty
        head.pop()
        lines = [line[:-1] for line in lines]
    if language == "zh":
        lines = [[phrases.chinese(cell) for cell in line] for line in lines]
    rule = ["---", "---", *["---:"] * (len(head) - 2)]
    return ["| " + " | ".join(line) + " |" for line in [head, rule, *lines]]


def sentences(language="en"):
    """What came out by the papers' own recipe, a sentence a network, and Table 1 in five."""
    scale = shown()
    pairs = measured(experiments.TABLE1, scale)
    judged = neighbours(experiments.TABLE1, scale)
    original = ours(experiments.ORIGINAL110, scale)
    correlation = rank_correlation(pairs)
    facts = dict(
        rows=len(pairs),
        all=len(experiments.TABLE1),
        scale=scale,
        runs=sum(len(finished.errors) for _, finished in pairs),
        recipe=recipe(scale, language),
        depth=experiments.ORIGINAL110.at(scale).depth,
        original=say(statistics.median(original.errors)),
        paper=say(experiments.TABLE1[0].paper),
        failures=_failures(pairs, scale, language),
        correlation="?" if correlation is None else f"{correlation:.2f}",
        pairs=len(judged),
        stand=sum(pair.difference > 0 for pair in judged),
        sure=_sure(judged, language),
    )
    separator = "" if language == "zh" else " "
    table1 = separator.join(phrases.OUTCOME[language]).format(**facts)
    return [separator.join([*_papers_recipe(language), table1])]


def _papers_recipe(language):
    """A sentence for each network that was trained by the papers' own recipe."""
    return [
        phrases.FULL[language].format(
            depth=depth,
            ours=say_ours(finished),
            data=finished.runs[0].config["data"],
            paper=paper,
        )
        for depth, paper, finished in resnets()
    ]


def recipe(scale, language="en"):
    """A scale's recipe in a few words."""
    if language == "en":
        return scales.scale_named(scale).summary
    used = scales.scale_named(scale).recipe
    return (
        f"{used.iterations:,} 次迭代，每批 {used.batch_size} 张"
        f" {used.image_size}x{used.image_size} 的图像"
    )


def _failures(pairs, scale, language):
    """The sentence on the paper's failures."""
    medians = [statistics.median(finished.errors) for _, finished in pairs]
    failing = [fails(row.paper) for row, _ in pairs]
    if scale in JUDGED:
        here = [fails(median) for median in medians]
        facts = dict(
            agree=sum(one == other for one, other in zip(failing, here)),
            both=sum(one and other for one, other in zip(failing, here)),
        )
        return phrases.JUDGED[language].format(rows=len(pairs), failing=sum(failing), **facts)
    worst = sorted(range(len(pairs)), key=medians.__getitem__)[len(pairs) - sum(failing) :]
    both = sum(failing[i] for i in worst)
    return phrases.NOT_JUDGED[language].format(failing=sum(failing), both=both)


def _sure(judged, language):
    """How many of those pairs of neighbours are told apart, with the seeds that there are."""
    if all(pair.error is None for pair in judged):
        return phrases.ONE_SEED[language]
    told = [conclusion(pair) for pair in judged]
    return phrases.SURE[language].format(
        same=told.count("as in the paper"),
        other=told.count("reversed"),
    )


def order(scale):
    """Spearman's rank correlation of Tables 1 and 2, ResNet-110, in one line."""
    return [say_order(summary.networks(), scale) + "."]


def pairs(scale):
    """The neighbours in the paper's order, and whether our runs can tell them apart."""
    return summary.neighbours_table(scale).markdown()


def resnets():
    """[(depth, the paper's error, ours)]: 1512.03385, Table 6, as far as it is trained."""
    rows = [
        (depth, say(paper), ours(experiments.experiment(depth), "full"))
        for depth, paper in experiments.RESNETS.items()
    ]
    return [row for row in rows if row[2].errors]


def at_full_scale():
    """The finished runs of the papers' own recipe beside the papers' errors."""
    lines = [
        "| network | the paper, % | ours, % | pictures | runs |",
        "| --- | ---: | ---: | --- | ---: |",
    ]
    for depth, paper, finished in resnets():
        lines.append(
            f"| ResNet-{depth}, original | {paper} (1512.03385, Table 6) | {say_ours(finished)} | "
            f"{finished.runs[0].config['data']} | {len(finished.errors)} |"
        )
    if len(lines) == 2:
        return ["No run of the papers' own length is published yet."]
    return [*lines, *pictures("full")]


def degradation(scale):
    """Plain and residual nets by depth: test error, %."""
    lines = ["| | network | test error, % | runs |", "| --- | --- | ---: | ---: |"]
    for title, curves in experiments.FIGURES["degradation"]:
        for curve in curves:
            finished = ours(curve.experiment, scale)
            if finished.errors:
                lines.append(
                    f"| {title} | {curve.experiment.at(scale).depth} layers | "
                    f"{say_ours(finished)} | {len(finished.errors)} |"
                )
    return lines


def results(scale):
    """All that the published runs at a scale show: tables, order, neighbours, degradation."""
    if not measured(experiments.TABLE1 + experiments.TABLE2, scale):
        return ["No run at this scale is published yet."]
    return [
        *table("table1", scale),
        "",
        *table("table2", scale),
        "",
        *order(scale),
        "",
        *pairs(scale),
        "",
        *degradation(scale),
        *pictures(scale),
    ]


def pictures(scale):
    """The figures that are drawn of a scale, for a document in docs/."""
    drawn = {name: figure_of(name, scale) for name in PICTURES}
    lines = []
    for name, path in drawn.items():
        if path.exists():
            place = path.relative_to(files.ROOT).as_posix()
            lines += ["", f"![{PICTURES[name]}, {scale} scale](../{place})"]
    return lines


def notes():
    """The published run of the reading notes' network, epoch by epoch; accuracies in %."""
    folder = files.RESULTS / "full" / "cifar10-notes12" / "seed0"
    if not (folder / "config.json").exists():
        return ["The whole run, 12 units and 10 epochs, is not published yet. 完整的训练尚未发布。"]
    run = run_files.read(folder)
    lines = [
        f"{run.config['data']}, seed {run.config['recipe']['seed']}:",
        "",
        (
            "| epoch · 轮 | training accuracy · 训练准确率 | loss · 损失 | testing accuracy ·"
            " 测试准确率 "
            "| loss · 损失 |"
        ),
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in run.rows:
        if row["test_error"] is not None:
            lines.append(
                f"| {row['epoch']:.0f} | {100 - row['train_error']:.2f} | "
                f"{row['train_loss']:.4f} | {100 - row['test_error']:.2f} | "
                f"{row['test_loss']:.4f} |"
            )
    for name in ("loss", "accuracy"):
        if (files.FIGURES / f"notes-{name}.png").exists():
            lines += ["", f"![{name} by epoch](../plots/figures/notes-{name}.png)"]
    return lines
