"""Scales: sets of options for machines of different speed, from the papers' recipe to minutes.

Tables and figures never mix runs of different scales.
"""

from dataclasses import dataclass, field
from pathlib import Path

from common.files import ROOT
from training.recipe import CIFAR, Recipe


@dataclass(frozen=True)
class Scale:
    """The options that all runs of a scale share.

    recipe: of the training. depths: {the paper's depth: this scale's depth}, where they differ.
    data: folder with the images; None for CIFAR.
    """

    recipe: Recipe
    depths: dict = field(default_factory=dict)
    data: Path = None

    @property
    def summary(self):
        """'2,400 iterations of 64 images of 16x16'"""
        recipe = self.recipe
        return (
            f"{recipe.iterations:,} iterations of {recipe.batch_size} images of "
            f"{recipe.image_size}x{recipe.image_size}"
        )


# 16x16 images in batches of 64 (P2, Table 4's 4.62 %). The warm-up keeps its 400 iterations: deep
# networks need them to beat chance.
SMALL = CIFAR.lasting(
    24000, image_size=16, batch_size=64, warmup_iterations=400, test_every=1000, dtype="fast"
)

SCALES = {
    "full": Scale(CIFAR),
    # 30.7 epochs. ResNet-110 takes one to two hours on one core.
    "desk": Scale(SMALL),
    # A tenth of the iterations. ResNet-1001 keeps its depth, the other deep networks have half of
    # the paper's units.
    "pocket": Scale(
        SMALL.lasting(2400, warmup_iterations=400, test_every=300), {110: 56, 164: 83, 1202: 602}
    ),
    # Minutes in all, on generated images: the paper's units, but few of them.
    "demo": Scale(
        CIFAR.lasting(300, image_size=16, test_every=30, log_every=10),
        {110: 20, 164: 20, 1001: 29, 1202: 32},
        ROOT / "data" / "generated",
    ),
}
