"""Fit a function of the angle between two inputs, with a certificate.

Two forms are tried, in eta = 1 - cos(theta). The first is a quotient,

    f = f(0) - (eta A(eta) + sigma B(eta)) / (1 + eta C(eta) + sigma D(eta)),

with sigma = sin(theta) = sqrt(eta (2 - eta)): of trigonometric polynomials in theta, which is to
say of polynomials in tan(theta/2). A network of kinked activations is analytic in theta on
[0, pi], in the cosine it is not; the deeper it is the closer to coincidence it bends, its
singularities crowding at small negative angles, and the quotient places its poles among them.
Where the first layer has a bias, sigma is the sine of the angle after it, whose complement is
reach * eta: the function is analytic there, and in theta it nearly is not, close to pi. A function
that is analytic in eta (a smooth activation) takes a quotient without sigma, and no root.

The other form is a Chebyshev series, for functions whose singularities are not on one line,

    f = f(0) - u series(2u - 1),   u = (1 + k) t / (t + k),
    t = tan(theta/4) = sin(theta/2) / (1 + cos(theta/2)),

with the k of a few that needs the fewest terms. In both, the difference from the value at
coincidence is fitted: what is 0 there is exactly 0, and small distances keep their digits.

The form that goes into the kernel is itself held to the function, on points that it was not fitted
on: its formula in extended precision (the certificate), and as the kernel computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ntkc.ir.arithmetic import (
    NAMED_CONSTANTS,
    Arithmetic,
    evaluate,
    numpy_arithmetic,
    recognise,
)
from ntkc.ir.node import Node, Rewriter, const, function, make, sqrt, symbol, topological
from ntkc.passes.quotients import basis, quotients

CERTIFIED = {"float64": 4e-16, "float32": 2.4e-7}
"""A rounding or two of the number type, relative to the largest value."""
_WANTED = {"float64": 2e-16, "float32": 6e-8}
_QUOTIENT = {"float64": 4e-16, "float32": 1.2e-7}
"""The same for quotients: in float32 a term more costs little."""
_ROUNDINGS = 8
"""By how many eps of the largest value what is computed in the number type may differ. Seen are 1
to 6; a quotient with more has terms that cancel."""

_NODES = 192
_SCALES = (8.0, 2.0, 0.7, 0.25, 0.1, 0.04, 0.016)
"""k: the smaller, the denser the points near coincidence."""
_LENGTHS = (8, 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 46, 53, 60, 70, 80, 95, 110)
_FEW = 64
_SPREAD = (8.0, 0.25, 0.016)
"""Points of a quotient: so many of each of these scales together."""
_ORDERS = range(2, 21)
_FIRST = 8
"""The order at which the sines are compared."""


@dataclass(frozen=True)
class Fit:
    """What stands for a function of `gram_complement`: a form of the kernel IR, in words too.

    `error` is relative to the largest value, beside what half a rounding of the complement makes.
    """

    form: Node
    error: float
    words: str


@dataclass(frozen=True)
class _Truth:
    """A function at points that no fit sees, and by how much half a rounding of them moves it."""

    dtype: str
    eta: Any
    values: Any
    felt: Any
    largest: Any

    def error(self, form: Node) -> float:
        """Of the formula: the certificate."""
        return self._beside(value_of(form, numpy_arithmetic(np.longdouble))(self.eta))

    def roundings(self, form: Node) -> float:
        """Of what the kernel computes."""
        kind = np.dtype(self.dtype).type
        computed = value_of(form, numpy_arithmetic(self.dtype))(self.eta.astype(kind))
        return self._beside(computed) / float(np.finfo(kind).eps)

    def _beside(self, values: Any) -> float:
        gaps = np.maximum(np.abs(values - self.values) - self.felt, 0)
        return float(gaps.max() / self.largest) if np.isfinite(gaps).all() else np.inf


def fit(core: Node, dtype: str) -> Fit:
    """The shortest form of a function of `gram_complement`: a quotient, otherwise a series; the
    function itself, without a certificate, where it is not finite at coincidence.
    """
    exact = value_of(core, _extended())
    with np.errstate(all="ignore"):
        if not np.isfinite(exact(np.zeros(1, np.longdouble))).all():
            return Fit(core, np.inf, "")
        found = _quotient(exact, _reaches(core), dtype)
        return _series(exact, dtype) if found is None else found


# --- quotients -------------------------------------------------------------------------


def _quotient(exact: Callable[[Any], Any], reaches: list[float], dtype: str) -> Fit | None:
    """The shortest that is certified, with the best of the sines; None where there is none."""
    top = exact(np.zeros(1, np.longdouble))[0]
    eta = np.concatenate([_complement(_points(_FEW)[1], k) for k in _SPREAD])
    variable = make("gram_complement")
    if _is_even(exact, eta):
        eta, variable = eta[eta <= 1], function("min", variable, 2.0 - variable)
    rest = top - exact(eta)
    truth = _truth(exact, [*_SPREAD, 1.0], 3 * _FEW + 1, dtype)
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
            if found.error <= _QUOTIENT[dtype] and truth.roundings(found.form) <= _ROUNDINGS:
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


def _is_even(exact: Callable[[Any], Any], eta: Any) -> bool:
    """Whether an input and its opposite have the same value with others: at moderate angles, for
    2 - eta has few of the digits of a small eta. The certificate is what a fit is held to.
    """
    values = exact(eta := eta[eta > 0.1])
    return bool(np.abs(values - exact(2 - eta)).max() <= 2.0**-40 * np.abs(values).max())


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


# --- series ----------------------------------------------------------------------------


def _series(exact: Callable[[Any], Any], dtype: str) -> Fit:
    """The shortest series, with its error."""
    top = exact(np.zeros(1, np.longdouble))[0]
    x, u = _points(_NODES)
    values = exact(np.concatenate([_complement(u, k) for k in _SCALES]))
    scale, found = min(
        zip(_SCALES, values.reshape(len(_SCALES), -1), strict=True),
        key=lambda candidate: _length(x, (top - candidate[1]) / u),
    )
    truth = _truth(exact, [scale], 3 * _NODES + 1, dtype)
    best = Fit(const(float(top)), np.inf, "")
    for terms in _LENGTHS:
        series = _least_squares(x, u, top - found, terms).astype(dtype)
        coincident = const(float(np.dtype(dtype).type(top)))
        form = coincident - _chebyshev(scale, tuple(map(float, series)))
        error = truth.error(form)
        if error < best.error:
            best = Fit(form, error, f"a Chebyshev series of {terms} terms")
        if error <= _WANTED[dtype]:
            break
    return best


def _chebyshev(scale: float, series: tuple[float, ...]) -> Node:
    half = make("gram_complement") * 0.5
    s = sqrt(half)
    u = s * (1.0 + scale) / (s + (1.0 + sqrt(1.0 - half)) * scale)
    return u * make("chebyshev", 2.0 * u - 1.0, coefficients=series)


def _length(x: Any, values: Any) -> int:
    """How many terms stand out of what rounding leaves: it is large where u is small."""
    terms = np.cos(np.outer(np.arange(_NODES), np.arccos(x)))
    series = np.abs(terms @ values)
    return int(np.count_nonzero(series > 1e-12 * series.max()))


def _least_squares(x: Any, u: Any, values: Any, terms: int) -> Any:
    """The series for which u * series(x) is closest to the values: solved in float64, and
    refined by residuals in extended precision.
    """
    columns = np.cos(np.outer(np.arccos(x), np.arange(terms)))
    matrix = (u[:, None] * columns).astype(float)
    series = np.zeros(terms, np.longdouble)
    for _ in range(3):
        residual = values - u * (columns @ series)
        series += np.linalg.lstsq(matrix, residual.astype(float), rcond=None)[0]
    return series


# --- points and values -----------------------------------------------------------------


def _points(count: int) -> tuple[Any, Any]:
    """Chebyshev's nodes on [-1, 1], and on [0, 1]."""
    x = np.cos(np.pi * (np.arange(count, dtype=np.longdouble) + np.longdouble(0.5)) / count)
    return x, (x + 1) / 2


def _complement(u: Any, scale: float) -> Any:
    """1 - cos(theta) = 2 sin^2(theta/2) at u."""
    t = scale * u / (1 + scale - u)
    s = 2 * t / (1 + t * t)
    return 2 * s * s


def _truth(exact: Callable[[Any], Any], scales: list[float], count: int, dtype: str) -> _Truth:
    """At numbers of the type: nodes of the scales and both ends."""
    u = (np.cos(np.linspace(0, np.pi, count).astype(np.longdouble)) + 1) / 2
    eta = np.concatenate([_complement(u, scale) for scale in scales])
    eta = eta.astype(dtype).astype(np.longdouble)
    values = exact(eta)
    felt = np.abs(exact(eta * (1 + np.finfo(dtype).eps / 2)) - values)
    return _Truth(dtype, eta, values, felt, np.abs(values).max())


def value_of(core: Node, arithmetic: Arithmetic) -> Callable[[Any], Any]:
    """A form in `gram_complement` as a function of arrays of complements."""
    eta = symbol("eta")

    def rule(node: Node) -> Node:
        if node.op == "gram_complement":
            return eta
        return node.args[0] if node.op in ("carry", "within") else node

    form = Rewriter(rule)(core)
    return lambda values: np.broadcast_to(
        evaluate([form], {"eta": values}, arithmetic)[0], values.shape
    )


@cache
def _extended() -> Arithmetic:
    """NumPy's longest floats; a constant that is the float nearest to 1/pi means 1/pi."""
    plain = numpy_arithmetic(np.longdouble)

    def number(value: Any) -> Any:
        known = recognise(value) if isinstance(value, float) else None
        if known is None:
            return plain.number(value)
        exact = known[0] * NAMED_CONSTANTS[known[1]]
        high = float(exact)
        return plain.number(high) + plain.number(float(exact - Fraction(high)))

    return Arithmetic("extended", number, plain.table)
