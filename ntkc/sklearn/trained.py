"""What `NTKRegressor` and `NTKClassifier` share: a trained network, and how it is solved for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ntkc import predict
from ntkc.predict.arrays import Array
from ntkc.predict.report import OnSingular, RidgeScale

from .base import NetworkEstimator
from .program import B_STD, W_STD, Model
from .rows import as_inputs

Solver: TypeAlias = Literal["auto", "direct", "iterative"]
SOLVERS: tuple[str, ...] = ("auto", "direct", "iterative")
DIRECT_ROWS = 8000
"""Beyond, `solver="auto"` iterates where it can: a dense solve takes about 32·n² bytes, 2 GB."""


class TrainedNetwork(NetworkEstimator):
    """An estimator that predicts by k(x, X) α with (K + ridge) α = y, K the NTK."""

    kind = "ntk"
    report_: predict.SolveReport | predict.IterativeReport

    def __init__(
        self,
        model: Model = None,
        *,
        network: str | None = None,
        depth: int = 3,
        activation: str = "relu",
        w_std: float = W_STD,
        b_std: float = B_STD,
        params: Mapping[str, float] | None = None,
        ridge: ArrayLike = 0.0,
        ridge_scale: RidgeScale = "absolute",
        on_singular: OnSingular = "pseudo-inverse",
        solver: Solver = "auto",
        residual: float = 1e-8,
        max_iterations: int = 1000,
        dtype: str = "float64",
    ) -> None:
        super().__init__(
            model,
            network=network,
            depth=depth,
            activation=activation,
            w_std=w_std,
            b_std=b_std,
            params=params,
            dtype=dtype,
        )
        self.ridge = ridge
        self.ridge_scale = ridge_scale
        self.on_singular = on_singular
        self.solver = solver
        self.residual = residual
        self.max_iterations = max_iterations

    def _solve(self, y: Array) -> None:
        """Solve for the targets (n,) or (n, outputs); sets `dual_coef_` and `report_`."""
        if self._iterates():
            iterative = predict.regress_iteratively(
                predict.KernelTiles(
                    self.kernel_,
                    as_inputs(self.X_fit_, self.input_shape_),
                    get=self.kind,
                    **self.params_,
                ),
                y,
                ridge=np.asarray(self.ridge, np.float64).item(),
                ridge_scale=self.ridge_scale,
                tolerance=self.residual,
                max_iterations=self.max_iterations,
            )
            self.dual_coef_, self.report_ = iterative.dual, self._reported(iterative.report)
            return
        direct = predict.regress(
            self._gram(self.X_fit_),
            y,
            ridge=self.ridge,
            ridge_scale=self.ridge_scale,
            on_singular=self.on_singular,
        )
        self.dual_coef_, self.report_ = direct.dual, self._reported(direct.report)

    def _iterates(self) -> bool:
        """Whether to solve by conjugate gradients."""
        if self.solver not in SOLVERS:
            raise ValueError(
                f"solver must be 'auto', 'direct' or 'iterative', and is {self.solver!r}"
            )
        ridges = np.asarray(self.ridge)
        if self.solver == "iterative" and ridges.size != 1:
            raise ValueError(
                "solver='iterative' has one ridge for all outputs, and ridge has "
                f"{ridges.size}: solver='direct' has one for each"
            )
        if self.solver != "auto":
            return self.solver == "iterative"
        return len(self.X_fit_) > DIRECT_ROWS and ridges.size == 1 and bool((ridges > 0).all())
