"""Constant scaling, Figure 2(b): both paths are multiplied by a constant. Table 1: shortcut 0 or 0.5, F 1 or 0.5."""


def join(x, f, unit, scale=0.5, residual_scale=0.5):
    return scale * x + residual_scale * f
