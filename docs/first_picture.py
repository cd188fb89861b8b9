"""The README's first picture: four ways to join 56 layers, at the longest scale that has them."""

import statistics

from common import files
from common.errors import UserError
from paper import run_files, scales
from plots import curves

NETWORKS = ("original56", "preact56", "plain56", "constant_scaling56")
TITLE = "Four ways to join 56 layers"
CAPTIONS = {
    "en": (
        "*Real curves on real photographs, from a machine without a GPU: 56 layers joined in four"
        " ways, at {scale} scale ({data} averaged to {side}x{side}; {iterations:,} iterations of"
        " {batch}; {seeds}; one CPU thread,"
        " {minutes:.0f} minutes a run in the median). Solid:"
        " test error; dashed: training loss, as in the paper.*"
    ),
    "zh": (
        "*真实照片上的真实曲线，没有使用 GPU：56 层以四种方式相连，{scale} 规模（{data}，平均到"
        " {side}x{side}；{iterations:,} 次迭代，每批 {batch} 张；{seeds}；一个 CPU 线程，"
        "每次训练中位数 {minutes:.0f} 分钟）。实线：测试误差；虚线：训练损失，与论文相同。*"
    ),
}

SEEDS = {  # one, several
    "en": ("one seed each", "medians of up to {} seeds, bands of all"),
    "zh": ("各一个种子", "至多 {} 个种子的中位数，色带为全部"),
}


def published(scale):
    """The published runs of the four at a scale, all finished seeds; none where one has none."""
    found = []
    for network in NETWORKS:
        finished = []
        for folder in sorted((files.RESULTS / scale / f"cifar10-{network}").glob("seed*")):
            try:
                finished.append(run_files.read(folder))
            except UserError:
                continue
        finished = list(filter(run_files.is_whole, finished))
        if not finished:
            return []
        found += finished
    return found


def scale():
    """The longest scale that has all four."""
    return next(name for name in scales.SCALES if published(name))


def path():
    """Where the picture lies."""
    return files.FIGURES / f"{scale()}-56-layers.png"


def lines(language="en"):
    """The picture and its caption, as Markdown."""
    drawn = published(scale())
    recipe = drawn[0].config["recipe"]
    minutes = statistics.median(run.rows[-1]["seconds"] / 60 for run in drawn)
    seeds = len({run.config["recipe"]["seed"] for run in drawn})
    caption = CAPTIONS[language].format(
        scale=scale(),
        data=drawn[0].config["data"],
        side=recipe["image_size"],
        iterations=recipe["iterations"],
        batch=recipe["batch_size"],
        minutes=minutes,
        seeds=SEEDS[language][seeds > 1].format(seeds),
    )
    return [f"![{TITLE}]({path().relative_to(files.ROOT).as_posix()})", "", caption]


def draw():
    """Draw it from the logs."""
    curves.draw(published(scale()), path(), TITLE)
