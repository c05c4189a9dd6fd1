"""The weights of a fitted model: which ridge, which solver, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ntkc import predict
from ntkc.predict.arrays import Gram, gram, non_negative
from ntkc.predict.modes import spectrum

from .bound import BoundKernel
from .errors import DataError
from .inputs import Array

Solver: TypeAlias = Literal["auto", "direct", "iterative"]
SOLVERS: tuple[str, ...] = ("auto", "direct", "iterative")
DIRECT_ROWS = 8000
"""Beyond, `solver="auto"` iterates: a dense solve takes about 4·8·n² bytes, 2 GB here."""
_SAMPLE = 2000
"""Rows from which `ridge="auto"` judges a larger training set."""
_STEPS_PER_DECADE = 4


@dataclass(frozen=True)
class SolveOptions:
    """How to solve: see `ntkc.fit`."""

    ridge: float | Literal["auto"] = "auto"
    solver: Solver = "auto"
    on_singular: predict.OnSingular = "raise"
    residual: float = 1e-6
    max_iterations: int = 1000
    tiles: Path | None = None
    checkpoint: Path | None = None
    progress: Callable[[int, int], object] | None = None
    on_iteration: Callable[[int, float], object] | None = None


@dataclass(frozen=True)
class Weights:
    """The dual weights (n, outputs), the ridge in the kernel's units, and a report."""

    dual: Array
    ridge: float
    train: Array
    report: dict[str, Any]


def solve(kernel: BoundKernel, x: NDArray[Any], y: Array, options: SolveOptions) -> Weights:
    """Kernel ridge regression of y (n, outputs); `kernel` has its parameters bound."""
    if options.solver not in SOLVERS:
        raise DataError(f"solver must be one of {', '.join(SOLVERS)}, and is {options.solver!r}")
    direct = options.solver == "direct" or (options.solver == "auto" and len(x) <= DIRECT_ROWS)
    return _direct(kernel, x, y, options) if direct else _iterative(kernel, x, y, options)


def _direct(kernel: BoundKernel, x: NDArray[Any], y: Array, options: SolveOptions) -> Weights:
    matrix = kernel(x, progress=options.progress)
    scale = kernel_scale(np.diagonal(matrix))
    relative, errors = _relative_ridge(options.ridge, lambda: (gram(matrix, "k_train"), y, scale))
    ridge = relative * scale
    found = predict.regress(matrix, y, ridge=ridge, on_singular=options.on_singular)
    told = found.report
    report = {
        "solver": told.method,
        "ridge": ridge,
        "relative_ridge": relative,
        "jitter": told.jitter,
        "condition": told.condition,
        "effective_dof": told.effective_dof,
        **errors,
    }
    return Weights(found.dual, ridge, found.train, report)


def _iterative(kernel: BoundKernel, x: NDArray[Any], y: Array, options: SolveOptions) -> Weights:
    computed = predict.KernelTiles(kernel, x, get=kernel.get)
    scale = kernel_scale(computed.diagonal())

    def sample() -> tuple[Gram, Array, float]:
        rows = np.sort(np.random.default_rng(0).permutation(len(x))[:_SAMPLE])
        return gram(kernel(x[rows]), "k_train"), y[rows], scale

    relative, errors = _relative_ridge(options.ridge, sample)
    tiles: predict.Tiles = computed
    if options.tiles is not None:
        tiles = predict.store_tiles(computed, options.tiles, progress=options.progress)
    found = predict.regress_iteratively(
        tiles,
        y,
        ridge=relative * scale,
        tolerance=options.residual,
        max_iterations=options.max_iterations,
        checkpoint=options.checkpoint,
        on_iteration=options.on_iteration,
        progress=options.progress,
    )
    told = found.report
    report = {
        "solver": "conjugate gradients",
        "ridge": told.ridge,
        "relative_ridge": relative,
        "iterations": told.iterations,
        "residual": float(told.residuals.max(initial=0.0)),
        "condition": told.condition,
        **errors,
    }
    return Weights(found.dual, told.ridge, found.train, report)


def kernel_scale(diagonal: NDArray[Any]) -> float:
    """The mean of a diagonal; 1 for a kernel that is zero, so that a ridge is still one."""
    mean = float(np.mean(diagonal, dtype=np.float64)) if diagonal.size else 1.0
    return mean if mean > 0 else 1.0


def _relative_ridge(
    asked: float | str, data: Callable[[], tuple[Gram, Array, float]]
) -> tuple[float, dict[str, float]]:
    """The ridge relative to the kernel's scale, and the leave-one-out error that chose it."""
    if asked != "auto":
        try:
            relative = float(asked)
        except (TypeError, ValueError):
            raise DataError(f"ridge must be a number or 'auto', and is {asked!r}") from None
        return non_negative(relative, "ridge"), {}
    ridge, error = choose_ridge(*data())
    return ridge, {} if error is None else {"leave_one_out_mse": error}


def choose_ridge(matrix: Gram, y: Array, scale: float) -> tuple[float, float | None]:
    """The ridge, relative to `scale`, with the least leave-one-out error, and that error.

    From a grid of a quarter of a decade between 1e-8 (or 100 units of the matrix's noise) and 10;
    one eigendecomposition K = VΛVᵀ serves them all: a row is missed by α/G_ii, with
    G = V(Λ + ridge)⁻¹Vᵀ and α = Gy. One row cannot tell: 1e-6 and None.
    """
    if matrix.size < 2:
        return 1e-6, None
    values, vectors = spectrum(matrix, "k_train")
    low = np.log10(max(1e-8, 100 * matrix.noise))
    grid = np.logspace(1, low, 1 + round(_STEPS_PER_DECADE * (1 - low)))
    projected, squares = vectors.T @ y, vectors**2
    errors = []
    for ridge in grid * scale:
        inverse = 1 / (values + ridge)
        missed = (vectors @ (inverse[:, None] * projected)) / (squares @ inverse)[:, None]
        errors.append(float(np.mean(missed**2)))
    best = int(np.argmin(errors))
    return float(grid[best]), errors[best]
