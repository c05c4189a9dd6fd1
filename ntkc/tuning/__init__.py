"""Choosing a network's hyperparameters by the data: `ntkc.tune`, and what it is made of.

Hyperparameters are a program's `param`s and the ridge, all on a logarithmic scale within bounds.
Needs a kernel with `parameters` (a compiled one), NumPy and SciPy. Formulas: docs/estimators.md.
"""

from __future__ import annotations

from .derivatives import Derivatives, GradientError, TunableKernel, kernel_and_log_gradients
from .hyperparameters import BoundsError, Hyperparameter, hyperparameters
from .report import Restart, TuneReport
from .search import TuneError, tune

__all__ = [
    "BoundsError",
    "Derivatives",
    "GradientError",
    "Hyperparameter",
    "Restart",
    "TunableKernel",
    "TuneError",
    "TuneReport",
    "hyperparameters",
    "kernel_and_log_gradients",
    "tune",
]
