"""The exact spectrum of a zonal kernel on the sphere S^{d−1} of R^d, uniformly distributed inputs.

k(x, z) = f(cos ∠(x, z)) has the spherical harmonics of degree k as eigenfunctions, with the
eigenvalue (Funk and Hecke)

    λ_k = ∫ f(t) P_k(t) w(t) dt / ∫ w(t) dt,   w(t) = (1 − t²)^{(d−3)/2},   P_k(1) = 1,

P_k the Gegenbauer polynomials (Chebyshev's for d = 2), and the multiplicity
N(d, k) = (2k + d − 2)/(k + d − 2) · C(k + d − 2, k). Sources: Müller, Spherical Harmonics, 1966;
Bietti and Mairal 2019 (arXiv:1905.12173).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Any, Literal

import numpy as np
from scipy.special import roots_jacobi

from ntkc.predict.arrays import Array, choice
from ntkc.predict.blocks import Kernel
from ntkc.predict.errors import InputError

_MOST_NODES = 4096
_ROUNDOFF = 64 * 2.0**-52
"""Negative eigenvalues down to this times f(1) (or the quadrature's error) are rounded zeros: a
sum of some hundred terms of that size has such an error. Below, the kernel is indefinite."""


@dataclass(frozen=True)
class SphereSpectrum:
    """Eigenvalues λ_k for k = 0 … degree, with respect to the uniform probability on the sphere.

    `multiplicities` as float64 (they outgrow integers). `trace` = f(1) = Σ_k N(d, k) λ_k over all
    k; `tail` = trace − the sum up to `degree`, never negative: the eigenvalues not listed sum to
    it. `error`: the largest change of an eigenvalue when the quadrature's nodes were doubled last.
    """

    dimension: int
    eigenvalues: Array
    multiplicities: Array
    trace: float
    tail: float
    error: float
    nodes: int


def multiplicity(dimension: int, degree: int) -> int:
    """The number of independent spherical harmonics of a degree ≥ 0 on S^{dimension−1}."""
    if degree == 0:
        return 1
    if dimension == 2:
        return 2
    return comb(degree + dimension - 1, degree) - (
        comb(degree + dimension - 3, degree - 2) if degree > 1 else 0
    )


def gegenbauer(dimension: int, degree: int, cosines: Array) -> Array:
    """P_0 … P_degree at cosines (m,), normalised to P_k(1) = 1: shape (degree + 1, m).

    By (k + d − 2) P_{k+1} = (2k + d − 2) t P_k − k P_{k−1}, which is stable on [−1, 1].
    """
    values = np.ones((degree + 1, len(cosines)))
    for k in range(degree):
        values[k + 1] = _next(dimension, k, cosines, values[k - 1], values[k])
    return values


def zonal_series(weights: Array, dimension: int, cosines: Array) -> Array:
    """Σ_k weights[r, k] P_k(cosines): (rows, m) for weights (rows, degrees), cosines (m,)."""
    before, now = np.zeros_like(cosines), np.ones_like(cosines)
    total = np.outer(weights[:, 0], now)
    for k in range(weights.shape[1] - 1):
        before, now = now, _next(dimension, k, cosines, before, now)
        rows = np.flatnonzero(weights[:, k + 1])
        total[rows] += weights[rows, k + 1, None] * now
    return total


def _next(dimension: int, k: int, cosines: Array, before: Array, now: Array) -> Array:
    """P_{k+1} from P_{k−1} and P_k."""
    if k == 0:
        return cosines
    return np.asarray(((2 * k + dimension - 2) * cosines * now - k * before) / (k + dimension - 2))


def sphere_spectrum(
    function: Callable[[Array], Array],
    dimension: int,
    degree: int,
    *,
    quadrature: Literal["angle", "cosine"] = "angle",
    rtol: float = 1e-12,
) -> SphereSpectrum:
    """The eigenvalues of k(x, z) = function(cos ∠(x, z)) on S^{dimension−1}, dimension ≥ 2.

    `function` maps cosines (m,) in [−1, 1] to values (m,). `quadrature="cosine"` is Gauss–Jacobi in
    the cosine, exact for polynomials; "angle" is Gauss–Legendre (Jacobi's with exponents 0) in the
    angle, which converges exponentially for kernels with a branch point at coincidence too (ReLU).
    Nodes are doubled until no eigenvalue changes by more than rtol·function(1), or to 4096:
    look at `error`.

    Raises `InputError` for impossible arguments and values that are not finite.
    """
    choice(quadrature, "quadrature", ("angle", "cosine"))
    if dimension < 2 or degree < 0:
        raise InputError(
            f"dimension must be at least 2 and degree at least 0; they are {dimension}, {degree}"
        )
    trace = float(_evaluate(function, np.ones(1))[0])
    nodes = 64 + 2 * degree + 4 * int(np.sqrt(dimension))
    before = _eigenvalues(function, dimension, degree, quadrature, nodes)
    while True:
        nodes *= 2
        values = _eigenvalues(function, dimension, degree, quadrature, nodes)
        error = float(np.abs(values - before).max())
        if error <= rtol * abs(trace) or 2 * nodes > _MOST_NODES:
            break
        before = values
    roundoff = max(error, _ROUNDOFF * abs(trace))
    values = np.where((values < 0) & (values >= -roundoff), 0.0, values)
    counts = np.array([float(multiplicity(dimension, k)) for k in range(degree + 1)])
    tail = max(0.0, trace - float(counts @ values))
    return SphereSpectrum(dimension, values, counts, trace, tail, error, nodes)


def _eigenvalues(
    function: Callable[[Array], Array], dimension: int, degree: int, quadrature: str, nodes: int
) -> Array:
    if quadrature == "cosine":
        exponent = (dimension - 3) / 2
        cosines, weights = roots_jacobi(nodes, exponent, exponent)
    else:
        points, weights = roots_jacobi(nodes, 0.0, 0.0)
        angles = (points + 1) * (np.pi / 2)
        cosines = np.cos(angles)
        weights = weights * np.sin(angles) ** (dimension - 2)
    weighted = weights / weights.sum() * _evaluate(function, np.asarray(cosines))
    return np.asarray(gegenbauer(dimension, degree, np.asarray(cosines)) @ weighted)


def _evaluate(function: Callable[[Array], Array], cosines: Array) -> Array:
    values = np.asarray(function(cosines), np.float64)
    if values.shape != cosines.shape:
        raise InputError(f"function returned the shape {values.shape} for {cosines.shape}")
    if not np.isfinite(values).all():
        place = float(cosines[~np.isfinite(values)][0])
        raise InputError(f"function is not finite at the cosine {place}")
    return values


def zonal_function(
    kernel: Kernel, dimension: int, *, radius: float | None = None, get: str = "ntk"
) -> Callable[[Array], Array]:
    """f with k(x, z) = f(cos ∠(x, z)) on the sphere of `radius` in R^dimension.

    `radius` is √dimension by default, so that inputs have mean square 1.
    `kernel` is a compiled kernel whose input is a vector of that size and which depends on the
    angle only (no convolution, no per-coordinate structure).
    """
    size = float(np.sqrt(dimension)) if radius is None else radius

    def function(cosines: Array) -> Array:
        first = np.zeros((1, dimension))
        first[0, 0] = size
        other = np.zeros((len(cosines), dimension))
        other[:, 0] = size * cosines
        other[:, 1] = size * np.sqrt(np.maximum(0.0, (1 - cosines) * (1 + cosines)))
        found: Any = kernel(first, other, get=get)
        return np.asarray(np.asarray(found, np.float64)[0])

    return function
