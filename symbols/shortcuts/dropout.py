"""Dropout shortcut, Figure 2(f): dropout with ratio 0.5 on the output of the identity shortcut."""

import mxnet as mx


def join(x, f, unit, ratio=0.5):
    return mx.sym.Dropout(x, p=ratio, name="shortcut_dropout") + f
