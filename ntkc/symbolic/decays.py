"""Activations of straight lines and exponentials that fall away from a kink at 0: elu and its kin.

The slope of such an f, with decays e^(-b|z|) of one rate b or more, is

    f'(z) = e0 + sum of e e^(-b|z|)  +  s sign(z) - sum of o sign(z) (1 - e^(-b|z|)),

an even part and an odd one; s is half the jump at the kink. The rest of the odd part is the
integral of the decays, so that one expansion serves all: with b_m(p) the Hermite coefficients of
e^(-|z|) at variance p, which a mixture of Gaussian bells gives in every degree,
sign(z) (1 - e^(-|z|)) has sqrt(p/(m + 1)) b_m(p) in degree m + 1. The jump alone has the
arc-cosine kernel, which is exact; only its products with the decays are part of the series. (A
closed form by tilted truncated moments exists too. It is a difference of terms of order 1 at small
variances and of order e^variance at large ones.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ntkc.ir.node import Node, is_const
from ntkc.symbolic.algebra import plus, summed, times
from ntkc.symbolic.certify import CHECKED
from ntkc.symbolic.hermite import Array, Mixture, Sampled
from ntkc.symbolic.interpolation import chebyshev, position, variances_at
from ntkc.symbolic.kept_rules import Rules, kept_decays
from ntkc.symbolic.sparse import Rule, correlations, rule
from ntkc.symbolic.terms import Term, Terms, derivative, known_number

LARGEST_RATE = 4.0
"""Of a decay whose rate a `param` decides."""
_DEGREE = 2**33
"""How far the expansion goes for variances up to 100: kinks are seen up to a degree that grows with
the variance."""
_CORRELATIONS = 144
_TAYLOR = [1.0 / math.factorial(k + 2) for k in range(18)]
"""Of (e^x - 1 - x)/x^2."""
_SIZES = (32, 48, 64, 96)


@dataclass(frozen=True)
class Decay:
    """even e^(-rate|z|) + odd sign(z) e^(-rate|z|), for a rate > 0."""

    rate: Node
    even: Node
    odd: Node


@dataclass(frozen=True)
class Slopes:
    """f by its value at 0 and its slope, even + jump sign(z) + decays - their odd parts at 0."""

    origin: Node
    even: Node
    jump: Node
    decays: tuple[Decay, ...]


def decaying(terms: Terms) -> Slopes | None:
    """The activation in that form; None for one of another kind, or with a jump."""
    slopes, _ = derivative(terms)
    if not all(map(_plain, (*terms, *slopes))) or any(t.power for t in slopes):
        return None
    flat = [t for t in slopes if is_const(t.rate, 0.0)]
    falling = [t for t in slopes if not is_const(t.rate, 0.0)]
    if not falling or not all(map(_falls, falling)):
        return None
    by_rate: dict[Node, list[Term]] = {}
    for term in falling:
        by_rate.setdefault(times(-_side(term), term.rate), []).append(term)
    decays = tuple(Decay(rate, _even(found), _odd(found)) for rate, found in by_rate.items())
    jump = plus(_odd(flat), summed(d.odd for d in decays))
    ends = [t for t in terms if not t.power and (t.condition is None or _side(t) > 0)]
    return Slopes(summed(t.coefficient for t in ends), _even(flat), jump, decays)


def _plain(term: Term) -> bool:
    """A straight line or an exponential on all of the line or one side of 0."""
    if term.waves or not is_const(term.square, 0.0):
        return False
    condition = term.condition
    if condition is None:
        return True
    at_zero = is_const(condition.threshold, 0.0) and is_const(condition.slope)
    return at_zero and not condition.noise and not condition.centred


def _falls(term: Term) -> bool:
    """Whether an exponential decays; where a parameter is its rate, its range says so."""
    if term.condition is None:
        return False
    rate = known_number(term.rate)
    return rate is None or rate * _side(term) < 0


def _side(term: Term) -> float:
    """1 for z > 0, -1 for z < 0, 0 for both."""
    if term.condition is None:
        return 0.0
    slope = known_number(term.condition.slope)
    assert slope is not None
    return math.copysign(1.0, slope)


def _even(terms: list[Term]) -> Node:
    """Half of what is on either side, and all of what is on both."""
    return summed(times(0.5 if _side(t) else 1.0, t.coefficient) for t in terms)


def _odd(terms: list[Term]) -> Node:
    return summed(times(0.5 * _side(t), t.coefficient) for t in terms if _side(t))


# --- the series of exp(-|z|) ---------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """sqrt(w_l) b_m(p) for the few even degrees m, and E[|u| - 1 + e^(-|u|)]/p, as Chebyshev
    series in t(p) for variances up to `largest`; and the error of what is made of them.
    """

    largest: float
    degrees: tuple[int, ...]
    series: tuple[tuple[float, ...], ...]
    signs: tuple[float, ...]
    """sqrt(w_l) times the coefficients of sign(z) in the degrees m + 1."""
    mean: tuple[float, ...]
    error: float

    def weights(self, step: int) -> tuple[list[float], list[float], list[float]]:
        """Of the products of even and of odd parts, and of odd parts with the jump, in the degrees:
        in Σ̇ for step 0, in its integral over c by c for step 1.
        """
        even = [1.0 / (m + 1) if step else 1.0 for m in self.degrees]
        shares = [1.0 / (m + 2) if step else 1.0 for m in self.degrees]
        odd = [w / (m + 1) for w, m in zip(shares, self.degrees, strict=True)]
        jump = [
            w * s / math.sqrt(m + 1.0)
            for w, s, m in zip(shares, self.signs, self.degrees, strict=True)
        ]
        return even, odd, jump


@lru_cache(maxsize=8)
def bells() -> Mixture:
    """e^(-|z|) as the integral over s of (4 pi s^3)^(-1/2) e^(-1/4s) e^(-s z^2), by the
    trapezoidal rule in log s, whose error falls as e^(-pi^2/step). Beyond the last s there is
    1/sqrt(pi s) of it.
    """
    step = 0.3
    rates = np.exp(np.arange(math.log(2e-3), math.log(1e26), step))
    weights = step * np.exp(-0.25 / rates) / np.sqrt(4.0 * np.pi * rates)
    return Mixture(rates, weights)


@lru_cache(maxsize=16)
def series(tolerance: float, largest: float) -> Series:
    """The series within the tolerance, relative to the norms of e^(-|u|) and its integral.

    Raises `ValueError` where there is none.
    """
    found = kept_decays(largest, tolerance) or derived_rules(tolerance, largest)
    (rule,) = found.rules
    degrees = np.array(rule.degrees, dtype=float)
    signs = _signs(degrees, np.sqrt(rule.weights))
    rows = tuple(tuple(map(float, row)) for row in _made(rule, largest).T)
    mean, _ = _mean(largest)
    return Series(largest, rule.degrees, rows, tuple(map(float, signs)), mean, found.error)


def derived_rules(tolerance: float, largest: float) -> Rules:
    """The rule, found now. Raises `ValueError` where there is none."""
    decay = bells()
    last = _DEGREE * max(1, round(largest / 100.0))
    degrees, weights = rule(decay, largest, last, tolerance / 4, _CORRELATIONS)
    weights[0] = 1.0  # of degree 0, to which constants are added
    roots = np.sqrt(weights)
    for size in _SIZES:
        found = Rule(tuple(map(int, degrees)), tuple(map(float, weights)), size)
        lost = _interpolation_error(decay, degrees, roots, _made(found, largest), largest)
        if lost <= tolerance / 4:
            break
    signs = _signs(degrees, roots) * roots
    lost += _rule_error(decay, degrees, weights, signs, largest) + _mean(largest)[1]
    return Rules((found,), lost + 1e-15)


def _made(rule: Rule, largest: float) -> Array:
    """The Chebyshev series of the features, a column each."""
    degrees, roots = np.array(rule.degrees, dtype=float), np.sqrt(rule.weights)
    return chebyshev(lambda p: roots * bells().coefficients(p, degrees), rule.size, largest)


def _signs(degrees: Array, roots: Array) -> Array:
    """The roots of the weights times the coefficients of sign(z) in the degrees m + 1."""
    signs: Array = roots * np.exp(_log_heights(degrees)) * np.sqrt(2.0 / np.pi / (degrees + 1.0))
    return signs


def _log_heights(degrees: Array) -> Array:
    """log |h_m(0)| for even m."""
    from scipy.special import gammaln

    halves = degrees / 2.0
    logs: Array = 0.5 * gammaln(degrees + 1) - gammaln(halves + 1) - halves * np.log(2.0)
    return logs


def _interpolation_error(
    decay: Mixture, degrees: Array, roots: Array, made: Array, largest: float
) -> float:
    """What the Chebyshev series lose between their nodes, as a share of the norm."""
    places = np.cos(np.pi * (np.arange(2 * len(made)) + 1.0) / (2 * len(made)))
    variances = variances_at(np.concatenate([places, [1.0]]), largest)
    exact = roots * decay.coefficients(variances, degrees)
    found = np.polynomial.chebyshev.chebval(np.concatenate([places, [1.0]]), made).T
    lost = np.sqrt(((found - exact) ** 2).sum(axis=1) / decay.norms(variances))
    return 2.0 * float(lost.max())


def _rule_error(
    decay: Mixture, degrees: Array, weights: Array, signs: Array, largest: float
) -> float:
    """The largest error of the sums for pairs that the rule was not made at, one of them the limit
    of large variances where the odd part is the jump's.
    """
    variances = largest * CHECKED
    one, two = np.tril_indices(len(variances))
    taus = 1.37 * correlations(int(degrees[-1]), _CORRELATIONS)
    own = decay.coefficients(variances, degrees)
    decays = np.exp(-np.outer(taus, degrees))
    worst = 0.0
    extras = (np.ones_like(degrees), degrees + 1.0)
    sums = decay.duals(variances[one], variances[two], taus, _DEGREE)
    for exact, extra in zip(sums, extras, strict=True):
        norms = exact[0, one == two]
        found = decays @ (own[one] * own[two] * weights / extra).T
        scale = np.sqrt(norms[one] * norms[two])
        worst = max(worst, float((np.abs(found - exact) / scale).max()))
    far = 1e24 * np.ones_like(variances)
    _, limits = decay.duals(far, variances, taus, _DEGREE)
    _, tops = decay.duals(variances, variances, np.zeros(1), _DEGREE)
    found = decays @ (own * signs / np.sqrt(degrees + 1.0)).T
    return worst + float((np.abs(found - limits * np.sqrt(far)) / np.sqrt(tops)).max())


def _mean(largest: float) -> tuple[tuple[float, ...], float]:
    """The series of E[|u| - 1 + e^(-|u|)]/p, and its error relative to sqrt(p)."""

    def value(x: Array) -> Array:
        size = np.abs(x)
        small = np.polynomial.polynomial.polyval(-size, _TAYLOR)
        return np.where(size < 1.0, size * size * small, size + np.expm1(-size))

    def mean(variances: Array) -> Array:
        return Sampled(value, 0).coefficients(variances, np.zeros(1))[:, 0] / variances

    made = chebyshev(mean, _SIZES[1], largest)
    variances = largest * np.linspace(0.01, 1.0, 37) ** 4
    found = np.polynomial.chebyshev.chebval(position(variances, largest), made)
    lost = np.abs(found - mean(variances)) * np.sqrt(variances)
    return tuple(map(float, made)), 2.0 * float(lost.max())


def largest_argument(slopes: Slopes, largest: float) -> float:
    """The largest variance at which the series is needed, for variances up to `largest`."""
    sizes = [known_number(d.rate) for d in slopes.decays]
    rates = [LARGEST_RATE if size is None else size for size in sizes]
    return largest * 4.0 ** max(0, math.ceil(math.log(max(rates), 2.0) - 1e-9))
