"""What the papers claim, and which pictures, tables and measurements stand for it: the report's
sections."""

from collections import namedtuple

from paper import experiments

# names: of tables and figures. units: diagrams, measured: pictures of analysis/ (stem of the PNG,
# what one sees; * is what the user chose). command: what one types for all of it.
Claim = namedtuple("Claim", "title text command names units measured", defaults=((), ()))
CLAIMS = [
    Claim(
        "Tables 1 and 2 at one look",
        "Identity shortcuts and full pre-activation come first in the paper's order; what "
        "stands on the grey way makes it worse.",
        "make summary SCALE=desk",
        ["summary"],
    ),
    Claim(
        "Shortcuts: the identity is the best",
        "Section 3: scaling, gating, convolution or dropout on the shortcut hampers the "
        "signal, and raises training loss and test error.",
        "make table1 figure3 SCALE=desk",
        ["figure3", experiments.SEARCH, "table1"],
        units=[
            (
                "figure2",
                "What may stand on the shortcut. In all of them ReLU follows the " "addition.",
            )
        ],
    ),
    Claim(
        "Activations: pre-activation is the best",
        "Section 4: with BN and ReLU before the weights the shortcut stays clean from the "
        "first unit to the last.",
        "make table2 figure6 SCALE=desk",
        ["figure6", "table2"],
        units=[
            (
                "figure4",
                "Where BN and ReLU may stand. Only in (c), (d) and (e) nothing "
                "stands on the grey way behind the addition.",
            ),
            (
                "figure5",
                "An activation on the weight path alone is the next unit's " "pre-activation.",
            ),
        ],
    ),
    Claim(
        "Depth: 1001 layers are trained with ease",
        "Tables 3 and 4, Figure 1: the gain of the proposed unit grows with depth.",
        "make figure1 table3 table4",
        ["figure1", "table3", "table4"],
        units=[
            (
                "figure1-units",
                "The original unit, and the proposed one. Grey: the way that "
                "a signal has through the unit unchanged.",
            )
        ],
    ),
    Claim(
        "Degradation: what residual learning is for",
        "1512.03385, Figure 6: deeper plain nets have higher training error; deeper residual "
        "nets do not.",
        "make degradation SCALE=desk",
        ["degradation"],
    ),
    Claim(
        "ImageNet", "Table 5: single-crop error of 152 and 200 layers.", "make table5", ["table5"]
    ),
    Claim(
        "Why: signals travel directly",
        "Section 2, equations (3) to (8): with identities everywhere the gradient of a deep "
        "unit reaches a shallow one unweakened, whatever the weights are.",
        "make propagation",
        [],
        measured=[
            (
                "propagation-110",
                "110 layers before training. Through shortcuts alone the "
                "gradient arrives nearly undiminished where the shortcut is the identity and "
                "nothing stands behind the addition.",
            ),
            (
                "propagation-lambda",
                "Equation (8): where f is the identity, the shortcut's "
                "gradient is the product of the lambdas; with ReLU behind the addition less of "
                "it passes.",
            ),
            (
                "propagation-depth",
                "110 layers beside 1001, original and pre-activated. "
                "Through the shortcuts alone the gradient of the pre-activated nets is the same "
                "at every unit of a stage, however deep.",
            ),
            (
                "propagation-*pocket*",
                "Before training and after it: how far each network's "
                "gradient grows from the last unit (right) to the first (left).",
            ),
            (
                "lesion-*",
                "Units of trained networks deleted and swapped, with no retraining; "
                "grey: Veit, Wilber and Belongie (1605.06431).",
            ),
            (
                "responses-*",
                "Standard deviation of each 3x3 layer's output after BN; behind: "
                "1512.03385, Figure 7. Short runs need not be so far yet.",
            ),
        ],
    ),
]
