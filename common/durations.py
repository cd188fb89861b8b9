"""Durations as text."""


def in_words(seconds):
    """Return '47 s', '47 min', '4.1 h' or '3.2 days'."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2880 else f"{minutes / 1440:.1f} days"
