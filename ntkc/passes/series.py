"""A Chebyshev series in the angle, for functions whose singularities are not on one line:

    f = f(0) - u series(2u - 1),   u = (1 + k) t / (t + k),
    t = tan(theta/4) = sin(theta/2) / (1 + cos(theta/2)),

with the k of a few that needs the fewest terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ntkc.ir.node import Node, const, make, sqrt
from ntkc.passes.truth import Fit, Function, Truth, between, complement, nodes

_WANTED = {"float64": 2e-16, "float32": 6e-8}
_NODES = 192
_SCALES = (8.0, 2.0, 0.7, 0.25, 0.1, 0.04, 0.016)
"""k: the smaller, the denser the points near coincidence."""
_LENGTHS = (8, 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 46, 53, 60, 70, 80, 95, 110)


def shortest_series(exact: Function, dtype: str) -> Fit:
    """The shortest that is as good as it can be, with its error."""
    top = exact(np.zeros(1, np.longdouble))[0]
    x, u = nodes(_NODES)
    values = exact(np.concatenate([complement(u, k) for k in _SCALES]))
    scale, found = min(
        zip(_SCALES, values.reshape(len(_SCALES), -1), strict=True),
        key=lambda candidate: _length(x, (top - candidate[1]) / u),
    )
    truth = Truth.at(exact, between([scale], 3 * _NODES + 1), dtype)
    best = Fit(const(float(top)), np.inf, "")
    for terms in _LENGTHS:
        series = _least_squares(x, u, top - found, terms).astype(dtype)
        coincident = const(float(np.dtype(dtype).type(top)))
        form = coincident - _chebyshev(scale, tuple(map(float, series)))
        error = truth.error(form)
        if error < best.error:
            best = Fit(form, error, f"a Chebyshev series of {terms} terms")
        if error <= _WANTED[dtype]:
            break
    return best


def _chebyshev(scale: float, series: tuple[float, ...]) -> Node:
    half = make("gram_complement") * 0.5
    s = sqrt(half)
    u = s * (1.0 + scale) / (s + (1.0 + sqrt(1.0 - half)) * scale)
    return u * make("chebyshev", 2.0 * u - 1.0, coefficients=series)


def _length(x: Any, values: Any) -> int:
    """How many terms stand out of what rounding leaves: it is large where u is small."""
    terms = np.cos(np.outer(np.arange(_NODES), np.arccos(x)))
    series = np.abs(terms @ values)
    return int(np.count_nonzero(series > 1e-12 * series.max()))


def _least_squares(x: Any, u: Any, values: Any, terms: int) -> Any:
    """The series for which u * series(x) is closest to the values: solved in float64, and
    refined by residuals in extended precision.
    """
    columns = np.cos(np.outer(np.arccos(x), np.arange(terms)))
    matrix = (u[:, None] * columns).astype(float)
    series = np.zeros(terms, np.longdouble)
    for _ in range(3):
        residual = values - u * (columns @ series)
        series += np.linalg.lstsq(matrix, residual.astype(float), rcond=None)[0]
    return series
