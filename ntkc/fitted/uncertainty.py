"""How uncertain a fitted model is, from one factorisation.

For the NNGP kernel K: the posterior variance k** − k*(K + r)⁻¹k*ᵀ given noise of variance r. For
the NTK Θ: the variance over initialisations of the trained network, with A = Θ*(Θ + r)⁻¹,
K** + A K Aᵀ − 2 A K*ᵀ (Lee et al. 2019, arXiv:1902.06720, equation 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.predict.arrays import gram
from ntkc.predict.covariance import standard_deviation
from ntkc.predict.factor import Factor, factorise

from .bound import BoundKernel
from .errors import DataError
from .inputs import Array

MOST_ROWS = 20_000
"""Training rows beyond which a dense factorisation is not attempted: its 6.4 GB and more."""
_BLOCK = 512


@dataclass(frozen=True)
class Uncertainty:
    """A factor of the training matrix + ridge, and for the NTK the NNGP matrix beside it."""

    bound: BoundKernel
    x_train: NDArray[Any]
    factor: Factor
    nngp: Array | None
    epsilon: float

    def std(self, rows: NDArray[Any]) -> Array:
        """Standard deviations (m,) at prepared inputs (m, …), block by block."""
        blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
        return np.concatenate([np.zeros(0), *(self._block(block) for block in blocks)])

    def _block(self, rows: NDArray[Any]) -> Array:
        prior = np.asarray(self.bound.diag(rows, "nngp"), np.float64)
        if self.nngp is None:
            cross = np.asarray(self.bound(rows, self.x_train, get="nngp"), np.float64)
            white = self.factor.whiten(cross.T)
            variance = prior - np.einsum("ij,ij->j", white, white)
            return self._root(variance, prior)
        ntk = np.asarray(self.bound(rows, self.x_train, get="ntk"), np.float64)
        cross = np.asarray(self.bound(rows, self.x_train, get="nngp"), np.float64)
        weights = self.factor.solve(ntk.T)
        variance = (
            prior
            + np.einsum("ij,ij->j", weights, self.nngp @ weights)
            - 2 * np.einsum("ij,ij->j", weights, cross.T)
        )
        return self._root(variance, prior)

    def _root(self, variance: Array, prior: Array) -> Array:
        largest = float(prior.max(initial=0.0))
        return standard_deviation(variance, largest, self.epsilon, "the prediction")


def uncertainty(bound: BoundKernel, x_train: NDArray[Any], ridge: float) -> Uncertainty:
    """Factorise the training matrix. Raises `DataError` where it is too large for that."""
    if len(x_train) > MOST_ROWS:
        raise DataError(
            f"standard deviations need a factorisation of the training matrix, for at most "
            f"{MOST_ROWS} rows; this model was fitted to {len(x_train)}"
        )
    matrix = gram(bound(x_train), "k_train")
    factor = factorise(matrix, ridge, "jitter")
    nngp = None
    if bound.get == "ntk":
        nngp = gram(bound(x_train, get="nngp"), "k_train").values
    return Uncertainty(bound, x_train, factor, nngp, matrix.epsilon)
