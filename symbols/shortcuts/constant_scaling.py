"""Constant scaling, Figure 2(b): both paths are multiplied by a constant.

Table 1 has 0 or 0.5 on the shortcut, 1 or 0.5 on F.
"""


def join(x, f, unit, scale=0.5, residual_scale=0.5):
    if scale == residual_scale:
        return scale * (x + f)  # the same, with one product
    return scale * x + residual_scale * f
