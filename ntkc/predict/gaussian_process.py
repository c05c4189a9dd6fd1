"""The Gaussian process of the infinitely wide network (NNGP), or of any kernel.

    mean = k* (K + σ²I)⁻¹ y,   covariance = k** − k* (K + σ²I)⁻¹ k*ᵀ
    log p(y) = −½ yᵀα − ½ log det(K + σ²I) − ½ n log 2π,   α = (K + σ²I)⁻¹ y
    ∂ log p/∂θ = ½ αᵀ(∂K/∂θ)α − ½ tr (K + σ²I)⁻¹ ∂K/∂θ

Outputs are independent and share K: the covariance is the same for each, and log p is their sum.
The covariance is that of the function, without the noise of new observations. Source: Rasmussen and
Williams, Gaussian Processes for Machine Learning, 2006, equations 2.25, 2.26, 2.30 and 5.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Gram, choice, cross, finite_result, gram, targets
from .blocks import check_test
from .covariance import draw, standard_deviation, symmetric
from .errors import InputError
from .factor import CholeskyFactor, SpectralFactor, factorise, factorise_definite
from .gradients import along
from .report import OnSingular, RidgeScale, SolveReport, absolute_ridge


@dataclass(frozen=True)
class Posterior:
    """The posterior at m test points.

    `mean` (m,) or (m, outputs); `std` (m,), the same for every output; `covariance` (m, m), or None
    where only the diagonal of k_test was given; `prior`: the largest prior variance, `epsilon`: the
    kernel's unit of roundoff.
    """

    mean: Array
    std: Array
    covariance: Array | None
    report: SolveReport
    prior: float
    epsilon: float

    def sample(self, rng: np.random.Generator, count: int = 1) -> Array:
        """`count` functions at the test points: (count, m) or (count, m, outputs).

        Raises `InputError` without a covariance, or for a negative count.
        """
        if self.covariance is None:
            raise InputError("samples need k_test as a matrix (m, m), not its diagonal")
        if count < 0:
            raise InputError(f"count must be zero or positive, and is {count}")
        flat = self.mean.ndim == 1
        mean = self.mean[:, None] if flat else self.mean
        values = draw(mean, self.covariance, rng, count, self.prior, self.epsilon)
        return values[..., 0] if flat else values


@dataclass(frozen=True)
class Conditioned:
    """A Gaussian process given its data: one factorisation answers for any test points.

    `dual`: (K + σ²I)⁻¹y, of the targets' shape; `epsilon`: the training matrix's unit of roundoff.
    """

    dual: Array
    factor: CholeskyFactor | SpectralFactor
    epsilon: float

    @property
    def report(self) -> SolveReport:
        """How K + σ²I was factorised."""
        return self.factor.report

    def mean(self, k_cross: ArrayLike) -> Array:
        """The posterior mean, (m,) or (m, outputs), for `k_cross` (m, n)."""
        block = cross(k_cross, "k_cross", len(self.dual))
        return finite_result(block @ self.dual, "the posterior mean")

    def at(self, k_cross: ArrayLike, k_test: ArrayLike) -> Posterior:
        """The posterior, for `k_cross` (m, n) and `k_test` (m, m) or its diagonal (m,).

        Raises `InputError`, `InputTypeError`.
        """
        block = cross(k_cross, "k_cross", len(self.dual))
        mean = finite_result(block @ self.dual, "the posterior mean")
        prior = check_test(k_test, "k_test", len(block))
        white = self.factor.whiten(block.T)
        covariance = None
        if prior.ndim == 2:
            covariance = symmetric(prior - white.T @ white)
            prior = np.diagonal(prior)
            variance = np.diagonal(covariance)
        else:
            variance = prior - np.einsum("ij,ij->j", white, white)
        largest = float(prior.max()) if prior.size else 0.0
        std = standard_deviation(variance, largest, self.epsilon, "the posterior")
        return Posterior(mean, std, covariance, self.report, largest, self.epsilon)


def condition(
    k_train: ArrayLike,
    y_train: ArrayLike,
    *,
    noise: float = 0.0,
    noise_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> Conditioned:
    """The process given observations `y_train` (n,) or (n, outputs) with noise variance `noise`.

    `k_train` (n, n). With `noise_scale="relative"` noise is a multiple of the mean of k_train's
    diagonal. Raises `InputError`, `InputTypeError`, `SingularKernelError` as `on_singular` says.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    factor = factorise(matrix, _variance(noise, noise_scale, matrix), on_singular)
    return Conditioned(y.restore(factor.solve(y.values)), factor, matrix.epsilon)


def posterior(
    k_train: ArrayLike,
    y_train: ArrayLike,
    k_cross: ArrayLike,
    k_test: ArrayLike,
    *,
    noise: float = 0.0,
    noise_scale: RidgeScale = "absolute",
    on_singular: OnSingular = "raise",
) -> Posterior:
    """The posterior given observations with noise variance σ² = `noise`.

    `k_train` (n, n), `y_train` (n,) or (n, outputs), `k_cross` (m, n), `k_test` (m, m) or its
    diagonal (m,). To ask for more test points later, keep what `condition` returns.

    Raises `InputError`, `InputTypeError`, and `SingularKernelError` as `on_singular` says.
    """
    given = condition(
        k_train, y_train, noise=noise, noise_scale=noise_scale, on_singular=on_singular
    )
    return given.at(k_cross, k_test)


@dataclass(frozen=True)
class Evidence:
    """The log marginal likelihood, in nats.

    `value`: summed over outputs; `per_output` (outputs,). `gradient` (p,): the derivatives of
    `value` along the matrices given, None without them; `noise_gradient`: that with respect to σ².
    """

    value: float
    per_output: Array
    gradient: Array | None
    noise_gradient: float
    report: SolveReport


def log_marginal_likelihood(
    k_train: ArrayLike,
    y_train: ArrayLike,
    *,
    noise: float = 0.0,
    noise_scale: RidgeScale = "absolute",
    k_gradients: Sequence[ArrayLike] | None = None,
    on_singular: OnSingular = "raise",
) -> Evidence:
    """log p(y) and its gradients, for `k_gradients` = p matrices ∂K/∂θ of shape (n, n).

    `noise` as in `posterior`; the gradients hold σ² in the kernel's units fixed. A singular matrix
    has no likelihood, so `on_singular` is "raise" or "jitter".

    Raises `InputError`, `InputTypeError`, `SingularKernelError`.
    """
    matrix = gram(k_train, "k_train")
    y = targets(y_train, "y_train", matrix.size)
    factor = factorise_definite(matrix, _variance(noise, noise_scale, matrix), on_singular)
    alpha = factor.solve(y.values)
    fit = (y.values * alpha).sum(axis=0)
    constant = factor.log_determinant() + matrix.size * np.log(2 * np.pi)
    per_output = finite_result(-(fit + constant) / 2, "the log marginal likelihood")
    slope, gradient = _gradients(factor, alpha, matrix, k_gradients)
    return Evidence(float(per_output.sum()), per_output, gradient, slope, factor.report)


def _gradients(
    factor: CholeskyFactor, alpha: Array, matrix: Gram, k_gradients: Sequence[ArrayLike] | None
) -> tuple[float, Array | None]:
    """With W = ½(ααᵀ − outputs·(K + σ²)⁻¹): (tr W, the sums of W ∘ ∂K/∂θ)."""
    outputs = alpha.shape[1]
    if k_gradients is None:
        trace = float(factor.inverse_diagonal().sum())
        return (float((alpha**2).sum()) - outputs * trace) / 2, None
    weights = (alpha @ alpha.T - outputs * factor.inverse()) / 2
    gradient, slope = along(weights, k_gradients, "the gradient of the log marginal likelihood")
    return slope, gradient


def _variance(noise: float, scale: RidgeScale, matrix: Gram) -> float:
    choice(scale, "noise_scale", ("absolute", "relative"))
    return absolute_ridge(noise, scale, matrix, "noise")
