"""Measure what a residual unit costs: make benchmark NETWORKS="exclusive_gating56 swish56"

The training loop of each network is compared with that of the original network of its depth, and its
bfloat16 with its float32. Blocks of all three alternate in one process, and the ratios of each round
count: the result is the median over the faster half of the rounds. NETWORKS=all: the networks of
Tables 1 and 2 at pocket scale.
"""

from collections import namedtuple
from functools import partial

from analysis import networks
from common.command import Parser
from common.environment import has_bfloat16
from common.errors import run_main
from paper import experiments
from symbols import counts, get_symbol

from . import saved, timing
from .ours import trainer

ALL = "all"
SIZE = 16  # pixels
BATCH = 64
ROUNDS = 8  # for each network
BLOCK = 5  # iterations that are timed at once
# step, work: time of a step and multiply-adds, divided by the original network's. bfloat16: its speed
# divided by float32's, None without AVX512-BF16.
Cost = namedtuple("Cost", "network step work bfloat16")


def of_the_tables():
    """Return names for make of the networks of Tables 1 and 2 (110 layers) at pocket scale (56)."""
    networks = [
        row.experiment.at("pocket")
        for row in (*experiments.TABLE1, *experiments.TABLE2)
        if row.experiment.depth == experiments.ORIGINAL110.depth
    ]
    names = [network.short_name for network in networks if not network.constants]
    return list(dict.fromkeys(names))


def cost(name, network):
    """Return the Cost of a network (analysis.networks)."""
    original = get_symbol(network.recipe["depth"])
    work = counts.multiply_adds(network.symbol, SIZE) / counts.multiply_adds(original, SIZE)
    cases = [(original, "float32"), (network.symbol, "float32")]
    if has_bfloat16():
        cases.append((network.symbol, "bfloat16"))
    trainers = [trainer(symbol, SIZE, BATCH, dtype) for symbol, dtype in cases]
    times = timing.rounds([partial(train, BLOCK) for train in trainers], ROUNDS)
    float32s, *bfloat16s = times[:, 1:].T.tolist()
    step = timing.median_of_faster(times[:, :2].tolist())
    faster = timing.median_of_faster(list(zip(*bfloat16s, float32s))) if bfloat16s else None
    return Cost(name, step, work, faster)


def line(cost):
    """Return a Cost as text."""
    narrow = "" if cost.bfloat16 is None else f"; bfloat16 / float32 {cost.bfloat16:.2f}"
    return f"{cost.network}: step {cost.step:.2f}, multiply-adds {cost.work:.2f}{narrow}"


def main():
    parser = Parser(__doc__)
    parser.add_argument("networks", nargs="+", help="as exclusive_gating56, or all")
    saved.add_option(parser)
    arguments = parser.parse_args()
    names = of_the_tables() if arguments.networks == [ALL] else arguments.networks
    measured = networks.find(names, image_size=SIZE)
    print(f"{saved.machine()}; {BATCH} images of {SIZE}x{SIZE}; divided by original's, medians")
    costs = []
    for name, network in measured.items():
        costs.append(cost(name, network))
        print(line(costs[-1]), flush=True)
    saved.write(arguments.save, [cost._asdict() for cost in costs])


if __name__ == "__main__":
    run_main(main)
