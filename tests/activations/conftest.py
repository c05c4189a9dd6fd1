"""Oracles: the formulas of the literature written again in mpmath, and quadrature.

Nothing here uses the forms under test. `Oracle.dual` and `Oracle.dual_dot` are over mpmath
numbers (c, p, q) and the arguments; `f` and `slope` are the activation and its derivative
over NumPy arrays, for quadrature.
"""

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from ntkc import activations
from ntkc.activations._derived import Derived
from ntkc.activations.base import Expanded, ParameterKind

mp = mpmath.mp.clone()
mp.dps = 50
half = mp.mpf(1) / 2


@dataclass(frozen=True)
class Oracle:
    dual: Callable[..., Any]
    dual_dot: Callable[..., Any]
    f: Callable[..., Any] | None
    slope: Callable[..., Any] | None = None


def _angle(c, p, q):
    """The angle between the arguments; a zero variance counts as a right angle."""
    if p * q == 0:
        return mp.pi / 2
    return mp.acos(min(max(c / mp.sqrt(p * q), -mp.one), mp.one))


def _side(c, p, q):
    return mp.sqrt(max(p * q - c * c, mp.zero))


def _rectified(n):
    """(pq)^(n/2)/2pi J_n, J_n by Cho & Saul's operator in closed form for n <= 3, else by the
    recursion d/dtheta: J_n = (-1)^n sin^(2n+1) ((1/sin) d/dtheta)^n ((pi-theta)/sin).
    """

    def dual(c, p, q):
        s, t = _side(c, p, q), mp.pi - _angle(c, p, q)
        if n == 0:
            return t / (2 * mp.pi)
        if n == 1:
            return (s + t * c) / (2 * mp.pi)
        if n == 2:
            return (3 * s * c + t * (p * q + 2 * c * c)) / (2 * mp.pi)
        if n == 3:
            inner = s * (4 * p * q + 11 * c * c) + t * (9 * p * q * c + 6 * c**3)
            return inner / (2 * mp.pi)
        return _polar(lambda x: max(x, mp.zero) ** n, n, c, p, q)

    return dual


def _polar(f, n, c, p, q):
    """E[f(u) f(v)] of an f of degree n in polar coordinates: the radius integrates to 2^n n!,
    the angle by Gauss-Legendre between the kinks, where f is analytic.
    """
    theta = _angle(c, p, q)
    kinks = [-mp.pi / 2, mp.pi / 2, theta - mp.pi / 2, theta + mp.pi / 2, 3 * mp.pi / 2]
    inside = sorted(x for x in kinks if -mp.pi / 2 <= x <= 3 * mp.pi / 2)
    total = mp.zero
    for low, high in itertools.pairwise(inside):
        if high - low > mp.mpf(10) ** -45:
            total += mp.quad(
                lambda x: f(mp.cos(x)) * f(mp.cos(x - theta)),
                [low, high],
                method="gauss-legendre",
                maxdegree=4,
            )
    return mp.sqrt(p * q) ** n * 2**n * mp.factorial(n) * total / (2 * mp.pi)


def _two_slopes(c, p, q, a, b):
    s, theta = _side(c, p, q), _angle(c, p, q)
    slope = (a * a + b * b) / 2 - (a - b) ** 2 * theta / (2 * mp.pi)
    return (a - b) ** 2 * s / (2 * mp.pi) + c * slope


def _two_slopes_dot(c, p, q, a, b):
    return (a * a + b * b) / 2 - (a - b) ** 2 * _angle(c, p, q) / (2 * mp.pi)


def _asin_rho(c, p, q):
    return mp.pi / 2 - _angle(c, p, q)


def _erf(c, p, q, a, b, shift):
    sine = 2 * b**2 * c / mp.sqrt((1 + 2 * b**2 * p) * (1 + 2 * b**2 * q))
    return a * a * 2 / mp.pi * mp.asin(sine) + shift**2


def _erf_dot(c, p, q, a, b, shift):
    inside = (1 + 2 * b**2 * p) * (1 + 2 * b**2 * q) - 4 * b**4 * c * c
    return a * a * b * b * 4 / mp.pi / mp.sqrt(inside)


def _gelu(c, p, q):
    d = mp.sqrt((1 + p) * (1 + q) - c * c)
    inner = (c * c + p * q * d * d) / ((1 + p) * (1 + q) * d) + c * mp.atan2(c, d)
    return c / 4 + inner / (2 * mp.pi)


def _gelu_dot(c, p, q):
    d = mp.sqrt((1 + p) * (1 + q) - c * c)
    bracket = 1 / d**2 + (1 - p * q) / ((1 + p) * (1 + q)) + 1
    return mp.mpf(1) / 4 + mp.atan2(c, d) / (2 * mp.pi) + c / (2 * mp.pi * d) * bracket


def _sin(c, p, q, a, b, phase, sign=-1):
    minus, plus = mp.exp(b * b * (c - (p + q) / 2)), mp.exp(-b * b * (c + (p + q) / 2))
    return a * a / 2 * (minus + sign * mp.cos(2 * phase) * plus)


def _sin_dot(c, p, q, a, b, phase):
    return b * b * _sin(c, p, q, a, b, phase, sign=1)


def _gaussian(c, p, q, a, b):
    return a * a / mp.sqrt((1 - 2 * b * p) * (1 - 2 * b * q) - 4 * b * b * c * c)


def _gaussian_dot(c, p, q, a, b):
    inside = (1 - 2 * b * p) * (1 - 2 * b * q) - 4 * b * b * c * c
    return 4 * a * a * b * b * c * inside ** (-3 * half)


def _exp(c, p, q, a, b):
    return a * a * mp.exp(b * b * ((p + q) / 2 + c))


def _gabor(c, p, q):
    t, d = p + q, 4 * (p * q - c * c)
    n = 2 * t + d + 1
    return mp.exp(-(t + d + 2 * c) / (2 * n)) * (mp.exp(2 * c / n) - 1) / (2 * mp.sqrt(n))


def _gabor_dot(c, p, q):
    return mp.diff(lambda x: _gabor(x, p, q), c)


def _monomial(c, p, q, n):
    if n < 0:
        return mp.zero
    total = mp.zero
    for k in range(n % 2, n + 1, 2):
        h = (n - k) // 2
        weight = mp.factorial(n) ** 2 / (mp.factorial(k) * mp.factorial(h) ** 2 * 2 ** (n - k))
        total += c**k * mp.sqrt(p * q) ** (n - k) * weight
    return total


def _polynomial(c, p, q, coefficients):
    """Moments of a Gaussian pair by Isserlis' theorem, term by term."""
    terms = [(k, mp.mpf(a)) for k, a in enumerate(coefficients) if a]
    return mp.fsum(
        a * b * _moment(i, j, c, p, q) for (i, a), (j, b) in itertools.product(terms, repeat=2)
    )


def _moment(i, j, c, p, q):
    """k factors of u are paired with factors of v, the others among themselves."""
    total = mp.zero
    for k in range(min(i, j) + 1):
        if (i - k) % 2 == 0 and (j - k) % 2 == 0:
            pairings = math.comb(i, k) * math.comb(j, k) * math.factorial(k)
            pairings *= _matchings(i - k) * _matchings(j - k)
            total += pairings * c**k * p ** ((i - k) // 2) * q ** ((j - k) // 2)
    return total


def _matchings(n):
    return math.prod(range(1, n, 2))


def _polynomial_dot(c, p, q, coefficients):
    return _polynomial(c, p, q, [k * mp.mpf(a) for k, a in enumerate(coefficients)][1:])


@functools.cache
def _hermite_coefficients(n):
    coefficients = [mp.zero] * (n + 1)
    for k in range(n // 2 + 1):
        value = (-1) ** k * mp.factorial(n) / (mp.factorial(k) * mp.factorial(n - 2 * k) * 2**k)
        coefficients[n - 2 * k] = value / mp.sqrt(mp.factorial(n))
    return coefficients


def _exp_normalized(c, p, q, gamma, shift):
    rho = mp.cos(_angle(c, p, q))
    return mp.sqrt(p * q) * mp.exp(gamma * (rho + shift))


def _exp_normalized_dot(c, p, q, gamma, shift):
    return gamma * mp.exp(gamma * (mp.cos(_angle(c, p, q)) + shift))


SCALE = 2.4020563531719796


def _density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


ORACLES = {
    "relu": Oracle(_rectified(1), _rectified(0), lambda z: np.maximum(z, 0)),
    "leaky_relu": Oracle(
        lambda c, p, q, a: _two_slopes(c, p, q, a, 1),
        lambda c, p, q, a: _two_slopes_dot(c, p, q, a, 1),
        lambda z, a: np.where(z > 0, z, a * z),
    ),
    "abrelu": Oracle(_two_slopes, _two_slopes_dot, lambda z, a, b: np.where(z > 0, b * z, a * z)),
    "abs": Oracle(
        lambda c, p, q: 2 / mp.pi * (_side(c, p, q) + c * _asin_rho(c, p, q)),
        lambda c, p, q: 2 / mp.pi * _asin_rho(c, p, q),
        np.abs,
    ),
    "step": Oracle(_rectified(0), lambda c, p, q: mp.zero, lambda z: np.where(z > 0, 1.0, 0.0)),
    "sign": Oracle(
        lambda c, p, q: 2 / mp.pi * _asin_rho(c, p, q), lambda c, p, q: mp.zero, np.sign
    ),
    "rectified_monomial": Oracle(
        lambda c, p, q, n: _rectified(n)(c, p, q),
        lambda c, p, q, n: n * n * _rectified(n - 1)(c, p, q),
        lambda z, n: np.maximum(z, 0) ** n,
    ),
    "erf": Oracle(
        _erf,
        _erf_dot,
        lambda z, a, b, c: a * special.erf(b * z) + c,
        lambda z, a, b, c: 2 * a * b / np.sqrt(np.pi) * np.exp(-((b * z) ** 2)),
    ),
    "sigmoid_like": Oracle(
        lambda c, p, q: _erf(c, p, q, half, 1 / mp.mpf(SCALE), half),
        lambda c, p, q: _erf_dot(c, p, q, half, 1 / mp.mpf(SCALE), half),
        lambda z: (special.erf(z / SCALE) + 1) / 2,
        lambda z: np.exp(-((z / SCALE) ** 2)) / (SCALE * np.sqrt(np.pi)),
    ),
    "gelu": Oracle(
        _gelu,
        _gelu_dot,
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * _density(z),
    ),
    "sin": Oracle(
        _sin,
        _sin_dot,
        lambda z, a, b, c: a * np.sin(b * z + c),
        lambda z, a, b, c: a * b * np.cos(b * z + c),
    ),
    "cos": Oracle(
        lambda c, p, q, a, b, s: _sin(c, p, q, a, b, s + mp.pi / 2),
        lambda c, p, q, a, b, s: _sin_dot(c, p, q, a, b, s + mp.pi / 2),
        lambda z, a, b, c: a * np.cos(b * z + c),
        lambda z, a, b, c: -a * b * np.sin(b * z + c),
    ),
    "rbf": Oracle(
        lambda c, p, q, g: mp.exp(-g * (p + q - 2 * c)),
        lambda c, p, q, g: 2 * g * mp.exp(-g * (p + q - 2 * c)),
        lambda z, g: np.sqrt(2) * np.sin(np.sqrt(2 * g) * z + np.pi / 4),
        lambda z, g: 2 * np.sqrt(g) * np.cos(np.sqrt(2 * g) * z + np.pi / 4),
    ),
    "gaussian": Oracle(
        _gaussian,
        _gaussian_dot,
        lambda z, a, b: a * np.exp(b * z * z),
        lambda z, a, b: 2 * a * b * z * np.exp(b * z * z),
    ),
    "exp": Oracle(
        _exp,
        lambda c, p, q, a, b: b * b * _exp(c, p, q, a, b),
        lambda z, a, b: a * np.exp(b * z),
        lambda z, a, b: a * b * np.exp(b * z),
    ),
    "gabor": Oracle(
        _gabor,
        _gabor_dot,
        lambda z: np.exp(-z * z) * np.sin(z),
        lambda z: np.exp(-z * z) * (np.cos(z) - 2 * z * np.sin(z)),
    ),
    "exp_normalized": Oracle(_exp_normalized, _exp_normalized_dot, None),
    "monomial": Oracle(
        _monomial,
        lambda c, p, q, n: n * n * _monomial(c, p, q, n - 1),
        lambda z, n: z**n,
        lambda z, n: n * z ** max(n - 1, 0),
    ),
    "polynomial": Oracle(
        _polynomial,
        _polynomial_dot,
        lambda z, a: np.polynomial.polynomial.polyval(z, a),
        lambda z, a: np.polynomial.polynomial.polyval(
            z, np.polynomial.polynomial.polyder(np.array(a, float))
        ),
    ),
    "hermite": Oracle(
        lambda c, p, q, n: _polynomial(c, p, q, _hermite_coefficients(n)),
        lambda c, p, q, n: _polynomial_dot(c, p, q, _hermite_coefficients(n)),
        lambda z, n: special.eval_hermitenorm(n, z) / np.sqrt(special.factorial(n)),
        lambda z, n: n * special.eval_hermitenorm(max(n - 1, 0), z) / np.sqrt(special.factorial(n)),
    ),
}


def sample_arguments(name):
    """Argument tuples from the declared samples: each value occurs at least once."""
    columns = [
        ([] if p.default is None else [p.default]) + list(p.samples)
        for p in activations.load(name).parameters
    ]
    count = max(map(len, columns), default=1)
    return [tuple(column[k % len(column)] for column in columns) for k in range(count)]


CLOSED = [n for n in activations.names() if not isinstance(activations.load(n), Expanded | Derived)]
"""Those without closed form, and those whose form is derived, have tests of their own, against
quadrature."""
CASES = [(name, arguments) for name in CLOSED for arguments in sample_arguments(name)]


@dataclass(frozen=True)
class Case:
    """An activation with arguments, its forms as functions and its oracle."""

    name: str
    arguments: tuple[Any, ...]

    @property
    def oracle(self):
        return ORACLES[self.name]

    @property
    def bound(self):
        return activations.load(self.name).bind(self.arguments)

    @property
    def numbers(self):
        """The run-time arguments by the names they have in the forms."""
        flat = []
        for declared, value in zip(
            activations.load(self.name).parameters, self.arguments, strict=True
        ):
            if declared.kind is ParameterKind.NUMBER:
                flat.append(value)
            elif declared.kind is ParameterKind.NUMBERS:
                flat.extend(value)
        return dict(zip(self.bound.symbols, flat, strict=True))

    def exact(self, which, c, p, q):
        """The oracle's value in 50 digits."""
        return _exact(self, which, mp.mpf(c), mp.mpf(p), mp.mpf(q))


@functools.lru_cache(maxsize=4096)
def _exact(case, which, c, p, q):
    exact = [mp.mpf(a) if isinstance(a, float) else a for a in case.arguments]
    return getattr(case.oracle, which)(c, p, q, *exact)


def _label(case):
    name, arguments = case
    return name + (f"{list(arguments)}".replace(" ", "") if arguments else "")


@pytest.fixture(params=CASES, ids=_label)
def case(request):
    """Every activation with every sample of its arguments."""
    return Case(*request.param)


@pytest.fixture
def exact_context():
    """The mpmath context of the oracles."""
    return mp


@pytest.fixture
def oracles():
    """Every oracle by name."""
    return ORACLES
