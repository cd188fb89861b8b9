"""Scales: the papers' recipe at the lengths that other machines can do.

Runs of different scales are never mixed.
"""

from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.files import ROOT
from training.recipe import CIFAR, Recipe


@dataclass(frozen=True)
class Scale:
    """recipe: of all its runs. depths: {the paper's: the one here}. data: its own pictures, None
    for CIFAR's.
    """

    recipe: Recipe
    depths: dict
    data: Path = None

    @property
    def summary(self):
        """'2,400 iterations of 64 pictures of 16x16'"""
        recipe = self.recipe
        return (
            f"{recipe.iterations:,} iterations of {recipe.batch_size} pictures of "
            f"{recipe.image_size}x{recipe.image_size}"
        )


HALF = {110: 56, 164: 83, 1001: 506, 1202: 602}  # of the paper's units

SCALES = {
    "full": Scale(CIFAR, {}),
    # An hour or so a run on a core: 30.7 epochs of pictures of 16x16, far enough that P2's rule,
    # "fail" above 20 %, can be applied. Batches of 64 as for P2 Table 4's 4.62 %. The warm-up is
    # not shrunk: deep networks need all 400 iterations to leave chance. docs/DEVIATIONS.md says
    # what smaller and deeper ones do.
    "desk": Scale(
        CIFAR.lasting(
            24000,
            image_size=16,
            batch_size=64,
            warmup_iterations=400,
            test_every=1000,
            dtype="fast",
        ),
        HALF,
    ),
    # The same in ten minutes a run: a tenth as long.
    "pocket": Scale(
        CIFAR.lasting(
            2400, image_size=16, batch_size=64, warmup_iterations=400, test_every=300, dtype="fast"
        ),
        HALF,
    ),
    # For minutes in all, on the generated set: the paper's units, but few of them.
    "demo": Scale(
        CIFAR.lasting(300, image_size=16, test_every=30, log_every=10),
        {110: 20, 164: 20, 1001: 29, 1202: 32},
        ROOT / "data" / "generated",
    ),
}


def scale_named(name):
    """The scale of a name. Raises UserError if there is none."""
    if name not in SCALES:
        raise UserError(f"SCALE={name}: there are {', '.join(SCALES)}")
    return SCALES[name]
