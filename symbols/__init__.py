"""Networks of both papers as MXNet symbols, built by get_symbol. Each file is a variant.

A file in shortcuts/ (section 3, Figure 2) joins the shortcut x and the residual output f:

    def join(x, f, unit, constant=number, ...):
        return a symbol

    With the parameter `projection` it gets the unit's projection: join(x, f, unit, projection).

A file in activations/ (section 4, Figure 4) is one unit, from its input to its output:

    def residual_unit(x, unit, constant=number, ...):
        return a symbol

    Optional: after_last_unit(x), between the last unit and the pooling, and after_conv1(x), between
    the first convolution and the first unit (by default BN and ReLU). Both may take constants.

unit is a symbols.unit.Unit. Importing this package does not import MXNet; the first network does.
"""


def __getattr__(name):
    if name in ("get_symbol", "constants"):
        from . import network

        return getattr(network, name)
    raise AttributeError(f"module 'symbols' has no attribute '{name}'")
