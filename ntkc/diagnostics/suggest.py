"""Which known word a person probably meant: for every message that says "did you mean".

The runtime, which is shipped without the compiler, is the one place with a finder of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64  # no name is longer; hostile ones cost nothing
_SHORTEST_START = 3
_SHORTEST_PART = 5


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that differs least, if it is near: one letter in three may be wrong.

    Or else one that the word is the beginning or a long part of.
    Case, `_`, `-` and spaces do not count; two letters that changed places count once.

    >>> closest("Flaten", ["flatten", "dense"]), closest("maxpool", ["max_pool"])
    ('flatten', 'max_pool')
    >>> closest("activation", ["parameterization"]) is None
    True
    """
    wanted = _folded(word)
    best, least = None, max(len(wanted) // 3, 1) if 1 < len(wanted) <= _LONGEST else 0
    candidates = sorted(candidates)
    for candidate in candidates:
        found = _distance(wanted, _folded(candidate), least)
        if found is not None and (best is None or found < least):
            best, least = candidate, found
    return best or _part(wanted, candidates)


def _part(wanted: str, candidates: list[str]) -> str | None:
    """The shortest candidate that begins with the word, or, if it is long, that has it in it."""
    if not _SHORTEST_START <= len(wanted) <= _LONGEST:
        return None
    found = [c for c in candidates if _folded(c).startswith(wanted)]
    if not found and len(wanted) >= _SHORTEST_PART:
        found = [c for c in candidates if wanted in _folded(c)]
    return min(found, key=len, default=None)


def did_you_mean(word: str, candidates: Iterable[str], quote: str = "`") -> str:
    """A question with the closest candidate, or nothing.

    >>> did_you_mean("gellu", ["gelu", "relu"])
    'did you mean `gelu`?'
    """
    found = closest(word, candidates)
    return "" if found is None else f"did you mean {quote}{found}{quote}?"


def _folded(word: str) -> str:
    return "".join(char for char in word.lower() if char not in "_- ")


def _distance(a: str, b: str, most: int) -> int | None:
    """How many letters to change, leave out, put in or swap; None if more than `most`."""
    if abs(len(a) - len(b)) > most:
        return None
    older: list[int] = []
    before = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and a[i - 2] == other and char == b[j - 2]:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        older, before = before, row
    return before[-1] if before[-1] <= most else None
