"""Writes `values.csv`: `python -m tests.oracle.build [NAME ...]` from the root of the project.

Each line holds an activation with its arguments, a place in `grid.PAIRS` (or, after `diagonal`, in
`grid.VARIANCES`), a correlation, E[f(u) f(v)] and E[f'(u) f'(v)]. The arithmetic has 40 digits
and more, the quadratures are good to 23 and more; 25 are written. With names, only their lines
are made again. All takes half an hour; gmpy2, where it is installed, makes it faster.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath

from tests.activations.conftest import CASES, ORACLES
from tests.activations.conftest import mp as formulas
from tests.activations.test_derived import CASES as DERIVED
from tests.activations.test_derived import samples
from tests.oracle import decays
from tests.oracle.functions import DECAYS, PIECEWISE, SMOOTH, decay, piecewise
from tests.oracle.grid import PAIRS, POINTS, RHOS, VARIANCES, Point
from tests.oracle.plane import line, means, plane
from tests.oracle.tails import expectation

VALUES = Path(__file__).with_name("values.csv")
Row = tuple[str, str, str, str, str, str]

mp = mpmath.mp.clone()
mp.dps = 50


def label(arguments: Any) -> str:
    """Arguments as the data has them: floats in full, lists by blanks."""
    return ";".join(" ".join(map(repr, a)) if isinstance(a, tuple) else repr(a) for a in arguments)


def exact(m: Any, arguments: Any) -> list[Any]:
    """Floats as numbers of the oracle."""
    return [m.mpf(a) if isinstance(a, float) else a for a in arguments]


def diagonals(values: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """The kernels of one input, for each variance."""
    for place, variance in enumerate(VARIANCES):
        yield "diagonal", str(place), *values(mp.mpf(math.sqrt(variance)) ** 2)


def _formula(name: str, arguments: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """By the closed forms of the literature."""
    oracle, numbers = ORACLES[name], exact(formulas, arguments)

    def both(*at: Any) -> tuple[Any, Any]:
        c, p, q = map(formulas.mpf, at)
        return oracle.dual(c, p, q, *numbers), oracle.dual_dot(c, p, q, *numbers)

    yield from diagonals(lambda p: both(p, p, p))
    for point in POINTS:
        p, q, c, _ = point.exact(mp)
        yield str(point.pair), point.rho, *both(-c if point.negative else c, p, q)


def _tails(name: str, arguments: Any) -> Iterator[tuple[str, str, Any, Any]]:
    number, tails = piecewise(mp, name, *arguments)
    slopes = [tail.slope() for tail in tails]

    def both(c: Any, p: Any, q: Any, theta: Any) -> tuple[Any, Any]:
        one = expectation(mp, number, tails, p, q, c, theta)
        return one, expectation(mp, mp.zero, slopes, p, q, c, theta)

    yield from diagonals(lambda p: both(p, p, p, mp.zero))
    for point in POINTS:
        p, q, c, theta = point.exact(mp)
        yield str(point.pair), point.rho, *both(-c if point.negative else c, p, q, theta)


def _decays(name: str, arguments: Any) -> Iterator[tuple[str, str, Any, Any]]:
    shape = decay(mp, name, *arguments)
    yield from diagonals(lambda p: decays.expectation(mp, shape, p, p, mp.zero))
    for point in POINTS:
        p, q, _, theta = point.exact(mp)
        theta = mp.pi - theta if point.negative else theta
        yield str(point.pair), point.rho, *decays.expectation(mp, shape, p, q, theta)


def _quadrature(name: str, arguments: Any) -> Iterator[tuple[str, str, Any, Any]]:
    f = SMOOTH[name](mp, *exact(mp, arguments))

    def at_one(p: Any) -> tuple[Any, Any]:
        found = line(mp, f, p, p)
        return found[0], found[2]

    yield from diagonals(at_one)
    for pair in range(len(PAIRS)):
        done = {}
        for rho in RHOS[:5]:
            p, q, _, theta = Point(pair, rho).exact(mp)
            if rho == "0":
                left, right = means(mp, f, p), means(mp, f, q)
                done[rho] = (left[0] * right[0], 0, left[1] * right[1], 0)
            else:
                done[rho] = line(mp, f, p, q) if theta == 0 else plane(mp, f, p, q, theta)
        for rho in RHOS:
            same, other, slopes, turned = done[rho.removeprefix("-").replace("+", "-")]
            chosen = (other, turned) if rho.startswith("-") else (same, slopes)
            yield str(pair), rho, *chosen


def rows(name: str, arguments: Any) -> Iterator[Row]:
    """The lines of one activation."""
    mp.dps = 40 if name in SMOOTH else 50
    how = (
        _quadrature
        if name in SMOOTH
        else _tails
        if name in PIECEWISE
        else _decays
        if name in DECAYS
        else _formula
    )
    for pair, rho, dual, dual_dot in how(name, arguments):
        yield name, label(arguments), pair, rho, _digits(dual), _digits(dual_dot)


def _digits(value: Any) -> str:
    return str(mp.nstr(mp.mpf(value), 25, strip_zeros=True))


EXPANDED = [
    *((name, ()) for name in sorted(SMOOTH)),
    *((name, at) for name in DECAYS for at in samples(name)),
]
ALL = [*CASES, *DERIVED, *EXPANDED]


def main(names: list[str]) -> None:
    """Makes the lines of `names`, or all; keeps the others."""
    kept: dict[tuple[str, str], list[Row]] = {}
    if VALUES.exists() and names:
        with VALUES.open(newline="") as file:
            for row in csv.reader(file):
                kept.setdefault((row[0], row[1]), []).append(tuple(row))  # type: ignore[arg-type]
    for name, arguments in ALL:
        if not names or name in names:
            print(name, label(arguments), flush=True)
            kept[name, label(arguments)] = list(rows(name, arguments))
    with VALUES.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for key in sorted(kept):
            writer.writerows(kept[key])


if __name__ == "__main__":
    main(sys.argv[1:])
