"""Sums of terms as pieces: between its kinks an expression has no half lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ntkc.ir.node import const
from ntkc.symbolic.algebra import ONE, ZERO
from ntkc.symbolic.terms import (
    Condition,
    NoRuleError,
    Term,
    Terms,
    gathered,
    joint,
    known_number,
)

MAX_PIECES = 24


@dataclass(frozen=True)
class Piece:
    """Terms without half lines, which hold from `low` to `high`."""

    low: float
    high: float
    terms: Terms


def pieces(terms: Terms) -> list[Piece]:
    """The expression between its kinks, from left to right. Raises `NoRuleError`."""
    ends = {_end(t.condition) for t in terms if t.condition is not None and not t.condition.noise}
    cuts = [-math.inf, *sorted(ends), math.inf]
    if len(cuts) > MAX_PIECES:
        raise NoRuleError(f"it has more than {MAX_PIECES - 1} pieces")
    found = []
    for low, high in pairwise(cuts):
        inside = gathered(part for t in terms for part in _restricted(t, low, high))
        found.append(Piece(low, high, inside))
    return found


def _end(condition: Condition) -> float:
    place = known_number(condition.place)
    if place is None or known_number(condition.slope) is None:
        raise NoRuleError("what it is on either side of a kink depends on a parameter")
    return place


def _restricted(term: Term, low: float, high: float) -> Iterable[Term]:
    condition = term.condition
    if condition is None or condition.noise:
        yield term
        return
    end, slope = _end(condition), known_number(condition.slope)
    assert slope is not None
    holds = low >= end if slope > 0 else high <= end
    value = (1.0 if holds else 0.0) - (0.5 if condition.centred else 0.0)
    if value:
        yield replace(term, condition=None).scaled(const(value))


def joined(parts: Sequence[Piece]) -> Terms:
    """One sum for all pieces, anchored at 0.

    What holds around 0 holds everywhere, and tails correct it: E[f f] of small variances then
    has no terms that cancel.
    """
    parts = _merged(parts)
    result: list[Term] = []
    for left, right in pairwise(parts):
        cut = left.high
        if cut == 0.0:
            result += _on(left.terms, Condition(const(-1.0), ZERO))
            result += _on(right.terms, Condition(ONE, ZERO))
        elif cut > 0.0:
            result += _on(_difference(right.terms, left.terms), Condition(ONE, const(cut)))
        else:
            result += _on(_difference(left.terms, right.terms), Condition(const(-1.0), const(-cut)))
    for part in parts:
        if part.low < 0.0 < part.high:
            result += part.terms
    return gathered(result)


def _merged(parts: Sequence[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for part in parts:
        if merged and set(merged[-1].terms) == set(part.terms):
            merged[-1] = replace(merged[-1], high=part.high)
        else:
            merged.append(part)
    return merged


def _difference(x: Terms, y: Terms) -> Terms:
    return gathered((*x, *(t.scaled(const(-1.0)) for t in y)))


def _on(terms: Terms, condition: Condition) -> Terms:
    """The terms where the condition holds. Raises `NoRuleError` where they have one already."""
    return gathered(
        replace(t, condition=found).scaled(factor)
        for t in terms
        for factor, found in joint(t.condition, condition)
    )
