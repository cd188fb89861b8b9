"""1x1 convolutional shortcut, Figure 2(e), on every unit: option C of 1512.03385."""


def join(x, f, unit, projection):
    return projection + f
