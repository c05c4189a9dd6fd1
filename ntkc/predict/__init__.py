"""Predictions from kernel matrices: regression, training dynamics, uncertainty.

Everything takes matrices (NumPy arrays) and needs NumPy and SciPy only; `predictor` and `blocks_of`
take a compiled kernel and inputs. Formulas, time scale and normalisations: docs/predict.md.
"""

from __future__ import annotations

from .blocks import Blocks, blocks_of, both_blocks
from .dynamics import SquaredLossDynamics, Trajectory, max_learning_rate, squared_loss_dynamics
from .ensemble import Ensemble, infinite_ensemble
from .errors import (
    DivergenceError,
    InputError,
    InputTypeError,
    IntegrationError,
    PredictError,
    SingularKernelError,
)
from .gaussian_process import (
    Conditioned,
    Evidence,
    Posterior,
    condition,
    log_marginal_likelihood,
    posterior,
)
from .holdout import Holdout, LeaveOneOut, k_fold, leave_one_out
from .integrate import integrate
from .large.regression import IterativeRegression, regress_iteratively
from .large.report import ConvergenceError, IterativeReport
from .large.stored import StoredTiles, store_tiles
from .large.streaming import stream_predictions
from .large.tiles import ArrayTiles, KernelTiles, Tiles
from .losses import CrossEntropy, CustomLoss, Hinge, Huber, Loss, SquaredError
from .predictor import Predictor, predictor
from .regression import Regression, regress
from .report import OnSingular, RidgeScale, SolveReport

__all__ = [
    "ArrayTiles",
    "Blocks",
    "Conditioned",
    "ConvergenceError",
    "CrossEntropy",
    "CustomLoss",
    "DivergenceError",
    "Ensemble",
    "Evidence",
    "Hinge",
    "Holdout",
    "Huber",
    "InputError",
    "InputTypeError",
    "IntegrationError",
    "IterativeRegression",
    "IterativeReport",
    "KernelTiles",
    "LeaveOneOut",
    "Loss",
    "OnSingular",
    "Posterior",
    "PredictError",
    "Predictor",
    "Regression",
    "RidgeScale",
    "SingularKernelError",
    "SolveReport",
    "SquaredError",
    "SquaredLossDynamics",
    "StoredTiles",
    "Tiles",
    "Trajectory",
    "blocks_of",
    "both_blocks",
    "condition",
    "infinite_ensemble",
    "integrate",
    "k_fold",
    "leave_one_out",
    "log_marginal_likelihood",
    "max_learning_rate",
    "posterior",
    "predictor",
    "regress",
    "regress_iteratively",
    "squared_loss_dynamics",
    "store_tiles",
    "stream_predictions",
]
