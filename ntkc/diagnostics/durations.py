"""Times for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(0.3), duration(8.4), duration(75), duration(7260), duration(1e6)
    ('0.3 s', '8 s', '1 min 15 s', '2 h 1 min', '12 days')
    """
    if seconds < 5:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{round(whole / 86400):,} days"
