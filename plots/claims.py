"""The papers' claims, with the tables and figures of this project that test them: the sections of
plots/report.html."""

from collections import namedtuple

from paper import experiments

# names: tables and figures that runs fill. figures: {file name: what it shows}, of figures that exist
# at no scale.
Claim = namedtuple("Claim", "title text names figures", defaults=({},))

CLAIMS = [
    Claim(
        "Tables 1 and 2 in one figure",
        "The paper: the network with identity shortcuts and full pre-activation has the lowest "
        "error. Every operation on the shortcut raises it.",
        ["summary"],
    ),
    Claim(
        "Shortcuts",
        "The paper, section 3: scaling, gating, a 1x1 convolution or dropout on the shortcut "
        "impedes the signal. Training loss and test error are higher than with the identity.",
        ["table1", "figure3", experiments.SEARCH],
        {
            "figure2": "The shortcuts of Figure 2: identity, constant scaling, exclusive gating, "
            "shortcut-only gating, 1x1 convolution, dropout. ReLU follows each addition.",
            "gates-*": "Factor 1 - g(x) on the shortcut of each residual unit of trained networks "
            "with gates: quantiles, and the factor of the bias before and after training.",
        },
    ),
    Claim(
        "Activations",
        "The paper, section 4: with BN and ReLU before the weights, the shortcut is an identity "
        "from the first unit to the last, and the error is lowest.",
        ["table2", "figure6"],
        {
            "figure4": "The residual units of Figure 4, with BN and ReLU at five places. Only in "
            "(c), (d) and (e) nothing follows the addition.",
            "figure5": "Figure 5: an activation that acts on the weight path only is the "
            "pre-activation of the next unit.",
        },
    ),
    Claim(
        "Depth",
        "The paper, Tables 3 and 4 and Figure 1: the advantage of the pre-activation unit grows "
        "with depth, up to 1001 layers.",
        ["table3", "table4", "figure1"],
        {
            "figure1-units": "Left half of Figure 1: the original residual unit and the proposed "
            "one. The grey line is the shortcut.",
        },
    ),
    Claim(
        "Degradation",
        "1512.03385, Figure 6: a deeper plain network has a higher training error. A deeper "
        "residual network does not.",
        ["degradation", "depth"],
    ),
    Claim(
        "ImageNet",
        "The paper, Table 5: single-crop error of networks with 152 and 200 layers.",
        ["table5"],
    ),
    Claim(
        "Signal propagation",
        "The paper, section 2, equations (3) to (8): if shortcut and activation after the "
        "addition are identities, a part of the gradient reaches every unit directly, whatever "
        "the weights are.",
        [],
        {
            "propagation-110": "Norm of the gradient, of its part through shortcuts alone and of "
            "the signal at each residual unit of 110-layer networks before training. Left: the "
            "shortcuts of Figure 2. Right: the activations of Figure 4.",
            "propagation-lambda": "Shortcuts scaled by lambda: the gradient through shortcuts "
            "alone and the product of equation (8), per stage. Left: pre-activation. Right: ReLU "
            "after the addition.",
            "propagation-depth": "Gradient and signal in networks of 110 and of 1001 layers "
            "before training. Left: original unit. Right: pre-activation.",
            "propagation-*": "Gradient and signal at each residual unit of the networks that were "
            "named, before or after training.",
            "lesion-*": "Test error of trained networks after residual units are deleted or "
            "swapped, without retraining. Grey: Veit, Wilber and Belongie (1605.06431).",
            "responses-*": "Standard deviation of each 3x3 layer's response in trained networks, "
            "in the order of the layers and sorted. Light: 1512.03385, Figure 7.",
        },
    ),
]
# Captions of the figures of runs; the report adds the final test errors to the alternative text.
FORMS = {
    "summary": "Tables 1 and 2 in the order of the paper's errors and in the order of ours.",
    "figure1": "Figure 1, right: training loss and test error over iterations.",
    "figure3": "Figure 3: training loss (dashed) and test error (solid), a panel per shortcut, with "
    "the original network in each. Below full scale the paper's panels are above ours.",
    "figure6": "Figure 6: training loss (dashed) and test error (solid), a panel per depth. Below "
    "full scale the paper's panels are above ours.",
    "degradation": "1512.03385, Figure 6: training error (dashed) and test error (solid) over "
    "iterations. Left: plain networks. Right: residual networks.",
    experiments.DEPTH: "Test error against depth: plain and residual networks, 1512.03385 on the "
    "left and ours on the right.",
    experiments.SEARCH: "Error on held-out training images against the gates' initial bias.",
}


def command(stem):
    """Return the command that draws a figure that exists at no scale."""
    kind = stem.split("-")[0]
    return "make diagrams" if kind.startswith("figure") else f"make {kind}"
