"""Numbers that the documents' sentences have in them, each computed from logs and measurements.

In a document a number stands as <!--name-->12.3<!--/-->; make docs writes it anew.
"""

import functools
import math
import re
import statistics

from analysis import departures, measurements
from common import files
from paper import experiments, queue, run_files, search
from paper.scales import scale_named
from paper.significance import measured as ranked
from paper.significance import ours, rank_correlation

PREDICTED = "preact-constant_scaling110"  # networks of which equation (8) predicts the gradient
TRAINED = "propagation-pocket-cifar10-original56-pocket-cifar10-plain56-original56-plain56"


def measured(name):
    """The rows of results/analysis/<name>.csv."""
    return measurements.read(files.RESULTS / "analysis" / f"{name}.csv")


def lesions(network):
    """{unit: what its deletion costs, in points} of a trained network."""
    rows = measured(f"lesion-pocket-cifar10-{network}")
    return {
        row["units"]: row["error"] - rows[0]["error"] for row in rows if row["lesion"] == "delete"
    }


def whole(network):
    """Test error of a trained network before any lesion, in %."""
    return measured(f"lesion-pocket-cifar10-{network}")[0]["error"]


def worst_but_first(network):
    """What the most costly deletion costs, the first unit's left out, in points."""
    return max(cost for unit, cost in lesions(network).items() if unit != "stage1_unit1")


def responses(network, start="", end="", prefix="pocket-"):
    """Standard deviations of a trained network's 3x3 layers, those whose names begin and end so."""
    return [
        row["deviation"]
        for row in measured(f"responses-{prefix}cifar10-{network}")
        if row["convolution"].startswith(start) and row["convolution"].endswith(end)
    ]


def weaker(start=""):
    """In how many layers the pre-activated net answers more weakly than the original one."""
    pairs = zip(responses("preact56", start), responses("original56", start))
    return sum(preact < original for preact, original in pairs)


def through_shortcuts(network):
    """Share of the first unit's gradient that comes through shortcuts alone, in % of its norm."""
    row = next(row for row in measured(TRAINED) if row["network"] == network and row["l"] == 1)
    return 100 * row["shortcut_gradient"] / row["gradient"]


def magnitudes(network):
    """By how many powers of ten the gradient grows from a network's last unit to its first."""
    rows = [row for row in measured("propagation-110") if row["network"] == network]
    return math.log10(rows[0]["gradient"] / rows[-2]["gradient"])


def digits_of_equation_8():
    """To how many digits the measured gradient is equation (8)'s product, where f is identity."""
    rows = [row for row in measured("propagation-lambda") if row["network"].startswith(PREDICTED)]
    error = max(abs(row["shortcut_ratio"] / row["lambda_product"] - 1) for row in rows)
    return math.floor(-math.log10(max(error, 1e-6)))  # the file has six digits


def published(network, place="pocket"):
    """The whole published runs of a network in results/<place>: a scale, or jpeg."""
    paths = sorted((files.RESULTS / place).glob(f"cifar10-{network}/seed*/config.json"))
    return [
        run for run in (run_files.read(path.parent) for path in paths) if run_files.is_whole(run)
    ]


def errors(network, place="pocket", dtype=None):
    """{seed: test error in %} of published runs; dtype: of one type alone."""
    return {
        run.config["recipe"]["seed"]: run_files.last_error(run)
        for run in published(network, place)
        if dtype in (None, run_files.dtype(run))
    }


def median(network, place="pocket"):
    """Median test error of a network's published runs, in %."""
    return statistics.median(errors(network, place).values())


def deviations(scale_name):
    """Standard deviations of the networks that have several seeds at a scale, in points."""
    everything = [
        ours(row.experiment, scale_name).errors for row in experiments.TABLE1 + experiments.TABLE2
    ]
    return [statistics.stdev(values) for values in everything if len(values) > 1]


def ideas():
    """The variants that docs/VARIANTS.md has, in its order."""
    text = (files.ROOT / "docs" / "VARIANTS.md").read_text()
    return re.findall(r"^`symbols/(?:shortcuts|activations)/(\w+)\.py`:", text, re.MULTILINE)


def minutes(scale_name, network="*"):
    """How long each published run of the papers' networks at a scale took, in minutes."""
    others = (departures.run_name(""), *(f"/cifar10-{idea}" for idea in ideas()))
    return [
        run.rows[-1]["seconds"] / 60
        for run in published(network, scale_name)
        if not any(other in str(run.folder) for other in others)
    ]


def departure(name):
    """Test error of preact20 with one of the notes' departures at pocket scale, in %;
    None where it is not published yet.
    """
    return errors(departures.run_name(name).partition("-")[2]).get(0)


def cost_of_departure(name):
    """'+1.23': what a departure costs, in points; in bold where three seeds of a network are not so
    far apart.
    """
    error = departure(name)
    paper = departure(departures.NONE)
    if error is None or paper is None:
        return "open"
    cost = error - paper
    return f"**{cost:+.2f}**" if abs(cost) > spread("preact56") else f"{cost:+.2f}"


def spread(network):
    """The largest error of a network's seeds at pocket scale less the smallest, in points."""
    of_seeds = errors(network).values()
    return max(of_seeds) - min(of_seeds)


def cost_of_bn_after_addition():
    """What BN after the addition costs at pocket scale: (seed 0 against seed 0, medians)."""
    bn, original = "bn_after_addition56", "original56"
    return errors(bn)[0] - errors(original)[0], median(bn) - median(original)


def least_cost_of_a_changed_shortcut():
    """What scaling, gating with bias 0 or a 1x1 convolution costs at least at pocket scale."""
    changed = (
        "constant_scaling56",
        "constant_scaling56-residual_scale=1",
        "convolution56",
        "shortcut_only_gating56-bias=0",
        "exclusive_gating56-bias=0",
    )
    original = statistics.mean(errors("original56").values())
    return min(statistics.mean(errors(network).values()) for network in changed) - original


def cost_of_bn_in_paper():
    """The same in the paper: Table 2, ResNet-110."""
    errors_of = {
        row.experiment.activation: row.paper
        for row in experiments.TABLE2
        if row.experiment.depth == 110
    }
    return errors_of["bn_after_addition"] - errors_of["original"]


def order_without_those_elsewhere():
    """Spearman's rank correlation at desk scale over Tables 1 and 2, ResNet-110, without the rows
    that stand elsewhere in our order than in the paper's.
    """
    rows = [
        row
        for row in experiments.TABLE1 + experiments.TABLE2
        if row.experiment.depth == 110 and row.experiment not in queue.ELSEWHERE
    ]
    return rank_correlation(ranked(rows, "desk"))


def by_which_the_second_seed_is_worse(network):
    """Test error of seed 1 at desk scale less that of seed 0, in points."""
    of_seeds = errors(network, "desk")
    return of_seeds[1] - of_seeds[0]


def searched(bias):
    """Median error on the held-out pictures with a bias of the gates at pocket scale, in %."""
    return statistics.median(search.errors("pocket")[bias].errors)


def gain_of_depth(column):
    """Residual nets at desk scale: an error of 20 layers less that of 56, each the mean of the last
    2,000 iterations, in points.
    """

    def at_the_end(network):
        rows = published(network, "desk")[0].rows
        return statistics.mean(
            row[column]
            for row in rows
            if row[column] is not None and row["iteration"] > rows[-1]["iteration"] - 2000
        )

    return at_the_end("original20") - at_the_end("original56")


def cost_of_jpeg():
    """What one more compression costs ResNet-20, in points of test error."""
    return median("original20-twice", "jpeg") - median("original20-once", "jpeg")


def gap_of_the_papers_recipe():
    """ResNet-20 by the papers' own recipe: our test error less the paper's, in points."""
    return median("original20", "full") - experiments.RESNETS[20]


def pictures():
    """Pictures that a network sees by the paper's recipe."""
    recipe = scale_named("full").recipe
    return recipe.iterations * recipe.batch_size


def one(value):
    """A number with one digit behind the point."""
    return f"{value:.1f}"


def two(value):
    return f"{value:.2f}"


def three(value):
    return f"{value:.3f}"


def rounded(value):
    return f"{value:.0f}"


VALUES = {
    "original-without-first": lambda: one(lesions("original56")["stage1_unit1"]),
    "original-worst-but-first": lambda: one(worst_but_first("original56")),
    "preact-median": lambda: one(statistics.median(lesions("preact56").values())),
    "preact-without-first": lambda: one(lesions("preact56")["stage1_unit1"]),
    "preact-without-third": lambda: one(lesions("preact56")["stage1_unit3"]),
    "scaled-least": lambda: one(min(lesions("constant_scaling56").values())),
    "plain-whole": lambda: one(whole("plain56")),
    "weaker-layers": lambda: str(weaker()),
    "layers": lambda: str(len(responses("preact56"))),
    "weaker-in-stage1": lambda: str(weaker("stage1")),
    "layers-of-stage1": lambda: str(len(responses("preact56", "stage1"))),
    "preact-stage1": lambda: three(statistics.mean(responses("preact56", "stage1"))),
    "original-stage1": lambda: three(statistics.mean(responses("original56", "stage1"))),
    "shortcuts-before": lambda: one(through_shortcuts("original56")),
    "shortcuts-after": lambda: rounded(through_shortcuts("pocket-cifar10-original56")),
    "plain-magnitudes": lambda: str(math.floor(magnitudes("plain110"))),
    "equation-8-digits": lambda: str(digits_of_equation_8()),
    "deviation-least": lambda: one(min(deviations("pocket"))),
    "deviation-most": lambda: one(max(deviations("pocket"))),
    "deviation-original": lambda: one(statistics.stdev(errors("original56").values())),
    "least-cost": lambda: one(least_cost_of_a_changed_shortcut()),
    "bn-cost-by-seed": lambda: one(cost_of_bn_after_addition()[0]),
    "bn-cost-by-medians": lambda: one(cost_of_bn_after_addition()[1]),
    "bn-cost-in-paper": lambda: two(cost_of_bn_in_paper()),
    "full-gap": lambda: one(gap_of_the_papers_recipe()),
    "hours-full": lambda: one(statistics.median(minutes("full", "original20")) / 60),
    "jpeg-cost": lambda: one(cost_of_jpeg()),
    "minutes-pocket": lambda: rounded(statistics.median(minutes("pocket"))),
    "minutes-pocket-most": lambda: rounded(max(minutes("pocket"))),
    "minutes-first": lambda: rounded(statistics.median(minutes("pocket", "original20"))),
    "pocket-recipe": lambda: scale_named("pocket").summary,
    "desk-recipe": lambda: scale_named("desk").summary,
    "desk-original": lambda: two(median("original56", "desk")),
    "desk-order-without-gates": lambda: two(order_without_those_elsewhere()),
    "desk-second-shortcut": lambda: one(
        by_which_the_second_seed_is_worse("shortcut_only_gating56-bias=0")
    ),
    "desk-second-exclusive": lambda: one(
        by_which_the_second_seed_is_worse("exclusive_gating56-bias=0")
    ),
    "desk-depth-test": lambda: one(gain_of_depth("test_error")),
    "desk-depth-train": lambda: one(gain_of_depth("train_error")),
    "searched-best": lambda: str(search.bias(search.best("pocket"))),
    "searched-at-best": lambda: one(searched(search.bias(search.best("pocket")))),
    "searched-at-6": lambda: one(searched(-6)),
    "searched-at-0": lambda: one(searched(0)),
    "searched-tested": lambda: one(statistics.median(ours(search.best("pocket"), "pocket").errors)),
    "demo-recipe": lambda: scale_named("demo").summary,
    "pictures": lambda: one(pictures() / 1e6),
    "pictures-zh": lambda: rounded(pictures() / 1e4),
}
VALUES["notes-stem"] = lambda: rounded(responses("notes12", "conv1", prefix="")[0])
VALUES["notes-units"] = lambda: one(
    statistics.median(responses("notes12", "stage", "conv2", prefix=""))
)
VALUES["preact-stem"] = lambda: one(responses("preact56", "conv1")[0])
VALUES["preact-units"] = lambda: one(statistics.median(responses("preact56", "stage", "conv2")))
VALUES["departures-paper"] = lambda: two(departure(departures.NONE))
VALUES["departures-spread"] = lambda: one(spread("preact56"))
VALUES.update(
    {f"cost-{name}": functools.partial(cost_of_departure, name) for name in departures.everything()}
)
