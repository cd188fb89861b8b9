"""What a residual unit costs: make benchmark NETWORKS="exclusive_gating56 swish56"

Each network's training loop beside that of the original network of its depth, and its bfloat16
beside its float32. Blocks of all three are interleaved in one process, and a ratio of each round
counts. Of the rounds the quieter half is taken, and their median. NETWORKS=all: those of Tables 1
and 2 at the desk scale.
"""

from collections import namedtuple

from analysis import networks
from common.command import Parser
from common.environment import has_bfloat16
from common.errors import UserError, run_main
from paper import experiments
from symbols import counts, get_symbol

from . import saved
from .ours import trainer
from .peer import median_of_quieter

ALL = "all"
# of the step, of the multiply-adds, and of the one by the other, to the original network's;
# bfloat16: its speed to float32's, None where there is none
Cost = namedtuple("Cost", "network step work step_per_work bfloat16")


def of_the_tables():
    """What make calls the networks of Tables 1 and 2 (110 layers) at the desk scale, each once."""
    rows = [
        row.experiment.at("desk")
        for row in (*experiments.TABLE1, *experiments.TABLE2)
        if row.experiment.depth == experiments.ORIGINAL110.depth
    ]
    return list(dict.fromkeys(row.network.partition("-")[2] for row in rows if not row.constants))


def rounds(trainers, count, steps):
    """Seconds of count rounds of blocks of so many steps, one block of each trainer a round."""
    for seconds in trainers:
        seconds(2)
    return [[seconds(steps) for seconds in trainers] for _ in range(count)]


def cost(name, network, size, batch, count, steps):
    """The Cost of a network, one of analysis.networks'."""
    original = get_symbol(network.recipe["depth"])
    work = counts.multiply_adds(network.symbol, size) / counts.multiply_adds(original, size)
    cases = [(original, "float32"), (network.symbol, "float32"), (network.symbol, "bfloat16")]
    trainers = [
        trainer(symbol, size, batch, dtype) for symbol, dtype in cases[: 2 + has_bfloat16()]
    ]
    measured = rounds(trainers, count, steps)
    step = median_of_quieter([times[:2] for times in measured])
    faster = median_of_quieter([times[:0:-1] for times in measured]) if has_bfloat16() else None
    return Cost(name, step, work, step / work, faster)


def main():
    parser = Parser(__doc__)
    parser.add_argument("networks", nargs="+", help="as exclusive_gating56, or all")
    parser.add_argument("--image-size", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=8, help="of blocks, for each network (8)")
    parser.add_argument("--block", type=int, default=5, help="iterations of a block (5)")
    saved.add_option(parser)
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.block, arguments.image_size, arguments.batch_size) < 1:
        raise UserError("--rounds, --block, --image-size, --batch-size: at least 1")
    wanted = of_the_tables() if arguments.networks == [ALL] else arguments.networks
    found = networks.find(wanted)
    print(
        f"{saved.machine()}; {arguments.batch_size} pictures of {arguments.image_size}x"
        f"{arguments.image_size}; beside original, medians"
    )
    costs = []
    for name, network in found.items():
        costs.append(
            cost(
                name,
                network,
                arguments.image_size,
                arguments.batch_size,
                arguments.rounds,
                arguments.block,
            )
        )
        print(words(costs[-1]), flush=True)
    saved.write(arguments.save, [each._asdict() for each in costs])


def words(each):
    """A Cost as a line."""
    narrow = "" if each.bfloat16 is None else f"; bfloat16 / float32 {each.bfloat16:.2f}"
    return (
        f"{each.network}: step {each.step:.2f}, multiply-adds {each.work:.2f}, step per "
        f"multiply-add {each.step_per_work:.2f}{narrow}"
    )


if __name__ == "__main__":
    run_main(main)
