"""One residual unit's place in the network: what an activation file builds with."""

import mxnet as mx

from .layers import convolution, zero_padding
from .naming import Layers, Misuse

# A bottleneck's last 1x1 has four times the channels of its 3x3 (1512.03385, Figure 5).
EXPANSION = {"basic": 1, "bottleneck": 4, "one_layer": 1}
# The weighted layers of a unit: kernel, and channels as a fraction of the unit's.
WEIGHTS = {"basic": [(3, 1), (3, 1)], "bottleneck": [(1, 4), (3, 4), (1, 1)], "one_layer": [(3, 1)]}


class Unit:
    """What an activation file builds with, and what it and a shortcut file may ask.

    name          stage<s>_unit<u>, with which the names of all its layers begin
    input         x_l, the symbol that comes in
    weights       the unit's convolutions in their order, each a function of a symbol
    channels, channels_in, stride      of the whole unit, from its input to its output
    stage         1, 2, 3 ...
    index, total  the unit's number in the whole network, 1 to total
    is_first      it is the network's first unit, which the stem has already activated
    changes_dimensions     its output has another shape than its input
    pads_preactivation     where dimensions change, the shortcut pads the pre-activation instead of
                           x_l (option A-preactivated, as fb.resnet.torch does)
    """

    def __init__(
        self,
        name,
        input,
        kind,
        channels_in,
        channels,
        stride,
        option,
        bottleneck_stride,
        join,
        stage=1,
        index=1,
        total=1,
    ):
        self.name = name
        self.input = input
        self.channels_in = channels_in
        self.channels = channels
        self.stride = stride
        self.stage = stage
        self.index = index
        self.total = total
        self.is_first = index == 1
        self.changes_dimensions = stride > 1 or channels != channels_in
        self.pads_preactivation = self.changes_dimensions and option == "A-preactivated"
        self.layers = Layers(f"{name}_")
        self._option = option
        self._join = join
        strided = 1 if kind == "bottleneck" and bottleneck_stride == "3x3" else 0
        self.weights = [
            self._weight(kernel, channels // part, f"conv{i + 1}", stride if i == strided else 1)
            for i, (kernel, part) in enumerate(WEIGHTS[kind])
        ]

    @staticmethod
    def _weight(kernel, channels, name, stride):
        return lambda x: convolution(x, channels, kernel, name, stride)

    def variable(self, name, init, shape=None):
        """A learnt parameter of this unit's own, as unit.variable("alpha", init=0, shape=(1,)).

        init: the number at which it starts, or one of mx.init's initializers. shape: may be left
        out where MXNet can infer it, as for a layer's weight. Weight decay acts on it if its name
        ends in _weight.
        """
        if isinstance(init, (int, float)):
            init = mx.init.Constant(init)
        if not isinstance(init, mx.init.Initializer):
            raise Misuse(
                f"init of '{name}' is {init!r}: give a number, or one of mx.init's " "initializers"
            )
        if shape:
            try:  # as MXNet will, when training begins
                init(mx.init.InitDesc(f"{name}_weight"), mx.nd.zeros(shape))
            except ValueError as error:
                raise Misuse(f"'{name}' cannot start so: {error}") from error
        return mx.sym.Variable(self.layers.get(name, "variable"), shape=shape, init=init)

    def project(self, x):
        """The 1x1 convolution that can stand on the shortcut.

        What comes before and after it is the activation file's.
        """
        return convolution(x, self.channels, 1, "projection", self.stride)

    def join(self, x, f, projection):
        """Where the two paths meet: h(x) + F(x) in the shortcut file's own way.

        x: what the shortcut starts from. f: the residual function's output. projection: what takes
        the place of x where the unit changes dimensions by option B, and on every unit of a
        shortcut that asks for it.
        """
        if self.changes_dimensions:
            if self._option == "B":
                x = projection
            else:
                x = zero_padding(x, self.channels_in, self.channels, self.stride)
        return self._join(x, f, self, projection)
