"""Networks of both papers as MXNet symbols. get_symbol is the one door; a file is a variant.

A file in shortcuts/ (section 3, Figure 2) says how shortcut x and residual output f meet:

    def join(x, f, unit, constant=number, ...):
        return a symbol

    It may also ask for the unit's projection: join(x, f, unit, projection).

A file in activations/ (section 4, Figure 4) is one unit, from its input to its output:

    def residual_unit(x, unit, constant=number, ...):
        return a symbol

    It may also have after_last_unit(x), what the last unit needs before the pooling, and
    after_conv1(x), what stands between the first convolution and the first unit (without it, BN
    and ReLU). They may ask for the constants, too.

unit is a symbols.unit.Unit. Importing this package does not import MXNet; its first network does.
"""


def __getattr__(name):
    if name in ("get_symbol", "shortcut_constants", "activation_constants"):
        from . import network

        return getattr(network, name)
    raise AttributeError(f"module 'symbols' has no attribute '{name}'")
