"""Theory of kernels: spectra on data and on the sphere, expected learning curves.

NumPy and SciPy only. Formulas: docs/predict.md.
"""

from __future__ import annotations

from .eigenlearning import (
    Eigenlearning,
    eigenlearning,
    learning_curve,
    measured_learnability,
    solve_kappa,
)
from .spectrum import DepthScan, EmpiricalSpectrum, condition_against_depth, empirical_spectrum
from .sphere import SphereSpectrum, gegenbauer, multiplicity, sphere_spectrum, zonal_function

__all__ = [
    "DepthScan",
    "Eigenlearning",
    "EmpiricalSpectrum",
    "SphereSpectrum",
    "condition_against_depth",
    "eigenlearning",
    "empirical_spectrum",
    "gegenbauer",
    "learning_curve",
    "measured_learnability",
    "multiplicity",
    "solve_kappa",
    "sphere_spectrum",
    "zonal_function",
]
