"""Expected learning curves of kernel regression from the spectrum ("eigenlearning").

For n training points drawn at random, eigenvalues λ_i (of the kernel operator under the data's
probability), a target with coefficients f_i on normalised eigenfunctions, label noise of variance
σ², and the predictor k* (K + ridge·I)⁻¹ y:

    Σ λ_i/(λ_i + κ) + ridge/κ = n,   L_i = λ_i/(λ_i + κ),   E₀ = n/(n − Σ L_i²),
    test = E₀ (Σ (1 − L_i)² f_i² + σ²),   train = (ridge/(nκ))² test.

Errors are expected squared errors against noisy labels, so the test error contains σ². At ridge 0
the learnabilities are conserved: Σ L_i = n. Source: Simon, Dickens, Karkada and DeWeese 2023
(arXiv:2110.03922), equations 4 to 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ntkc.predict.arrays import Array, non_negative, real_array
from ntkc.predict.errors import InputError

_LOG_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Eigenlearning:
    """The theory's answer for one n.

    `learnabilities` (levels,), in the order of the eigenvalues; `total` = Σ L_i with multiplicities
    and the tail (n at ridge 0 while n is at most the number of modes); `kappa`: 0 where the ridge
    is 0 and n reaches the number of modes, infinite at n = 0; `overfitting` = E₀; `test_error`,
    `train_error`: infinite where E₀ is (ridge 0 and n exactly the number of modes).
    """

    n: float
    kappa: float
    learnabilities: Array
    total: float
    overfitting: float
    test_error: float
    train_error: float


@dataclass(frozen=True)
class Modes:
    """Checked levels of equal eigenvalues; `power` is Σ f_i² over each level."""

    eigenvalues: Array
    multiplicities: Array
    power: Array
    tail: float


def solve_kappa(
    eigenvalues: ArrayLike,
    n: float,
    *,
    multiplicities: ArrayLike | None = None,
    ridge: float = 0.0,
    tail: float = 0.0,
) -> float:
    """κ ≥ 0 with Σ λ_i/(λ_i + κ) + (ridge + tail)/κ = n, by bracketing in log κ.

    The left side decreases from the number of modes (or ∞) to 0, so the root is the only one:
    0 where ridge and tail are 0 and n is at least the number of modes, ∞ for n = 0.
    """
    modes = _modes(eigenvalues, multiplicities, None, tail)
    return _kappa(modes, non_negative(n, "n"), non_negative(ridge, "ridge"))


def eigenlearning(
    eigenvalues: ArrayLike,
    n: float,
    *,
    multiplicities: ArrayLike | None = None,
    power: ArrayLike | None = None,
    noise: float = 0.0,
    ridge: float = 0.0,
    tail: float = 0.0,
) -> Eigenlearning:
    """Expected errors with n ≥ 0 training points.

    `eigenvalues` (levels,) ≥ 0, `multiplicities` (levels,) (default 1), `power` (levels,): Σ f_i²
    over each level's modes (default 0), `noise` = σ² (power of the target beyond the listed modes
    counts as noise), `tail`: the sum of the eigenvalues that are not listed, which act as a ridge.

    Raises `InputError` and `InputTypeError` for impossible arguments.
    """
    modes = _modes(eigenvalues, multiplicities, power, tail)
    return _at(
        modes,
        non_negative(n, "n"),
        non_negative(noise, "noise"),
        non_negative(ridge, "ridge"),
    )


def learning_curve(
    eigenvalues: ArrayLike,
    ns: Iterable[float],
    *,
    multiplicities: ArrayLike | None = None,
    power: ArrayLike | None = None,
    noise: float = 0.0,
    ridge: float = 0.0,
    tail: float = 0.0,
) -> tuple[Eigenlearning, ...]:
    """`eigenlearning` at each n of `ns`."""
    modes = _modes(eigenvalues, multiplicities, power, tail)
    noise, ridge = non_negative(noise, "noise"), non_negative(ridge, "ridge")
    return tuple(_at(modes, non_negative(n, "n"), noise, ridge) for n in ns)


def measured_learnability(target: ArrayLike, prediction: ArrayLike) -> float:
    """⟨f, f̂⟩/⟨f, f⟩ over test points (m,): for an eigenfunction f its expectation is L_i.

    Raises `InputError` for other shapes and for a target that is zero.
    """
    f, g = real_array(target, "target", 1), real_array(prediction, "prediction", 1)
    if f.shape != g.shape:
        raise InputError(f"prediction must have the shape {f.shape}, and has {g.shape}")
    if not f.any():
        raise InputError("target must not be zero everywhere")
    return float(f @ g) / float(f @ f)


def _modes(
    eigenvalues: ArrayLike, multiplicities: ArrayLike | None, power: ArrayLike | None, tail: float
) -> Modes:
    values = real_array(eigenvalues, "eigenvalues", 1)
    arrays = {"eigenvalues": values}
    for name, given, default in (("multiplicities", multiplicities, 1.0), ("power", power, 0.0)):
        array = np.full_like(values, default) if given is None else real_array(given, name, 1)
        if array.shape != values.shape:
            raise InputError(f"{name} must have the shape {values.shape}, and has {array.shape}")
        arrays[name] = array
    for name, array in arrays.items():
        if (array < 0).any():
            raise InputError(f"{name} must not be negative, and has {array.min():.3g}")
    return Modes(values, arrays["multiplicities"], arrays["power"], non_negative(tail, "tail"))


def _kappa(modes: Modes, n: float, ridge: float) -> float:
    listed = modes.eigenvalues > 0
    values, counts = modes.eigenvalues[listed], modes.multiplicities[listed]
    shift = ridge + modes.tail
    top = float(values @ counts) + shift
    if n == 0:
        return float("inf")
    if top == 0 or (shift == 0 and n >= float(counts.sum())):
        return 0.0

    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float(counts @ (values / (values + kappa)) + shift / kappa - n)

    high = float(np.log(top / n))
    low = high - 1.0
    while excess(low) < 0:
        low = high - 2 * (high - low)
    return float(np.exp(brentq(excess, low, high + 1e-9, xtol=_LOG_TOLERANCE, rtol=1e-15)))


def _at(modes: Modes, n: float, noise: float, ridge: float) -> Eigenlearning:
    kappa = _kappa(modes, n, ridge)
    values, counts = modes.eigenvalues, modes.multiplicities
    learn = values / (values + kappa) if kappa else (values > 0).astype(np.float64)
    total = float(counts @ learn) + (modes.tail / kappa if kappa else 0.0)
    variance = n - float(counts @ learn**2)
    overfitting = 1.0 if n == 0 else (n / variance if variance > 0 else float("inf"))
    bias = float(((1 - learn) ** 2) @ modes.power) + noise
    test = overfitting * bias if bias > 0 else 0.0
    if n == 0:
        whole = ridge + modes.tail + float(values @ counts)
        factor = ridge / whole if whole else 1.0
    else:
        factor = ridge / (n * kappa) if kappa else 0.0
    train = factor**2 * test if factor else 0.0
    return Eigenlearning(n, kappa, learn, total, overfitting, test, train)
