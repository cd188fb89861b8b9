"""The parts from which an activation file builds one residual unit."""

import numbers
from dataclasses import dataclass
from typing import Callable

import mxnet as mx

from .layers import convolution, zero_padding
from .names import WEIGHTS
from .naming import Layers, Misuse

# A bottleneck's last 1x1 has four times the channels of its 3x3 (1512.03385, Figure 5).
EXPANSION = {"basic": 1, "bottleneck": 4, "one_layer": 1}


@dataclass(eq=False)
class Unit:
    """A unit's place in the network, its weights, and the join of its two paths.

    name          stage<s>_unit<u>, with which the names of all its layers begin
    input         the symbol x_l
    kind          basic, bottleneck or one_layer
    channels_in, channels, stride      from the unit's input to its output
    option        how the shortcut changes dimensions: A, B or A-preactivated
    bottleneck_stride      the layer of a bottleneck that has the stride: 1x1 or 3x3
    joining       the shortcut file's function, as joining(x, f, unit, projection)
    stage         1, 2, 3 ...
    index, total  the unit's number in the network, 1 to total
    weights       the unit's convolutions in order, each a function of a symbol
    is_first      whether it is the network's first unit, whose input the stem has activated
    changes_dimensions     whether its output has another shape than its input
    pads_preactivation     whether the shortcut pads the pre-activation instead of x_l (option
                           A-preactivated, as in fb.resnet.torch)
    """

    name: str
    input: mx.sym.Symbol
    kind: str
    channels_in: int
    channels: int
    stride: int
    option: str
    bottleneck_stride: str
    joining: Callable
    stage: int = 1
    index: int = 1
    total: int = 1

    def __post_init__(self):
        self.is_first = self.index == 1
        self.changes_dimensions = self.stride > 1 or self.channels != self.channels_in
        self.pads_preactivation = self.changes_dimensions and self.option == "A-preactivated"
        self.layers = Layers(f"{self.name}_")
        self.used_weights = set()  # the numbers of those that were called
        strided = 1 if self.kind == "bottleneck" and self.bottleneck_stride == "3x3" else 0
        self.weights = [
            self._weight(number, kernel, part, self.stride if number == strided else 1)
            for number, (kernel, part) in enumerate(WEIGHTS[self.kind])
        ]

    def _weight(self, number, kernel, part, stride):
        def weight(x):
            self.used_weights.add(number)
            return convolution(x, self.channels // part, kernel, f"conv{number + 1}", stride)

        return weight

    def variable(self, name, init, shape=None):
        """Return a new learnt parameter, as unit.variable("alpha", init=0, shape=(1,)).

        init: its value at the start, a number or one of mx.init's initializers. shape: not needed
        where MXNet infers it, as for a layer's weight. The parameter decays if its name ends in
        _weight.
        """
        if isinstance(init, numbers.Real):
            # NumPy's numbers have no JSON
            init = mx.init.Constant(init if isinstance(init, (int, float)) else float(init))
        if not isinstance(init, mx.init.Initializer):
            raise Misuse(
                f"init of '{name}' is {init!r}: give a number, or one of mx.init's initializers"
            )
        return mx.sym.Variable(self.layers.get(name, "variable"), shape=shape, init=init)

    def project(self, x):
        """Return a 1x1 convolution for the shortcut, without BN and ReLU."""
        if f"{self.name}_projection" in self.layers.places:
            raise Misuse(
                "the unit has its projection already; a shortcut gets it as join(x, f, unit, "
                "projection)"
            )
        return convolution(x, self.channels, 1, "projection", self.stride)

    def join(self, x, f, projection):
        """Return the sum of the two paths, h(x) + F(x), as the shortcut file computes it.

        x: the input of the shortcut. f: the residual function's output. projection: replaces x
        where the unit changes dimensions by option B, and in every unit of a shortcut that has the
        parameter `projection`.
        """
        if self.changes_dimensions:
            if self.option == "B":
                x = projection
            else:
                x = zero_padding(x, self.channels_in, self.channels, self.stride)
        for part, value in (("x or projection", x), ("f", f)):
            if not isinstance(value, mx.sym.Symbol):
                raise Misuse(
                    f"unit.join got {type(value).__name__} as {part}: write unit.join(x, f, "
                    "projection=unit.project(x))"
                )
        return self.joining(x, f, self, projection)
