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
from .pool import MeasuredCurve, PoolForecast, measured_learning_curve, pool_learning_curve
from .spectrum import DepthScan, EmpiricalSpectrum, condition_against_depth, empirical_spectrum
from .sphere import SphereSpectrum, gegenbauer, multiplicity, sphere_spectrum, zonal_function
from .sphere_curve import SphereCurve, sphere_learning_curve

__all__ = [
    "DepthScan",
    "Eigenlearning",
    "EmpiricalSpectrum",
    "MeasuredCurve",
    "PoolForecast",
    "SphereCurve",
    "SphereSpectrum",
    "condition_against_depth",
    "eigenlearning",
    "empirical_spectrum",
    "gegenbauer",
    "learning_curve",
    "measured_learnability",
    "measured_learning_curve",
    "multiplicity",
    "pool_learning_curve",
    "solve_kappa",
    "sphere_learning_curve",
    "sphere_spectrum",
    "zonal_function",
]
