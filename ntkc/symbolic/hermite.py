"""Hermite coefficients of an activation's slope, by quadrature.

With h_m the orthonormal (probabilists') Hermite polynomials,

    d_m(p) = E[f'(sqrt(p) z) h_m(z)],      E[f'(u) f'(v)] = sum over m of d_m(p) d_m(q) rho^m

for Gaussian u, v of variances p, q and correlation rho (Mehler 1866). Parseval's identity,
sum of d_m(p)^2 = E[f'(sqrt(p) z)^2], makes what is left out known exactly, and the
Cauchy-Schwarz inequality makes that a bound for every q and rho.

The integrals are taken over Hermite functions h_m(z) exp(-z^2/4), which are bounded by 1, times
f'(sqrt(p) z) exp(-z^2/4), which is nothing beyond |z| = 13: so degrees in the thousands need no
larger numbers and no wider range than the first (Gauss-Legendre rules on short panels).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

_REACH = 13.5  # exp(-z^2/4) is 2e-20 there
_ORDER = 16  # of the Gauss-Legendre rule on a panel
_BLOCK = 512  # Hermite functions held at a time
_HUGE = 1e120  # of a slope: squares of it, and of a share of 1e-16 of it, are floats
_REMEMBERED = 16  # arrays, of 1.4 MB at most
_SMALL = 1e-150  # an arcsine over its argument is 1 there


class NotFiniteError(ValueError):
    """A function that cannot be integrated."""


class Slope(Protocol):
    """The even or the odd part of an activation's slope, as its Hermite coefficients."""

    @property
    def parity(self) -> int:
        """0 for the even part, 1 for the odd one."""

    def coefficients(self, variances: Array, degrees: Array) -> Array:
        """d_m(p) for variances (P,) and degrees (M,) of the parity, ascending: (P, M)."""

    def norms(self, variances: Array) -> Array:
        """E[f'(sqrt(p) z)^2] (P,) of this part alone."""

    def duals(self, p: Array, q: Array, taus: Array, degree: int) -> tuple[Array, Array]:
        """For pairs of variances (P,) and rho = e^-tau (T,): the sums over all m up to `degree` of
        d_m(p) d_m(q) rho^m, and of the same over m + 1, each (T, P)."""


@dataclass(frozen=True)
class Sampled:
    """A part of a slope that can be evaluated anywhere."""

    slope: Function
    parity: int
    width: float = 0.12
    """Of a panel, in units of the standard deviation: fits the largest variance and degree."""

    def values(self, variances: Array) -> tuple[Array, Array, Array]:
        """(this part of f' at sqrt(p) z (P, J), nodes z > 0 (J,), weights (J,))."""
        nodes, weights = _panels(self.width)
        x = np.sqrt(variances)[:, None] * nodes
        with np.errstate(all="ignore"):
            mirrored = self.slope(-x)
            part = 0.5 * (self.slope(x) + (mirrored if self.parity == 0 else -mirrored))
        if not np.isfinite(part).all():
            raise NotFiniteError(
                f"it or its derivative is not finite for all |z| up to {x.max():.0f}, which "
                "variances up to that of the series reach"
            )
        return part, nodes, 2.0 * weights

    def coefficients(self, variances: Array, degrees: Array) -> Array:
        """See `Slope`."""
        part, nodes, weights = self.values(variances)
        weighted = part * (weights * _ground_state(nodes))
        found = np.empty((len(variances), len(degrees)))
        functions = _functions(self.width)
        whole = degrees.astype(int)
        if len(whole) <= _BLOCK // 2:
            few: Array = weighted @ functions.at(whole.tolist()).T
            return few
        found = np.empty((len(variances), len(whole)))
        for number in range(int(whole[0]) // _BLOCK, int(whole[-1]) // _BLOCK + 1):
            first, last = np.searchsorted(whole, [number * _BLOCK, (number + 1) * _BLOCK])
            rows = functions.block(number)[whole[first:last] - number * _BLOCK]
            found[:, first:last] = weighted @ rows.T
        return found

    def norms(self, variances: Array) -> Array:
        """See `Slope`."""
        part, nodes, weights = self.values(variances)
        squares: Array = (part * part) @ (weights * _ground_state(nodes) ** 2)
        return squares

    def duals(self, p: Array, q: Array, taus: Array, degree: int) -> tuple[Array, Array]:
        """See `Slope`."""
        degrees = np.arange(self.parity, degree + 1, 2, dtype=float)
        variances, places = np.unique(np.concatenate([p, q]), return_inverse=True)
        found = self.coefficients(variances, degrees).T
        products = found[:, places[: len(p)]] * found[:, places[len(p) :]]
        decays = np.exp(-degrees * taus[:, None])
        return decays @ products, (decays / (degrees + 1.0)) @ products


def _ground_state(z: Array) -> Array:
    """The Hermite function of degree 0 with respect to dz: its square is the normal density."""
    value: Array = np.exp(-z * z / 4.0) / (2.0 * np.pi) ** 0.25
    return value


def _panels(width: float) -> tuple[Array, Array]:
    """Nodes and weights on [0, reach], panel by panel."""
    points, weights = np.polynomial.legendre.leggauss(_ORDER)
    count = int(np.ceil(_REACH / width))
    length = _REACH / count
    nodes = length * (np.arange(count)[:, None] + (points + 1.0) / 2.0)
    return nodes.ravel(), np.tile(weights * length / 2.0, count)


class _HermiteFunctions:
    """The Hermite functions at the nodes of a rule.

    By the three-term recurrence, which is stable for these functions. A derivation asks for few
    degrees again and again, and for ranges of many: rows of the former are kept, and of the latter
    where each block of them begins.
    """

    def __init__(self, nodes: Array) -> None:
        ground = _ground_state(nodes)
        self._nodes = nodes
        self._rows: dict[int, Array] = {}
        self._starts = {0: (ground, nodes * ground)}

    def at(self, degrees: Sequence[int]) -> Array:
        """(degrees, nodes) for a few degrees, ascending."""
        missing = [degree for degree in degrees if degree not in self._rows]
        for number in sorted({degree // _BLOCK for degree in missing}):
            block = self.block(number)
            for degree in missing:
                if degree // _BLOCK == number:
                    self._rows[degree] = block[degree % _BLOCK].copy()
        return np.array([self._rows[degree] for degree in degrees])

    def block(self, number: int) -> Array:
        """Those of `_BLOCK` degrees, from that many blocks on."""
        while number not in self._starts:
            self.block(max(k for k in self._starts if k < number))
        now, after = self._starts[number]
        found = np.empty((_BLOCK, len(self._nodes)))
        for place in range(_BLOCK):
            found[place] = now
            degree = float(number * _BLOCK + place)
            rise = self._nodes * after - math.sqrt(degree + 1.0) * now
            now, after = after, rise / math.sqrt(degree + 2.0)
        self._starts[number + 1] = now, after
        return found


@lru_cache(maxsize=1)
def _functions(width: float) -> _HermiteFunctions:
    return _HermiteFunctions(_panels(width)[0])


def forget() -> None:
    """Give back the memory of what is kept from one coefficient to the next."""
    _functions.cache_clear()


@dataclass(frozen=True)
class Mixture:
    """An even slope that is a mixture of Gaussian bells: the sum of weights_i exp(-rates_i x^2).

    Then coefficients have a closed form in every degree, and the duals too: nothing is lost
    where f' has a kink and its series never ends.
    """

    rates: Array
    weights: Array
    parity: int = 0

    def coefficients(self, variances: Array, degrees: Array) -> Array:
        """E[exp(-s p z^2) h_2j(z)] = (-1)^j beta_j (1 + 2sp)^(-1/2) (2sp/(1 + 2sp))^j with
        beta_j^2 = (2j)!/(4^j j!^2). The signs go, which squares do not see.
        """
        from scipy.special import gammaln

        halves = degrees / 2.0
        beta = np.exp(0.5 * gammaln(2 * halves + 1) - gammaln(halves + 1) - halves * np.log(2.0))
        wide = 2.0 * np.outer(variances, self.rates)
        heights = self.weights / np.sqrt(1.0 + wide)
        with np.errstate(divide="ignore"):
            logs = -np.log1p(1.0 / wide)
        found = np.empty((len(variances), len(degrees)))
        for number, half in enumerate(halves):
            bells = np.exp(half * logs) if half else np.ones_like(logs)
            found[:, number] = beta[number] * (heights * bells).sum(axis=1)
        return found

    def norms(self, variances: Array) -> Array:
        """See `Slope`."""
        slopes, _ = self.duals(variances, variances, np.zeros(1), 0)
        return np.asarray(slopes[0])

    def duals(self, p: Array, q: Array, taus: Array, degree: int) -> tuple[Array, Array]:
        """See `Slope`; the whole sums, whatever the degree: of pairs of bells
        E[e^(-su^2 - tv^2)] = ((1 + 2sp)(1 + 2tq) - 4stc^2)^(-1/2), and for its integral over c,
        the arcsine that belongs to it.
        """
        slopes, integrals = np.empty((2, len(taus), len(p)))
        s, t = self.rates[:, None], self.rates[None, :]
        both = self.weights[:, None] * self.weights[None, :]
        root = 2.0 * np.sqrt(s) * np.sqrt(t)
        for j, (one, two) in enumerate(zip(p, q, strict=True)):
            apart = 1.0 + 2.0 * (s * one + t * two)
            product = root * np.sqrt(one * two)
            for i, tau in enumerate(taus):
                side = np.sqrt(apart - product * product * np.expm1(-2.0 * tau))
                slopes[i, j] = (both / side).sum()
                sine = np.maximum(product * np.exp(-tau), _SMALL)
                integrals[i, j] = (both * np.arctan2(sine, side) / sine).sum()
        return slopes, integrals


def remembered(function: Function) -> Function:
    """The function, which knows what it was asked lately: both parts of a slope ask for the same,
    and a formula of a stranger may be long.
    """
    known: dict[bytes, Array] = {}

    def ask(x: Array) -> Array:
        key = hashlib.blake2b(x.tobytes(), digest_size=16).digest()
        found = known.pop(key, None)
        known[key] = function(x) if found is None else found
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]
        return known[key]

    return ask


def parts(slope: Function, largest: float) -> Sequence[Sampled]:
    """The even and the odd part of a slope, without a part that vanishes.

    Raises `NotFiniteError` where its squares leave the range of floats.
    """
    probe = np.array([0.01, 0.3, 1.0]) * largest
    found = [Sampled(slope, parity) for parity in (0, 1)]
    peak = max(float(np.abs(part.values(probe)[0]).max()) for part in found)
    if peak > _HUGE or 0.0 < peak < 1.0 / _HUGE:
        raise NotFiniteError(
            f"its slope is {peak:.0e} somewhere, whose square is out of the range of floats"
        )
    norms = [part.norms(probe) for part in found]
    total = norms[0] + norms[1]
    return [p for p, n in zip(found, norms, strict=True) if (n > 1e-26 * total).any()]
