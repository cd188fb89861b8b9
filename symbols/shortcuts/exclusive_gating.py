"""Exclusive gating, Figure 2(c), after Highway Networks: g(x) on F, 1 - g(x) on the shortcut."""

from ..layers import gate


def join(x, f, unit, bias=-6.0):
    return x + gate(unit, bias) * (f - x)  # (1 - g) x + g F, with one product
