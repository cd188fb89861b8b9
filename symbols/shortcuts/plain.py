"""No shortcut: the plain net of 1512.03385, and Table 1's row with 0 on the shortcut and 1 on F."""


def join(x, f, unit):
    return f
