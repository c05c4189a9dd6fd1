"""φ(λ) of the training dynamics: f(t) = f_0 + K φ(K + ridge)(y − f_0), for each mode λ.

λφ(λ) is the share of a mode's residual that is gone. Every function returns φ, not λφ, and without
a subtraction of nearly equal numbers, so that slow modes (λ → 0) keep their digits: at test points
φ is not multiplied by λ. Arguments: λ (rank,), times (T,), N; result (T, rank); λ ≥ 0.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expm1, gammainc, log1p

from .arrays import Array

Complex: TypeAlias = NDArray[Any]
"""Complex arrays (NumPy's types for mixed arithmetic do not say so)."""

_NEARLY_CRITICAL = 1e-3
"""|d|·s below which the two rates of a damped mode are treated as one, with the first correction:
the term left out is (1e-3)⁴/120 ≈ 1e-14 relative, and the difference quotient taken otherwise loses
at most 3 digits."""


def flow(rates: Array, times: Array, rate: float) -> Array:
    """Gradient flow: φ = (1 − e^{−ητλ/N})/λ, with `rate` = η/N."""
    return _integral(rates[None, :], rate * times[:, None], rate)


def _integral(rates: Array, spans: Array, rate: float) -> Array:
    """(1 − e^{−λs})/λ with its limits s at λ = 0 and 1/λ at s = ∞ (then λ > 0)."""
    safe = np.where(rates == 0, 1.0, rates)
    with np.errstate(invalid="ignore", over="ignore"):
        closed = -np.expm1(-rates * spans) / safe
        return np.where(rates == 0, spans, closed)


def descent(rates: Array, steps: Array, rate: float) -> Array:
    """Gradient descent: φ = (1 − (1 − a)^k)/λ, a = ηλ/N, k = `steps` (whole numbers or ∞)."""
    a = (rate * rates)[None, :]
    k = steps[:, None]
    safe = np.where(rates == 0, 1.0, rates)[None, :]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        small = -np.expm1(k * np.log1p(-np.minimum(a, 0.5)))
        parity = np.where(np.mod(k, 2) == 1, np.sign(1.0 - a), 1.0)
        power = np.where(k == 0, 1.0, np.abs(1.0 - a) ** k)
        gone = np.where(a < 0.5, small, 1.0 - parity * power)
        gone = np.where(np.isinf(k), 1.0, gone)
        return np.where(rates[None, :] == 0, rate * k, gone / safe)


def heavy_ball(rates: Array, steps: Array, rate: float, momentum: float) -> Array:
    """Heavy ball f_{k+1} = f_k − η∇ + m(f_k − f_{k−1}), f_{−1} = f_0; stable for a < 2(1+m).

    q_k = φ_k N/η obeys q_{k+1} = q_k + (1 − a q_k) + m(q_k − q_{k−1}), q_0 = q_{−1} = 0. With the
    roots z = 1 − w of z² − (1+m−a)z + m, that is w² − (1−m+a)w + a = 0 (the small w without
    cancellation), q_k = (z₁G₁ − z₂G₂)/(z₁ − z₂), G = (1 − z^k)/w. Nearly equal roots, which occur
    only for a ≈ (1 − √m)², are met by powers of the recurrence's matrix. 0 < m < 1.
    """
    a = rate * rates
    total = 1 - momentum + a
    root = np.sqrt((total**2 - 4 * a).astype(np.complex128))
    k = np.where(np.isinf(steps), 0.0, steps)[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        fast: Complex = (total + root) / 2
        slow: Complex = a / fast
        safe = np.where(root == 0, 1.0, root)
        sums = (1 - slow) * _geometric(slow, k), (1 - fast) * _geometric(fast, k)
        found = (sums[0] - sums[1]) / safe
        result: Array = rate * found.real
        nearly = np.abs(root) < _NEARLY_CRITICAL * total
        result[:, nearly] = rate * _recurrence(a[nearly], k[:, 0], momentum)
        result[np.isinf(steps)] = 1.0 / rates
    return result


def _geometric(w: Complex, k: Array) -> Complex:
    """1 + z + … + z^{k−1} = (1 − z^k)/w, z = 1 − w, complex (SciPy's log1p is accurate there)."""
    safe = np.where(w == 0, 1.0, w)
    powers = -expm1(k * log1p(-w)) / safe
    return _complex(np.where(w == 0, k, powers))


def _recurrence(a: Array, steps: Array, momentum: float) -> Array:
    """q_k by repeated squaring of the map of (q_k, q_{k−1}, 1)."""
    base = np.zeros((len(a), 3, 3))
    base[:, 0, 0], base[:, 0, 1], base[:, 0, 2] = 1 + momentum - a, -momentum, 1.0
    base[:, 1, 0] = base[:, 2, 2] = 1.0
    rows = [np.linalg.matrix_power(base, int(step))[:, 0, 2] for step in steps]
    return np.array(rows).reshape(len(steps), len(a))


def damped_flow(rates: Array, times: Array, rate: float, friction: float) -> Array:
    """The continuous heavy ball f̈ = −c ḟ − (Θ/N)(f − y), f(0) = f_0, ḟ(0) = 0, at times s.

    `rate` = 1/N, `friction` = c. With rates σ = c/2 ± d, d² = c²/4 − λ/N,
    φ = (1/N) ∫_0^s e^{−cτ/2} τ sinhc(dτ) dτ, sinhc(x) = sinh(x)/x, which is the difference quotient
    of (1 − e^{−σs})/σ; for |d|s small it is taken by its series in d.
    """
    half = friction / 2
    s = times[:, None]
    squared = (half**2 - rate * rates)[None, :]
    d = np.sqrt(squared.astype(np.complex128))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        fast: Complex = half + d
        slow: Complex = (rate * rates)[None, :] / fast
        safe = np.where(d == 0, 1.0, d)
        quotient = (_span(slow, s) - _span(fast, s)) / (2 * safe)
        single = gammainc(2, half * s) / half**2 + squared * gammainc(4, half * s) / half**4
        nearly = np.abs(d) * np.where(np.isinf(s), 1.0, s) < _NEARLY_CRITICAL
        finite = rate * np.where(nearly, single, quotient.real)
        return np.where(np.isinf(s), 1.0 / rates[None, :], finite)


def _complex(values: Any) -> Complex:
    return np.asarray(values, np.complex128)


def _span(sigma: Complex, spans: Array) -> Complex:
    safe = np.where(sigma == 0, 1.0, sigma)
    closed = -np.expm1(-sigma * spans) / safe
    return np.where(sigma == 0, spans, closed)
