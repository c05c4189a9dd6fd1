"""The learning curve on the sphere in any dimension, exact but for the draw of training points.

Eigenlearning takes eigenfunctions at random points for Gaussian numbers. In low dimensions they are
not: on S² it is off by tens of percent, and no formula in the eigenvalues alone can be right
(Sollich and Halees 2002, arXiv:cond-mat/0105015). But with training points X given, everything else
has a closed form. With G = (K + ridge)⁻¹, a target of power p_k in degree k (whichever it is: by
Schur's lemma the expectation over X depends on nothing else), noise of variance σ², and Gegenbauer
polynomials P_k of the cosines of X,

    test(X) = σ² + Σ_k p_k (1 − 2λ_k tr G P_k + tr G Q G P_k) + σ² tr G Q G,   Q = Σ_k λ_k² N_k P_k,

where Q is the kernel composed with itself. What remains is an average over X, by sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ntkc.predict.arrays import Array, gram, non_negative, real_array
from ntkc.predict.errors import InputError
from ntkc.predict.factor import factorise_definite

from .sphere import SphereSpectrum, zonal_series


@dataclass(frozen=True)
class SphereCurve:
    """Expected squared test errors against noisy labels, for each number of training points.

    `ns`, `test_error` (T,); `deviation` (T,): the standard errors of these averages, over `draws`
    training sets. `degree_errors` (T, degrees): Σ_k power_k · degree_errors_k is the part of the
    test error that comes from the target.
    """

    ns: tuple[int, ...]
    test_error: Array
    deviation: Array
    degree_errors: Array
    draws: int


def sphere_learning_curve(
    function: Callable[[Array], Array],
    spectrum: SphereSpectrum,
    ns: Iterable[int],
    *,
    power: ArrayLike,
    rng: np.random.Generator,
    noise: float = 0.0,
    ridge: float = 0.0,
    draws: int = 20,
) -> SphereCurve:
    """Average the expected test error of kernel regression over `draws` ≥ 2 training sets.

    `function` maps cosines (m,) to kernel values (m,), `spectrum` is its `sphere_spectrum`, to a
    degree where its tail is small; `power` (up to degree + 1,): Σ f_i² of the target over each
    degree; `noise` = σ²; `ridge` in the kernel's units. Training points are uniform on the sphere.

    Raises `InputError`, `InputTypeError` for impossible arguments, `SingularKernelError` where the
    training kernel is singular at ridge 0.
    """
    levels, sizes = _levels(power, spectrum), _sizes(ns)
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 2:
        raise InputError(f"draws must be a whole number of at least 2, and is {draws!r}")
    variance, shift = non_negative(noise, "noise"), non_negative(ridge, "ridge")
    found = np.empty((len(sizes), draws, len(levels) + 1))
    for place, n in enumerate(sizes):
        for draw in range(draws):
            found[place, draw] = _one(function, spectrum, _points(rng, n, spectrum), levels, shift)
    tests = variance + found @ np.append(levels, variance)
    return SphereCurve(
        sizes,
        tests.mean(axis=1),
        tests.std(axis=1, ddof=1) / np.sqrt(draws),
        found[..., :-1].mean(axis=1),
        int(draws),
    )


def _levels(power: ArrayLike, spectrum: SphereSpectrum) -> Array:
    levels = real_array(power, "power", 1)
    if not 1 <= len(levels) <= len(spectrum.eigenvalues) or (levels < 0).any():
        raise InputError(
            f"power must have 1 to {len(spectrum.eigenvalues)} entries, one a degree, "
            f"none of them negative; it is {levels}"
        )
    return levels


def _sizes(ns: Iterable[int]) -> tuple[int, ...]:
    sizes = tuple(ns)
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 for n in sizes):
        raise InputError(f"ns must be positive whole numbers, and is {sizes}")
    return tuple(int(n) for n in sizes)


def _points(rng: np.random.Generator, n: int, spectrum: SphereSpectrum) -> Array:
    x = rng.standard_normal((n, spectrum.dimension))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def _one(
    function: Callable[[Array], Array],
    spectrum: SphereSpectrum,
    x: Array,
    levels: Array,
    ridge: float,
) -> Array:
    """The error of a target of power 1 in each degree, and that of noise of variance 1, given X."""
    n = len(x)
    upper = np.triu_indices(n)
    cosines = np.clip((x @ x.T)[upper], -1.0, 1.0)
    cosines[upper[0] == upper[1]] = 1.0

    def matrix(values: Array) -> Array:
        full = np.zeros((n, n))
        full[upper] = values
        return full + np.triu(full, 1).T

    inverse = factorise_definite(
        gram(matrix(np.asarray(function(cosines), np.float64)), "function"), ridge, name="function"
    ).inverse()
    eigenvalues, counts = spectrum.eigenvalues, spectrum.multiplicities
    weights = np.zeros((len(levels) + 1, len(eigenvalues)))
    weights[:-1, : len(levels)] = np.eye(len(levels))
    weights[-1] = eigenvalues**2 * counts
    series = zonal_series(weights, spectrum.dimension, cosines)
    composed = inverse @ matrix(series[-1]) @ inverse
    # Half of the sums over pairs: both factors are symmetric.
    twice = np.where(upper[0] == upper[1], 1.0, 2.0)
    straight = series[:-1] @ (twice * inverse[upper])
    through = series[:-1] @ (twice * composed[upper])
    errors = 1 - 2 * eigenvalues[: len(levels)] * straight + through
    return np.append(errors, np.trace(composed))
