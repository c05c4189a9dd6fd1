"""A kernel callable and data in one place: matrices evaluated once serve every method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .blocks import Blocks, Kernel, both_blocks
from .dynamics import SquaredLossDynamics, Trajectory, squared_loss_dynamics
from .ensemble import Ensemble, infinite_ensemble
from .errors import InputError
from .gaussian_process import Evidence, Posterior, log_marginal_likelihood, posterior
from .holdout import Holdout, LeaveOneOut, k_fold, leave_one_out
from .integrate import integrate
from .losses import Loss
from .regression import Regression, regress


@dataclass(frozen=True)
class Predictor:
    """The blocks of both kernels on one training and test set; `predictor` makes it.

    Every method calls the function of the same purpose, with its keyword options, its result and
    its errors.
    """

    ntk: Blocks
    nngp: Blocks
    y_train: ArrayLike

    def _blocks(self, get: str) -> Blocks:
        if get not in ("ntk", "nngp"):
            raise InputError(f"get must be 'ntk' or 'nngp', and is {get!r}")
        return self.ntk if get == "ntk" else self.nngp

    def regress(self, get: Literal["ntk", "nngp"] = "ntk", **options: Any) -> Regression:
        """Kernel regression with one of the kernels: `regress`."""
        blocks = self._blocks(get)
        return regress(blocks.train, self.y_train, blocks.cross, **options)

    def dynamics(self, **options: Any) -> SquaredLossDynamics:
        """Training of the network on the squared loss: `squared_loss_dynamics`."""
        return squared_loss_dynamics(self.ntk.train, self.y_train, self.ntk.cross, **options)

    def integrate(self, loss: Loss, times: ArrayLike, **options: Any) -> Trajectory:
        """Training of the network on any loss: `integrate`."""
        return integrate(loss, self.ntk.train, self.y_train, times, self.ntk.cross, **options)

    def ensemble(self, times: ArrayLike = np.inf, **options: Any) -> Ensemble:
        """The infinite ensemble: `infinite_ensemble`."""
        return infinite_ensemble(self.ntk, self.nngp, self.y_train, times, **options)

    def posterior(self, **options: Any) -> Posterior:
        """The NNGP's posterior at the test points: `posterior`."""
        if self.nngp.cross is None or self.nngp.test is None:
            raise InputError("x_test was not given to predictor(), and a posterior needs it")
        return posterior(self.nngp.train, self.y_train, self.nngp.cross, self.nngp.test, **options)

    def log_marginal_likelihood(self, **options: Any) -> Evidence:
        """The NNGP's evidence: `log_marginal_likelihood`."""
        return log_marginal_likelihood(self.nngp.train, self.y_train, **options)

    def leave_one_out(self, get: Literal["ntk", "nngp"] = "ntk", **options: Any) -> LeaveOneOut:
        """Leave-one-out errors with one of the kernels: `leave_one_out`."""
        return leave_one_out(self._blocks(get).train, self.y_train, **options)

    def k_fold(
        self, folds: int | ArrayLike, get: Literal["ntk", "nngp"] = "ntk", **options: Any
    ) -> Holdout:
        """k-fold errors with one of the kernels: `k_fold`."""
        return k_fold(self._blocks(get).train, self.y_train, folds, **options)


def predictor(
    kernel: Kernel, x_train: Any, y_train: ArrayLike, x_test: Any | None = None
) -> Predictor:
    """Evaluate a compiled kernel on x_train (n, …) and x_test (m, …), both NTK and NNGP.

    Raises what the kernel raises; targets are checked by the methods.
    """
    return Predictor(*both_blocks(kernel, x_train, x_test), y_train)
