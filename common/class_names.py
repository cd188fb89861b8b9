"""Names of classes, and placeholders for sets without names."""


def placeholders(count):
    """Return ["class 0", "class 1", ...]."""
    return [f"class {k}" for k in range(count)]


def known(names):
    """Return the names as a tuple, () for placeholders."""
    return () if list(names) == placeholders(len(names)) else tuple(names)
