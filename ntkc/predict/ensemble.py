"""Infinite ensembles of trained networks: their mean and covariance while they train.

An infinitely wide network starts as a Gaussian process with the covariance K (NNGP), and gradient
flow on ½·mean squared loss (N = rows × outputs) with the NTK Θ moves it linearly:

    A_t = Θ* φ_t(Θ + r),   mean = A_t y,   covariance = K** + A_t K A_tᵀ − A_t K*ᵀ − K* A_tᵀ

with φ_t(λ) = (1 − e^{−ηtλ/N})/λ. `trained="nngp"` trains the readout only, so that Θ = K; then r
acts as observation noise: mean = K* φ_t(K + r) y, covariance = K** − K* φ_2t(K + r) K*ᵀ, whose
limit is the NNGP posterior. Source: Lee et al. 2019 (arXiv:1902.06720), equations 14 to 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import propagators
from .arrays import Array, Targets, choice, finite_result, positive, targets
from .blocks import Blocks, CheckedBlocks, check_blocks
from .covariance import standard_deviation, symmetric
from .errors import InputError
from .modes import Modes, dynamics_modes, require_limit
from .report import OnSingular, RidgeScale, SolveReport, absolute_ridge
from .times import check_times


@dataclass(frozen=True)
class Ensemble:
    """Mean and covariance of an infinite ensemble; leading axes are those of `times`.

    `train_mean` (…, n[, outputs]), `train_covariance` (…, n, n) or None if it was not asked for;
    `test_mean` (…, m[, outputs]), `test_std` (…, m), `test_covariance` (…, m, m): None without test
    points, the last also where only a diagonal was given. Outputs share the covariance.
    """

    times: Array
    train_mean: Array
    train_covariance: Array | None
    test_mean: Array | None
    test_covariance: Array | None
    test_std: Array | None
    report: SolveReport


def infinite_ensemble(
    ntk: Blocks | None,
    nngp: Blocks,
    y_train: ArrayLike,
    times: ArrayLike = np.inf,
    *,
    trained: Literal["ntk", "nngp"] = "ntk",
    learning_rate: float = 1.0,
    ridge: float = 0.0,
    ridge_scale: RidgeScale = "absolute",
    train_covariance: bool = True,
    on_singular: OnSingular = "raise",
) -> Ensemble:
    """The ensemble at `times` ≥ 0 (a number or (T,)), ∞ included.

    `ntk` (its `test` block is not needed for `trained="ntk"`, but given with `cross`) and `nngp`
    are blocks on the same points; `ntk` may be None for `trained="nngp"`. A relative ridge is a
    multiple of the mean diagonal of the matrix that trains.

    Raises `InputError`, `InputTypeError`; `SingularKernelError` at ∞ as `on_singular` says.
    """
    choice(trained, "trained", ("ntk", "nngp"))
    choice(ridge_scale, "ridge_scale", ("absolute", "relative"))
    prior = check_blocks(nngp, "nngp")
    mover = _mover(ntk, prior, trained)
    y = targets(y_train, "y_train", prior.train.size)
    checked = check_times(times)
    shift = absolute_ridge(ridge, ridge_scale, mover.train)
    modes = dynamics_modes(mover.train, shift, on_singular, f"{trained}.train")
    if np.isinf(checked).any():
        require_limit(modes, on_singular, f"{trained}.train")
    rate = positive(learning_rate, "learning_rate") / y.count
    work = _Work(mover, prior, modes, rate, trained == "ntk")
    moments = [work.at(float(t), y.values, train_covariance) for t in checked.flat]
    return _collect(moments, checked, y, modes.report)


class _Moment(NamedTuple):
    """The ensemble at one time."""

    train_mean: Array
    train_covariance: Array | None
    test_mean: Array | None
    test_covariance: Array | None
    test_std: Array | None


def _collect(moments: list[_Moment], times: Array, y: Targets, report: SolveReport) -> Ensemble:
    def stack(name: str) -> Array | None:
        found = [getattr(moment, name) for moment in moments]
        if not found or any(value is None for value in found):
            return None
        values = np.array(found)
        return finite_result(values.reshape(times.shape + values.shape[1:]), "the ensemble")

    train, test = stack("train_mean"), stack("test_mean")
    return Ensemble(
        times,
        y.restore(np.zeros((0, *y.values.shape)) if train is None else train),
        stack("train_covariance"),
        None if test is None else y.restore(test),
        stack("test_covariance"),
        stack("test_std"),
        report,
    )


def _mover(ntk: Blocks | None, prior: CheckedBlocks, trained: str) -> CheckedBlocks:
    """The checked blocks of the kernel that trains."""
    if trained == "nngp":
        return prior
    if ntk is None:
        raise InputError("ntk must be given for trained='ntk'")
    mover = check_blocks(ntk, "ntk")
    _require_same_points(mover, prior)
    return mover


def _require_same_points(mover: CheckedBlocks, prior: CheckedBlocks) -> None:
    for name in ("train", "cross"):
        one, two = getattr(mover, name), getattr(prior, name)
        shapes = tuple(
            None if block is None else getattr(block, "values", block).shape for block in (one, two)
        )
        if shapes[0] != shapes[1]:
            raise InputError(
                f"ntk.{name} and nngp.{name} must be on the same points, "
                f"and have the shapes {shapes[0]} and {shapes[1]}"
            )


@dataclass(frozen=True)
class _Work:
    mover: CheckedBlocks
    prior: CheckedBlocks
    modes: Modes
    rate: float
    by_ntk: bool

    def at(self, time: float, y: Array, train_covariance: bool) -> _Moment:
        """Means and covariances at one time."""
        phi = self._phi(time)
        weighted = (self.modes.vectors * phi) @ (self.modes.vectors.T @ y)
        train = self.mover.train.values @ weighted
        spread = self._train_covariance(time) if train_covariance else None
        if self.mover.cross is None:
            return _Moment(train, spread, None, None, None)
        covariance, std = self._test_covariance(time)
        return _Moment(train, spread, self.mover.cross @ weighted, covariance, std)

    def _phi(self, time: float) -> Array:
        return np.asarray(propagators.flow(self.modes.shifted, np.array([time]), self.rate)[0])

    def _train_covariance(self, time: float) -> Array:
        """R K Rᵀ with R = I − Θφ(Θ + r), which is semi-definite however it is rounded."""
        vectors, kernel = self.modes.vectors, self.prior.train.values
        if not self.by_ntk:
            gone = self.modes.values * self._phi(2 * time)
            left = self.modes.values * (1 - gone)
            return symmetric((vectors * left) @ vectors.T)
        rest = np.eye(len(kernel)) - (vectors * (self.modes.values * self._phi(time))) @ vectors.T
        return symmetric(rest @ kernel @ rest.T)

    def _test_covariance(self, time: float) -> tuple[Array | None, Array]:
        vectors, start, prior = self.modes.vectors, self.prior.test, self.prior.cross
        assert start is not None
        assert prior is not None
        assert self.mover.cross is not None
        if self.by_ntk:
            moved = (self.mover.cross @ (vectors * self._phi(time))) @ vectors.T
            left, right = moved, moved @ self.prior.train.values - 2 * prior
        else:
            half = prior @ (vectors * np.sqrt(self._phi(2 * time)))
            left, right = half, -half
        diagonal = start if start.ndim == 1 else np.diagonal(start)
        variance = diagonal + np.einsum("ij,ij->i", left, right)
        largest = float(diagonal.max()) if diagonal.size else 0.0
        std = standard_deviation(variance, largest, self.prior.epsilon, "the ensemble")
        return (symmetric(start + left @ right.T) if start.ndim == 2 else None), std
