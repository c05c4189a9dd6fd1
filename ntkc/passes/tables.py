"""A table of short polynomials in the complement eta, one for each part of each octave.

A chaotic network bends within many orders of magnitude of eta: in nothing but its logarithm is it
smooth. With delta for the scale on which it bends next to coincidence,

    f = f(0) - eta P(x)   up to where half of f(0) is left,   x = delta + (1 - delta) eta,
    f = P(x)              beyond,

where P is a polynomial in each part of each octave of x (the operation `octaves`). So what is 0 at
coincidence is exactly 0, small distances keep their digits, and so do values that are small beside
f(0). Where opposite inputs have the same value or its negative, min(eta, 2 - eta) stands in the
place of eta; otherwise

    x = 1 + (1/epsilon - 1) (2 - eta)   for eta >= 1,

epsilon being the scale on which f bends next to opposition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.node import Node, const, function, make
from ntkc.ir.octaves import Octaves, Rows
from ntkc.passes.quotients import least_squares
from ntkc.passes.truth import (
    ROUNDINGS,
    Fit,
    Function,
    Truth,
    extended,
    nodes,
    shaken,
    symmetry,
    value_of,
)

_NODES = 24
"""Of the polynomial that stands for f in an octave: good to all digits of extended precision where
no singularity is nearer than the octave is wide."""
_RESOLVED = {"float64": (14, 2e-17), "float32": (9, 1e-9)}
"""An interval next to an end is short enough where the terms from this one on are that small."""
_SCALES = np.ldexp(np.longdouble(1), -np.arange(2, 110, 3))
"""Of intervals next to the ends, longest first. At most 1/4, for x to be below 1 where eta is."""
_FAR = 17
"""How many of them are tried next to opposition, where 2 - eta has few digits."""
_BITS = range(5)
_LEAST = 2
_LEFT_OUT = {"float64": 4e-17, "float32": 1.5e-8}
"""What the terms that a row has not may sum up to, relative to the scale of errors there."""
_OWN = 64
"""Eps that the recursion may lose of a value before the scale of errors is what it loses."""
_PLACES = (0.0, 0.23, 0.61, 1.0)
"""In each part, that the table is held to the function at."""
_MODERATE = 0.125
"""Nearer to opposition, a recursion that is a mirror image is one but for its own roundings."""
_SLACK, _TRIES = 4, 3
"""How many times those, of so many tries."""
_NOTHING_LEFT = 1 / 16
"""Of opposite inputs, a recursion that may be that wrong says nothing."""


@dataclass(frozen=True)
class Bends:
    """A function that is smooth but next to its ends: next to coincidence it bends on the scale
    2^-near, next to opposition on 2^-far, where it is no mirror image (`mirrored` is 0).

    `plain` is the function as the recursion computes it in the number type, and `shaken` with
    constants that are a rounding off: what is a mirror image is one but for these.
    """

    exact: Function
    plain: Function
    shaken: Function
    dtype: str
    near: int
    far: int
    mirrored: int
    top: Any
    """The value at coincidence."""

    def complement(self, x: Any) -> Any:
        """eta, of what the table is read by."""
        delta, epsilon = np.ldexp(np.longdouble(1), [-self.near, -self.far])
        near = (x - delta) / (1 - delta)
        return np.where(x < 1, near, 2 - (x - 1) * epsilon / (1 - epsilon)) if self.far else near

    def lost(self, eta: Any, values: Any) -> Any:
        """What the recursion loses in the number type; 0 where it is not finite."""
        gaps = np.abs(self.plain(eta.astype(self.dtype)) - values)
        return np.where(np.isfinite(gaps), gaps, 0)


def _slack(shaken: Function, eta: Any, values: Any, dtype: str) -> Any:
    """By how much a recursion may not be the mirror image that it is of: of a few tries."""
    gaps = np.array([np.abs(shaken(eta.astype(dtype)) - values) for _ in range(_TRIES)])
    return _SLACK * np.where(np.isfinite(gaps), gaps, np.inf).max(axis=0)


def bends(core: Node, dtype: str) -> Bends | None:
    """Where a function bends; None where it is not smooth at an end."""
    exact, plain, off, fine = (
        value_of(core, kind)
        for kind in (extended(), numpy_arithmetic(dtype), shaken(dtype), shaken("float64"))
    )
    _, u = nodes(_NODES)
    top, bottom = exact(np.array([0, 2], np.longdouble))
    near = _first_resolved(exact(_SCALES[:, None] * (2 * u)), top, dtype)
    if near is None:
        return None
    found = Bends(exact, plain, off, dtype, near, 0, 0, top)
    mirrored = symmetry(exact, u, _slack(fine, u, exact(u), "float64"))
    if mirrored:
        return replace(found, mirrored=mirrored)
    far = _first_resolved(exact(2 - _SCALES[:_FAR, None] * (2 * u)), bottom, dtype)
    return None if far is None else replace(found, far=far)


def _first_resolved(values: Any, end: Any, dtype: str) -> int | None:
    """The first scale on which a polynomial does, and has the end's value, as a power of 2."""
    terms, small = _RESOLVED[dtype]
    series = _series(values)
    ends = (series * (-1) ** np.arange(_NODES)).sum(axis=1)
    tails = np.abs(series[:, terms:]).max(axis=1)
    allowed = small * np.maximum(np.abs(values).max(axis=1), abs(end))
    found = np.flatnonzero((tails <= allowed) & (np.abs(ends - end) <= 100 * allowed))
    return -int(np.log2(_SCALES[found[0]])) if found.size else None


def shortest_table(smooth: Bends, room: int, certified: float) -> Fit | None:
    """The table of the fewest coefficients a row that is certified and takes no more than `room`
    bytes; None where there is none. Errors are relative to the largest value from half the
    complement on (or to what the recursion itself loses, where that is more).
    """
    octaves = _references(smooth)
    tables = [t for bits in _BITS if (t := _table(smooth, octaves, bits, room)) is not None]
    if not tables:
        return None
    table = min(tables, key=lambda t: (t.width, len(t.rows)))
    form, truth = _form(smooth, octaves, table), _truth(smooth, octaves, table)
    error = truth.error(form)
    if error > certified or truth.roundings(form) > ROUNDINGS:
        return None
    words = f"a table by octaves, {len(table.rows)} polynomials of {table.width} terms,"
    return Fit(form, error, words)


@dataclass(frozen=True)
class _Octave:
    """What stands for f, or for (f(0) - f) / eta, from `low` to twice that."""

    low: float
    direct: bool
    series: Any
    scale: Any
    """Of errors."""

    def at(self, x: Any) -> Any:
        return np.polynomial.chebyshev.chebval(2 * x / self.low - 3, self.series)


def _references(smooth: Bends) -> list[_Octave]:
    """One polynomial of many terms for each octave."""
    x, u = nodes(_NODES)
    lows = np.ldexp(np.longdouble(1), np.arange(-smooth.near, smooth.far))
    eta = smooth.complement(lows[:, None] * (1 + u))
    values = smooth.exact(eta)
    scales = _scales(smooth, eta, values)
    direct = np.abs(values).min(axis=1) < abs(smooth.top) / 2
    direct[0] = False
    direct = np.logical_or.accumulate(direct)
    found = []
    for i, low in enumerate(lows):
        if direct[i]:
            series = _series(values[i])
        elif i:
            series = _series((smooth.top - values[i]) / eta[i])
        else:  # the quotient has no digits left next to coincidence
            columns = np.cos(np.outer(np.arccos(x), np.arange(_NODES - 4)))
            series = least_squares(eta[0][:, None] * columns, smooth.top - values[0])
        found.append(_Octave(float(low), bool(direct[i]), series, scales[i]))
    return found


def _scales(smooth: Bends, eta: Any, values: Any) -> Any:
    sizes = np.abs(values)
    largest = np.array([sizes[eta >= min(row.min(), 1) / 2].max() for row in eta])
    own = smooth.lost(eta, values).max(axis=1) / (_OWN * np.finfo(smooth.dtype).eps)
    return np.maximum(largest, own)


def _series(values: Any) -> Any:
    """The Chebyshev series through values at the nodes, along the last axis."""
    angles = np.arccos(nodes(_NODES)[0])
    basis = np.cos(np.outer(angles, np.arange(_NODES))) * (np.longdouble(2) / _NODES)
    basis[:, 0] /= 2
    return values @ basis


# --- rows ------------------------------------------------------------------------------


def _table(smooth: Bends, octaves: list[_Octave], bits: int, room: int) -> Octaves | None:
    """With the fewest terms a row; None where it does not fit."""
    parts = list(_parts(octaves, bits))
    longest = room // (np.dtype(smooth.dtype).itemsize * len(parts))
    _, u = nodes(_NODES)
    values = np.zeros((len(parts), _NODES), np.longdouble)
    allowed = np.zeros(len(parts), np.longdouble)
    for i, (octave, low, width) in enumerate(parts):
        x = low + width * u
        values[i] = octave.at(x)
        reach = 1 if octave.direct else np.abs(smooth.complement(x)).max()
        allowed[i] = _LEFT_OUT[smooth.dtype] * octave.scale / reach
    series = _series(values)
    left = np.abs(series)[:, ::-1].cumsum(axis=1)[:, ::-1]
    terms = max(_LEAST, int((left > allowed[:, None]).sum(axis=1).max()))
    if terms > min(longest, _NODES - 4):
        return None
    return Octaves(-smooth.near, bits, _powers(series[:, :terms], smooth.dtype))


def _parts(octaves: list[_Octave], bits: int) -> Iterator[tuple[_Octave, float, float]]:
    """With where they begin, and how wide they are."""
    for octave in octaves:
        width = octave.low / 2**bits
        for k in range(2**bits):
            yield octave, octave.low + k * width, width


def _powers(series: Any, dtype: str) -> Rows:
    """Chebyshev series in 2t as polynomials in t, row by row."""
    count = series.shape[1]
    basis = np.zeros((count, count), np.longdouble)
    for k in range(count):
        basis[k, : k + 1] = np.polynomial.chebyshev.cheb2poly([0.0] * k + [1.0])
    rows = (series @ basis) * np.ldexp(np.longdouble(1), np.arange(count))
    return tuple(tuple(map(float, row)) for row in rows.astype(dtype))


# --- the form and what it is held to ---------------------------------------------------


def _form(smooth: Bends, octaves: list[_Octave], table: Octaves) -> Node:
    leaf = make("gram_complement")
    eta = function("min", leaf, 2.0 - leaf) if smooth.mirrored else leaf
    delta = 2.0**-smooth.near
    x = eta * (1.0 - delta) + delta
    if smooth.far:
        x = function("select", 1.0 - eta, x, (2.0 - eta) * (2.0**smooth.far - 1.0) + 1.0)
    value = table.at(x)
    near = const(float(np.dtype(smooth.dtype).type(smooth.top))) - eta * value
    direct = next((octave.low for octave in octaves if octave.direct), None)
    found = near if direct is None else function("select", direct - x, near, value)
    return found if smooth.mirrored >= 0 else function("select", 1.0 - leaf, found, -found)


def _truth(smooth: Bends, octaves: list[_Octave], table: Octaves) -> Truth:
    """At both ends of each part and within it."""
    places = np.array(_PLACES, np.longdouble)
    parts = list(_parts(octaves, table.bits))
    eta = np.concatenate([smooth.complement(low + width * places) for _, low, width in parts])
    eta = np.append(np.clip(eta, 0, 2), 0)
    scale = np.repeat([octave.scale for octave, _, _ in parts], len(places))
    scale = np.append(scale, octaves[0].scale)
    truth = Truth.at(smooth.exact, eta, smooth.dtype, scale)
    return _with_opposites(smooth, truth) if smooth.mirrored else truth


def _with_opposites(smooth: Bends, truth: Truth) -> Truth:
    """Of a mirror image both sides, where the recursion is one but for its own roundings; and
    opposite inputs, if it is finite there.
    """
    side = truth.eta < 1
    truth = replace(
        truth, **{f: getattr(truth, f)[side] for f in ("eta", "values", "felt", "scale")}
    )
    chosen = (truth.eta >= _MODERATE) | (truth.eta == 0)
    scale = truth.scale[chosen]
    far = Truth.at(smooth.exact, 2 - truth.eta[chosen], smooth.dtype, scale)
    slack = _slack(smooth.shaken, far.eta, far.values, smooth.dtype)
    moderate = far.eta < 2
    slack[moderate] = (slack / scale)[moderate].max() * scale[moderate]
    slack[~moderate & (slack > abs(smooth.top) * _NOTHING_LEFT)] = np.inf
    finite = np.isfinite(far.values)
    parts = [
        (near, found[finite])
        for near, found in (
            (truth.eta, far.eta),
            (truth.values, far.values),
            (truth.felt, far.felt + slack),
            (truth.scale, scale),
        )
    ]
    return Truth(truth.dtype, *map(np.concatenate, parts))
