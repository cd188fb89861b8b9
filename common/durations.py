"""Durations as text."""


def in_words(seconds):
    """Return '47 min' or '4.1 h'."""
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
