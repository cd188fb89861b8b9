"""Exclusive gating, Figure 2(c), after Highway Networks: F is scaled by g(x) and the shortcut by 1 - g(x)."""
from ..layers import gate


def join(x, f, unit, bias=-6.0):
    return x + gate(unit, bias) * (f - x)  # (1 - g) x + g F, with one product
