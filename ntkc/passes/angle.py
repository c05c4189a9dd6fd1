"""Fit a function of the angle between two inputs, with a certificate.

Three forms are tried, in eta = 1 - cos(theta). The first is a quotient,

    f = f(0) - (eta A(eta) + sigma B(eta)) / (1 + eta C(eta) + sigma D(eta)),

with sigma = sin(theta) = sqrt(eta (2 - eta)): of trigonometric polynomials in theta, which is to
say of polynomials in tan(theta/2). A network of kinked activations is analytic in theta on
[0, pi], in the cosine it is not; the deeper it is the closer to coincidence it bends, its
singularities crowding at small negative angles, and the quotient places its poles among them.
Where the first layer has a bias, sigma is the sine of the angle after it, whose complement is
reach * eta: the function is analytic there, and in theta it nearly is not, close to pi. A function
that is analytic in eta (a smooth activation) takes a quotient without sigma, and no root.

Where no quotient meets it, a table of short polynomials is tried, one for each part of each octave
of eta (`ntkc.passes.tables`), which takes longer; and where that is too large, a Chebyshev series
(`ntkc.passes.series`), which takes longest. In all of them, the difference from the value at
coincidence is fitted: what is 0 there is exactly 0, and small distances keep their digits.

The form that goes into the kernel is itself held to the function, on points that it was not fitted
on: its formula in extended precision (the certificate), and as the kernel computes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ntkc.ir.node import Node, const, function, make, sqrt, topological
from ntkc.passes.quotients import basis, quotients
from ntkc.passes.series import shortest_series
from ntkc.passes.tables import bends, shortest_table
from ntkc.passes.truth import (
    ROUNDINGS,
    Fit,
    Function,
    Truth,
    between,
    complement,
    extended,
    nodes,
    symmetry,
    value_of,
)

CERTIFIED = {"float64": 4e-16, "float32": 2.4e-7}
"""A rounding or two of the number type, relative to the largest value."""
NO_MORE_DIGITS = frozenset(("erf", "normal_cdf", "owen_t", "triangle", "edge"))
"""Operations that are not known in extended precision."""
_QUOTIENT = {"float64": 4e-16, "float32": 1.2e-7}
"""The same for quotients: in float32 a term more costs little."""

_FEW = 64
_SPREAD = [8.0, 0.25, 0.016]
"""Points of a quotient: so many of each of these scales together."""
_ORDERS = range(2, 21)
_FIRST = 8
"""The order at which the sines are compared."""
_STEEP = 12
"""What bends within 2^-12 of coincidence takes no quotient and no series, where no kink does it."""


def fit(core: Node, dtype: str, room: int) -> Fit:
    """The cheapest form of a function of `gram_complement`: a quotient, otherwise a table of at
    most `room` bytes, otherwise a series. The function itself, without a certificate, where there
    is nothing to hold a form to: it is not finite at coincidence, or known in float64 alone.
    """
    stays = Fit(core, np.inf, "")
    operations = {node.op for node in topological((core,))}
    if operations & NO_MORE_DIGITS:
        return stays
    exact = value_of(core, extended())
    with np.errstate(all="ignore"):
        if not np.isfinite(exact(np.zeros(1, np.longdouble))).all():
            return stays
        smooth = bends(core, dtype)
        steep = smooth is not None and smooth.near > _STEEP and "kink" not in operations
        found = None if steep else _quotient(exact, _reaches(core), dtype)
        if found is None and smooth is not None:
            found = shortest_table(smooth, room, CERTIFIED[dtype])
        if found is None and not steep:
            found = shortest_series(exact, dtype)
    return stays if found is None else found


def _quotient(exact: Function, reaches: list[float], dtype: str) -> Fit | None:
    """The shortest that is certified, with the best of the sines; None where there is none."""
    top = exact(np.zeros(1, np.longdouble))[0]
    eta = np.concatenate([complement(nodes(_FEW)[1], k) for k in _SPREAD])
    variable = make("gram_complement")
    if symmetry(exact, eta) > 0:
        eta, variable = eta[eta <= 1], function("min", variable, 2.0 - variable)
    rest = top - exact(eta)
    truth = Truth.at(exact, between([*_SPREAD, 1.0], 3 * _FEW + 1), dtype)
    coincident = const(float(np.dtype(dtype).type(top)))

    def candidates(reach: float, order: int) -> Iterator[Fit]:
        for above, below in quotients(basis(eta, reach, order, dtype), rest, dtype):
            over, under = (
                _spelled(variable, part, reach, constant)
                for part, constant in ((above, 0.0), (below, 1.0))
            )
            form = coincident - over / under
            yield Fit(form, truth.error(form), f"a quotient of two sums of {order} terms")

    def least(reach: float) -> float:
        return min((found.error for found in candidates(reach, _FIRST)), default=np.inf)

    reach = min(reaches, key=least)
    for order in _ORDERS:
        for found in candidates(reach, order):
            if found.error <= _QUOTIENT[dtype] and truth.roundings(found.form) <= ROUNDINGS:
                return found
    return None


def _reaches(core: Node) -> list[float]:
    """0 for no sine, and what multiplies the complement where the recursion begins."""
    found = {0.0, 1.0}
    for node in topological((core,)):
        for factor, other in (node.args, node.args[::-1]) if node.op == "mul" else ():
            if factor.op == "const" and other.op == "gram_complement":
                found.add(factor.attr("value"))
    return sorted(reach for reach in found if 0 <= reach <= 1)


def _spelled(eta: Node, coefficients: tuple[float, ...], reach: float, constant: float) -> Node:
    """The sum over the functions of `basis`, after a constant."""
    if not reach:
        return make("polynomial", eta, coefficients=(constant, *coefficients))
    # As `opposites` reads 2 - eta, which keeps the digits of nearly opposite pairs.
    rest = 2.0 - eta if reach == 1.0 else 2.0 * reach - reach**2 * eta
    sine = sqrt(eta * rest)
    odd = sine * make("polynomial", eta, coefficients=coefficients[::2])
    even = make("polynomial", eta, coefficients=coefficients[1::2])
    if constant == 0.0:
        return eta * even + odd
    return make("polynomial", eta, coefficients=(constant, *coefficients[1::2])) + odd
